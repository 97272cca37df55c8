using System.Collections.Concurrent;
using System.Data.Common;
using Dapper;
using Signet.Access;

namespace Signet.Control;

/// <summary>
/// Which questions the broker really asked, each once with the day it was last asked: what a proposed policy is tried on. Bounded; when full, new questions are passed over
/// until old ones expire. Safe for any number of threads; costs one lookup on a question that the broker itself does not remember.
/// </summary>
internal sealed class PolicyTraffic(TimeProvider time)
{
    private readonly ConcurrentDictionary<(PrincipalKind Kind, string Name, TopicAction Action, string Topic), long> _seen = new();
    private readonly ConcurrentDictionary<(PrincipalKind Kind, string Name, TopicAction Action, string Topic), long> _dirty = new();

    // Beside the dictionary, whose own count takes all its locks.
    private int _count;

    /// <param name="allowed">What was denied gets half of the room at most: anybody can ask for what he will not get.</param>
    public void Note(Principal principal, TopicAction action, string topic, bool allowed)
    {
        var key = (principal.Kind, principal.Name, action, topic);
        var today = Today();
        if (_seen.TryGetValue(key, out var day))
        {
            if (day == today) return;
            _seen[key] = today;
        }
        else
        {
            if (Volatile.Read(ref _count) >= (allowed ? ControlLimits.TrafficQuestions : ControlLimits.TrafficQuestions / 2) || !_seen.TryAdd(key, today)) return;
            Interlocked.Increment(ref _count);
        }

        _dirty[key] = today;
    }

    public IReadOnlyList<(PrincipalKind Kind, string Name, TopicAction Action, string Topic)> Questions()
    {
        var oldest = Today() - ControlLimits.TrafficDays;
        return [.. _seen.Where(s => s.Value >= oldest).Select(s => s.Key)];
    }

    public void Load(DbConnection connection)
    {
        foreach (var row in connection.Query<Row>("SELECT kind AS Kind, name AS Name, action AS Action, topic AS Topic, last_day AS LastDay FROM policy_traffic"))
            if (_seen.TryAdd(((PrincipalKind)row.Kind, row.Name, (TopicAction)row.Action, row.Topic), row.LastDay)) _count++;
    }

    public async Task FlushAsync(ControlDatabase database, CancellationToken cancellationToken)
    {
        var oldest = Today() - ControlLimits.TrafficDays;
        foreach (var old in _seen.Where(s => s.Value < oldest))
            if (_seen.TryRemove(old)) Interlocked.Decrement(ref _count);
        var rows = _dirty.ToArray();
        if (rows.Length == 0) return;
        await database.WriteAsync(c =>
        {
            foreach (var (key, day) in rows)
            {
                c.Execute("""
                    INSERT INTO policy_traffic (kind, name, action, topic, last_day) VALUES (@kind, @Name, @action, @Topic, @day)
                    ON CONFLICT (kind, name, action, topic) DO UPDATE SET last_day = excluded.last_day
                    """, new { kind = (long)key.Kind, key.Name, action = (long)key.Action, key.Topic, day });
            }

            c.Execute("DELETE FROM policy_traffic WHERE last_day < @oldest", new { oldest });
        }, cancellationToken);
        foreach (var row in rows) _dirty.TryRemove(row);
    }

    private long Today() => time.GetUtcNow().ToUnixTimeSeconds() / 86_400;

    private sealed class Row
    {
        public long Kind { get; set; }
        public string Name { get; set; } = "";
        public long Action { get; set; }
        public string Topic { get; set; } = "";
        public long LastDay { get; set; }
    }
}
