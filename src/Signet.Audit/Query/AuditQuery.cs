using System.Data.Common;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>Answers one filter.</summary>
internal static class AuditQuery
{
    public static AuditPage Run(Database database, AuditFilter filter, long size, CancellationToken cancellationToken)
    {
        var limit = Math.Clamp(filter.Limit, 1, AuditLimits.PageEntries);
        var below = Math.Min(filter.Before ?? long.MaxValue, size + 1);
        var match = new EntryMatch(filter);
        using var connection = database.Open();
        // Earlier ones were taken out by retention: there is nothing to look for.
        var oldest = (StoredRows.KeptFrom(connection)?.Size ?? 0) + 1;
        var least = Math.Max(oldest, below - AuditLimits.ScannedEntries);
        var found = new List<AuditEntry>(limit);
        foreach (var entry in EntryReader.Newest(connection, below, least, body => match.Wants(body)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            found.Add(entry);
            if (found.Count == limit) break;
        }
        var reached = found.Count == limit ? found[^1].Sequence : least;
        return new AuditPage(found, reached > oldest ? reached : null, size);
    }

    /// <summary>All matching entries up to one, oldest first, as they are read.</summary>
    public static IEnumerable<StoredEntry> Matching(DbConnection connection, AuditFilter filter, long last, CancellationToken cancellationToken)
    {
        var match = new EntryMatch(filter);
        foreach (var row in StoredRows.Entries(connection, 0))
        {
            if (row.Number > last || row.Number >= filter.Before) break;
            if (match.Wants(row.Body.Span)) yield return row;
            if ((row.Number & 4095) == 0) cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
