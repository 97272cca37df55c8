using System.Text.Json.Nodes;
using Signet.Audit;

namespace Signet.Control;

/// <summary>
/// Audit entries that others can cause as often as they like: refused handshakes, denials, replays. The first of its kind from one source is written at once,
/// the rest are counted and written as one entry with the count. Over all sources together at most <see cref="ControlLimits.RepeatedEntriesPerSecond"/>
/// entries a second are written (with a burst of ten seconds' worth), whatever anybody sends; what finds no room is counted and follows later.
/// </summary>
internal sealed class RepeatedNotes : IDisposable
{
    private readonly AuditTrail _trail;
    private readonly TimeProvider _time;
    private readonly Dictionary<Source, Tally> _tallies = [];
    private readonly Lock _one = new();
    private readonly ITimer _sweep;
    private double _room = Burst;
    private long _refilled;

    private const double Burst = ControlLimits.RepeatedEntriesPerSecond * 10;

    public RepeatedNotes(AuditTrail trail, TimeProvider time)
    {
        (_trail, _time, _refilled) = (trail, time, time.GetTimestamp());
        _sweep = time.CreateTimer(_ => Sweep(all: false), null, ControlLimits.RepeatedSweep, ControlLimits.RepeatedSweep);
    }

    /// <param name="record">As it would be written alone.</param>
    /// <param name="source">Where it came from: an address without its port, or an identity.</param>
    public void Add(AuditRecord record, string source)
    {
        lock (_one)
        {
            var key = new Source(record.Type, record.Action, record.Actor, record.Subject, record.Reason, source);
            if (!_tallies.TryGetValue(key, out var tally))
            {
                if (_tallies.Count >= ControlLimits.RepeatedSources)
                {
                    // So many at once that telling them apart would cost more than it says.
                    // A fleet that comes back at once is no attack: its sum stays what it is, a count of sessions.
                    var isFleet = record is { Type: AuditTypes.Broker, Actor.Length: > 0 };
                    record = isFleet ? record with { Actor = "", Subject = "broker", Details = null, Personal = null } : new(AuditTypes.Security, "", "broker", "flood", "refused", "rate-limited");
                    key = new(record.Type, record.Action, "", "", isFleet ? record.Reason : "", "");
                    _tallies.TryGetValue(key, out tally);
                }

                if (tally is null)
                {
                    _tallies.Add(key, tally = new(record, key.From));
                    if (TakeRoom())
                    {
                        tally.Opened = _time.GetTimestamp();
                        _trail.Note(record);
                        return;
                    }
                }
            }

            tally.Count++;
            tally.Last = _time.GetUtcNow();
            tally.Record = record;
        }
    }

    /// <summary>Writes every count that is still open.</summary>
    public void Dispose()
    {
        _sweep.Dispose();
        Sweep(all: true);
    }

    private void Sweep(bool all)
    {
        lock (_one)
        {
            foreach (var (key, tally) in _tallies.ToList())
            {
                var isOver = all || tally.Opened is not { } opened || _time.GetElapsedTime(opened) >= ControlLimits.RepeatedWindow;
                if (!isOver) continue;
                if (tally.Count == 0) _tallies.Remove(key);
                else if (all || TakeRoom())
                {
                    _trail.Note(tally.Summary());
                    tally.Count = 0;
                    tally.Opened = _time.GetTimestamp();
                }
            }
        }
    }

    private bool TakeRoom()
    {
        var now = _time.GetTimestamp();
        _room = Math.Min(Burst, _room + (_time.GetElapsedTime(_refilled, now).TotalSeconds * ControlLimits.RepeatedEntriesPerSecond));
        _refilled = now;
        if (_room < 1) return false;
        _room--;
        return true;
    }

    private readonly record struct Source(string Type, string Action, string Actor, string Subject, string Reason, string From);

    private sealed class Tally(AuditRecord record, string source)
    {
        public AuditRecord Record { get; set; } = record;
        /// <summary>Timestamp of the last entry written; null: none yet.</summary>
        public long? Opened { get; set; }
        public long Count { get; set; }
        public DateTimeOffset Last { get; set; }

        public AuditRecord Summary()
        {
            var details = (JsonObject?)Record.Details?.DeepClone() ?? [];
            details["count"] = Count;
            details["last"] = Last.ToUnixTimeSeconds();
            if (source.Length == 0 || source == Record.Actor) return Record with { Details = details };
            // An address, or what may be one: beside the entry, where it can be erased.
            var personal = (JsonObject?)Record.Personal?.DeepClone() ?? [];
            personal["source"] = source;
            return Record with { Details = details, Personal = personal };
        }
    }
}
