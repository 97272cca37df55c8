using System.Data.Common;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>Answers one filter: the newest entries one by one as far as the search index does not reach, then the stretches it names.</summary>
internal static class AuditQuery
{
    public static AuditPage Run(Database database, SearchIndex? index, AuditFilter filter, long size, CancellationToken cancellationToken)
    {
        var limit = Math.Clamp(filter.Limit, 1, AuditLimits.PageEntries);
        var newest = Math.Min(filter.Before - 1 ?? size, size);
        using var connection = database.Open();
        // Earlier ones were taken out by retention: there is nothing to look for.
        var oldest = (StoredRows.KeptFrom(connection)?.Size ?? 0) + 1;
        if (filter.Sequence is { } only) (oldest, newest) = (Math.Max(oldest, only), Math.Min(newest, only));
        if (newest < oldest) return new AuditPage([], null, size);
        var look = new Look(connection, new EntryMatch(filter), limit, cancellationToken);
        var reached = Fill(look, index, newest, oldest);
        if (look.Found.Count == limit) reached = look.Found[^1].Sequence;
        if (filter.Sequence is not null || reached <= oldest) return new AuditPage(look.Found, null, size);
        return new AuditPage(look.Found, reached, size) { Reached = EntryReader.TimeOf(connection, reached) };
    }

    /// <returns>The lowest number that was looked at.</returns>
    private static long Fill(Look look, SearchIndex? index, long newest, long oldest)
    {
        var known = Math.Min(index?.Entries ?? 0, newest);
        if (newest > known && !look.At(Math.Max(known + 1, oldest), newest) || known < oldest) return Math.Max(look.Reached, oldest);
        using var connection = index!.Connect();
        using var plan = new SearchPlan(connection, look.Match);
        for (var stretch = (known - 1) / SearchIndex.Stretch; ; stretch--)
        {
            stretch = plan.Next(stretch);
            var first = stretch * SearchIndex.Stretch + 1;
            if (stretch < 0 || first + SearchIndex.Stretch <= oldest) return oldest;
            if (plan.IsSpent) return Math.Min(first + SearchIndex.Stretch, newest + 1);   // this one was not looked into
            for (var part = 15; part >= 0; part--)
            {
                // Sixteenths that lie together are one question.
                if ((plan.Parts >> part & 1) == 0) continue;
                var newer = part;
                while (part > 0 && (plan.Parts >> part - 1 & 1) != 0) part--;
                var (low, high) = (Math.Max(first + part * SearchIndex.Part, oldest), Math.Min(first + (newer + 1) * SearchIndex.Part - 1, known));
                if (low <= high && !look.At(low, high)) return look.Reached;
            }
        }
    }

    /// <summary>All matching entries up to one, oldest first, as they are read.</summary>
    public static IEnumerable<StoredEntry> Matching(DbConnection connection, AuditFilter filter, long last, CancellationToken cancellationToken)
    {
        var match = new EntryMatch(filter);
        foreach (var row in StoredRows.Entries(connection, filter.Sequence - 1 ?? 0))
        {
            if (row.Number > last || row.Number >= filter.Before || row.Number > filter.Sequence) break;
            if (match.Wants(row.Body.Span)) yield return row;
            if ((row.Number & 4095) == 0) cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>What one page has looked at so far.</summary>
    private sealed class Look(DbConnection connection, EntryMatch match, int limit, CancellationToken cancellationToken)
    {
        private int _left = AuditLimits.ScannedEntries;

        public EntryMatch Match => match;
        public List<AuditEntry> Found { get; } = new(Math.Min(limit, 64));
        public long Reached { get; private set; } = long.MaxValue;

        /// <summary>Looks at entries from the higher number down; false when the page is full or its work used up.</summary>
        public bool At(long lowest, long highest)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var least = Math.Max(lowest, highest - _left + 1);
            _left -= (int)(highest - least + 1);
            EntryReader.Newest(connection, least, highest, match, limit, Found);
            Reached = least;
            return Found.Count < limit && _left > 0;
        }
    }
}
