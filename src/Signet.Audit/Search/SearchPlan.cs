using System.Data.Common;
using Signet.Store;

namespace Signet.Audit;

/// <summary>
/// The stretches that may hold entries for a filter, newest first: each condition says where it may be met next, and the lowest of them is asked again until all agree.
/// Cost: a seek for each condition and stretch; for text 4 KiB for each stretch passed over.
/// </summary>
internal sealed class SearchPlan : IDisposable
{
    private readonly DbConnection _connection;
    private readonly List<Func<long, long>> _conditions = [];
    private readonly List<IDisposable> _open = [];
    private int _texts = AuditLimits.SearchedTexts;

    public SearchPlan(DbConnection connection, EntryMatch match)
    {
        _connection = connection;
        foreach (var token in match.Tokens) Add("SELECT stretch FROM members WHERE token = ?1 AND stretch <= ?2 ORDER BY stretch DESC LIMIT 1", (rows, at) => rows.Start(token, at));
        if (match.Earliest is not null || match.Latest is not null)
        {
            var (earliest, latest) = (match.Earliest ?? long.MinValue, match.Latest ?? long.MaxValue);
            Add("SELECT stretch FROM spans WHERE stretch <= ?1 AND latest >= ?2 AND earliest < ?3 ORDER BY stretch DESC LIMIT 1", (rows, at) => rows.Start(at, earliest, latest));
        }
        if (match.TextBits is { Length: > 0 } bits) AddText(bits);
    }

    /// <summary>The bounded work of one page was used up: <see cref="Next"/> stands where it came to.</summary>
    public bool IsSpent => _texts <= 0;

    /// <summary>The newest stretch at or before this one; negative when there is none. Look at <see cref="IsSpent"/> too.</summary>
    public long Next(long stretch)
    {
        while (stretch >= 0)
        {
            var lowest = stretch;
            foreach (var condition in _conditions)
            {
                lowest = condition(lowest);
                if (lowest < 0 || IsSpent) return lowest;
            }
            if (lowest == stretch) return stretch;
            stretch = lowest;
        }
        return stretch;
    }

    public void Dispose()
    {
        foreach (var open in _open) open.Dispose();
    }

    private void Add(string sql, Action<RowStream, long> start)
    {
        var rows = Open(sql);
        _conditions.Add(at =>
        {
            start(rows, at);
            var found = rows.Read() ? rows.Number(0) : -1;
            rows.Pause();
            return found;
        });
    }

    private void AddText(int[] bits)
    {
        var rows = Open("SELECT stretch, grams FROM texts WHERE stretch <= ?1 ORDER BY stretch DESC");
        _conditions.Add(at =>
        {
            rows.Start(at);
            var passed = at;
            while (rows.Read())
            {
                passed = rows.Number(0);
                var grams = rows.Bytes(1);
                if (grams.Length == SearchTokens.GramBytes && SearchTokens.Has(grams, bits)) return Paused(passed);
                if (--_texts <= 0) return Paused(passed);
            }
            return Paused(-1);
        });

        long Paused(long at)
        {
            rows.Pause();
            return at;
        }
    }

    // search.db is a SQLite file whichever database holds the log.
    private RowStream Open(string sql)
    {
        var rows = RowStream.TryOpen(_connection, sql)!;
        _open.Add(rows);
        return rows;
    }
}
