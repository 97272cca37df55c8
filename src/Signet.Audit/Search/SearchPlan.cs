using System.Data.Common;
using Signet.Store;

namespace Signet.Audit;

/// <summary>
/// The stretches that may hold entries for a filter, newest first: each condition says where it may be met next, and the lowest of them is asked again until all agree.
/// Cost: a seek for each condition and stretch; for text some 2 KiB for each letter and 256 stretches, and 4 KiB for each stretch of the newest.
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
        // One state of the file: a block that is turned round between two questions would be in neither answer.
        Run("BEGIN");
        foreach (var token in match.Tokens) AddMember([token]);
        if (match.AnyToken is { } any) AddMember(any);
        if (match.Earliest is not null || match.Latest is not null)
        {
            var (earliest, latest) = (match.Earliest ?? long.MinValue, match.Latest ?? long.MaxValue);
            Add("SELECT stretch FROM spans WHERE stretch <= ?1 AND latest >= ?2 AND earliest < ?3 ORDER BY stretch DESC LIMIT 1", (rows, at) => rows.Start(at, earliest, latest));
        }
        if (match.TextBits is { Length: > 0 } bits) AddText(bits);
    }

    /// <summary>The bounded work of one page was used up: <see cref="Next"/> stands where it came to.</summary>
    public bool IsSpent => _texts <= 0;

    /// <summary>Sixteenths of the stretch that <see cref="Next"/> gave where the entries may be: bit 0 is the oldest.</summary>
    public int Parts { get; private set; } = SearchIndex.AllParts;

    /// <summary>The newest stretch at or before this one; negative when there is none. Look at <see cref="IsSpent"/> too.</summary>
    public long Next(long stretch)
    {
        while (stretch >= 0)
        {
            var lowest = stretch;
            Parts = SearchIndex.AllParts;
            foreach (var condition in _conditions)
            {
                lowest = condition(lowest);
                if (lowest < 0 || IsSpent) return lowest;
            }
            // All agree about the stretch; about its sixteenths too, or it is passed over.
            if (lowest == stretch && Parts != 0) return stretch;
            stretch = lowest == stretch ? stretch - 1 : lowest;
        }
        return stretch;
    }

    public void Dispose()
    {
        foreach (var open in _open) open.Dispose();
        Run("ROLLBACK");
    }

    private void Run(string sql)
    {
        using var command = _connection.Command(sql);
        command.ExecuteNonQuery();
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

    // Where any of the values stands: the newest of their places, and their sixteenths together.
    private void AddMember(IReadOnlyList<long> tokens)
    {
        var rows = Open("SELECT stretch, parts FROM members WHERE token = ?1 AND stretch <= ?2 ORDER BY stretch DESC LIMIT 1");
        _conditions.Add(at =>
        {
            var (newest, parts) = (-1L, 0);
            foreach (var token in tokens)
            {
                rows.Start(token, at);
                if (!rows.Read()) continue;
                var stretch = rows.Number(0);
                if (stretch > newest) (newest, parts) = (stretch, (int)rows.Number(1));
                else if (stretch == newest) parts |= (int)rows.Number(1);
            }

            rows.Pause();
            // Only what is said of the stretch that was asked about counts: of a lower one everything is asked again.
            if (newest == at) Parts &= parts;
            return newest;
        });
    }

    private void AddText(int[] bits)
    {
        var slices = Open("SELECT bits FROM slices WHERE block = ?1 AND part = ?2");
        var (known, holding) = (-1L, (byte[]?)null);
        var rows = Open("SELECT stretch, grams FROM texts WHERE stretch <= ?1 ORDER BY stretch DESC");
        _conditions.Add(at =>
        {
            for (; at >= 0; at = known * TextSlices.Block - 1)
            {
                if (at / TextSlices.Block != known) (known, holding) = (at / TextSlices.Block, TextSlices.Holding(slices, at / TextSlices.Block, bits));
                if (holding is null) return OneByOne(at);
                for (; at >= known * TextSlices.Block; at--)
                {
                    var place = (int)(at - known * TextSlices.Block);
                    if ((holding[place >> 3] >> (place & 7) & 1) != 0) return at;
                }

                if ((_texts -= bits.Length) <= 0) return known * TextSlices.Block;
            }

            return -1;
        });

        // Down to where the blocks begin.
        long OneByOne(long at)
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
            // No text is older: what lies below has been turned round, or is nowhere.
            return Paused(passed / TextSlices.Block * TextSlices.Block - 1);
        }

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
