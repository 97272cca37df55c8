using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Signet.Access;
using Signet.Audit;
using Signet.Mqtt;
using Signet.Proof;
using Signet.Store;

namespace Signet.Control;

/// <summary>
/// The fleet as witness of the audit log (docs/spec/audit-log.md, "Witnesses"): hands every new checkpoint to every device, answers their questions with consistency proofs, keeps what they cosign,
/// hands each cosigned checkpoint on to all, so that devices see that others are shown the same, and writes down what they raise.
/// Cosignatures are not audit entries: each would need the next checkpoint, and that one the next cosignature.
/// </summary>
public sealed class Witnesses : IAsyncDisposable
{
    private readonly AuditLog _log;
    private readonly Roster _roster;
    private readonly ControlDatabase _database;
    private readonly AuditTrail _trail;
    private readonly RepeatedNotes _repeated;
    private readonly LiveFeed _feed;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _one = new();
    private readonly Dictionary<string, WitnessRecord> _records;
    private readonly HashSet<string> _dirty = new(StringComparer.Ordinal);
    private readonly CosignedNotes _notes = new();
    private readonly HandOut _handOut;
    private readonly ProofAnswers _answers;

    internal Witnesses(AuditLog log, Roster roster, ControlDatabase database, AuditTrail trail, RepeatedNotes repeated, LiveFeed feed, TimeProvider time, ILogger logger)
    {
        (_log, _roster, _database, _trail, _repeated, _feed, _time, _logger) = (log, roster, database, trail, repeated, feed, time, logger);
        _handOut = new(roster, _notes, HasCosigned, time);
        _answers = new(log, repeated, time, logger);
        _records = database.Read(WitnessStore.Load).ToDictionary(record => record.Device, StringComparer.Ordinal);
        if (log.LatestCheckpoint is { } latest) Remember(latest);
        log.CheckpointSigned += Remember;
    }

    /// <summary>What each device has said, by name.</summary>
    public IReadOnlyList<WitnessRecord> List()
    {
        lock (_one) return [.. _records.Values.OrderBy(record => record.Device, StringComparer.Ordinal)];
    }

    /// <summary>Devices that have cosigned the newest checkpoint, of how many that ever cosigned.</summary>
    public (int Current, int Known) Now()
    {
        var latest = _log.LatestCheckpoint?.Size ?? 0;
        lock (_one) return (_records.Values.Count(record => record.Size == latest), _records.Values.Count(record => record.Size > 0));
    }

    /// <summary>The checkpoints that devices hold, newest first: a verification must find them in the log.</summary>
    internal IReadOnlyList<string> Notes()
    {
        lock (_one) return [.. _records.Values.Where(record => record.Note.Length > 0).OrderByDescending(record => record.Size).Select(record => record.Note).Distinct(StringComparer.Ordinal).Take(1_000)];
    }

    /// <summary>Counts cosignatures: each is checked against the device's key, and its checkpoint against the tree of this log.</summary>
    /// <param name="quorum">Witnesses that must agree; null: more than half of those that have ever cosigned.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<WitnessCount> CountAsync(int? quorum, CancellationToken cancellationToken = default)
    {
        var records = List().Where(record => record.Size > 0).ToList();
        var needed = Math.Max(1, quorum ?? records.Count / 2 + 1);
        var (good, strangers) = (new List<WitnessRecord>(), new List<string>());
        var latest = _log.LatestCheckpoint;
        foreach (var record in records)
        {
            var isPart = latest is not null && Checkpoint.TryParse(record.Note, out var checkpoint, out _) && checkpoint.Origin == _log.Origin && IsCosigned(record.Device, checkpoint)
                && checkpoint.Size <= latest.Size && MerkleTree.VerifyConsistency(checkpoint.Size, checkpoint.Root, latest.Size, latest.Root, await _log.ProveConsistencyAsync(checkpoint.Size, latest.Size, cancellationToken));
            if (isPart) good.Add(record);
            else strangers.Add(record.Device);
        }
        good.Sort((a, b) => b.Size.CompareTo(a.Size));
        var confirmed = good.Count >= needed ? good[needed - 1].Size : 0;
        return new(needed, records.Count, confirmed, [.. good.Where(record => record.Size >= confirmed && confirmed > 0).Select(record => record.Device).Order(StringComparer.Ordinal)], strangers,
            [.. List().Where(record => record.Alarm is not null).Select(record => record.Device)]);
    }

    /// <summary>A person has looked at what a device raised.</summary>
    public async Task<Outcome<WitnessRecord>> SettleAsync(string device, string reason, Actor actor, CancellationToken cancellationToken = default)
    {
        WitnessRecord? before;
        lock (_one) before = _records.GetValueOrDefault(device);
        if (before?.Alarm is null) return new Refusal(RefusalCode.NotFound, $"{device} has raised no alarm");
        var permit = await _trail.PermitAsync(actor, Act.AcknowledgeAlert, _roster.Find(device), AuditTrail.Of(AuditTypes.Security, actor, device, "witness-alarm-settled", "success", reason, new() { ["alarm"] = before.Alarm }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        var after = before with { Alarm = null, AlarmAt = null, Evidence = null };
        Put(after);
        await FlushAsync();
        return after;
    }

    public async ValueTask DisposeAsync()
    {
        _log.CheckpointSigned -= Remember;
        await FlushAsync();
        _handOut.Dispose();
    }

    /// <summary>Hands new checkpoints to the devices of the witness list until stopped, and again when their cosignatures have had time to come.</summary>
    internal Task RunAsync(BrokerLink link, CancellationToken stop) => RoundsAsync(async () =>
    {
        await _handOut.ToWitnessesAsync(link, stop);
        await FlushAsync();
    });

    /// <summary>Hands checkpoints to everybody else until stopped, with the cosignatures of the list.</summary>
    internal Task RunOthersAsync(BrokerLink link, CancellationToken stop) => RoundsAsync(() => _handOut.ToOthersAsync(link, stop));

    /// <summary>Answers what devices ask until stopped.</summary>
    internal Task AnswerAsync(BrokerLink link, CancellationToken stop) => _answers.RunAsync(link, stop);

    /// <summary>A message from a device's witness topic.</summary>
    internal void Take(string device, MqttMessage message)
    {
        if (!WitnessMessage.TryRead(message.Payload.Span, out var said))
        {
            Refuse(device, "malformed");
            return;
        }
        switch (said)
        {
            // Not in the line of receipts: a fleet that asks after each checkpoint would hold them up. A question that finds no room is asked again by the device.
            case WitnessMessage.Ask ask:
                _handOut.Reacted(device);
                _answers.Ask(device, ask.Size);
                break;
            case WitnessMessage.Cosigned cosigned:
                _handOut.Reacted(device);
                Take(device, cosigned);
                break;
            case WitnessMessage.Alarm alarm: Take(device, alarm); break;
            default: Refuse(device, "malformed"); break;
        }
    }

    private async Task RoundsAsync(Func<Task> round)
    {
        try
        {
            while (true)
            {
                try
                {
                    await round();
                }
                catch (MqttException e)
                {
                    Log.RoundFailed(_logger, "checkpoints", e.Message);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The center stops.
        }
    }

    private bool HasCosigned(string device, Checkpoint checkpoint)
    {
        lock (_one) return _records.TryGetValue(device, out var record) && record.Size >= checkpoint.Size;
    }

    private void Take(string device, WitnessMessage.Cosigned cosigned)
    {
        if (_notes.Find(cosigned.Size) is not { } checkpoint) return;   // of before this start: the next one comes
        var line = cosigned.Line.TrimEnd('\n') + "\n";
        if (!_roster.PublicKeysOf(device).Any(key => Cosignature.IsBy(device, key, checkpoint, line)))
        {
            Refuse(device, "bad-signature");
            return;
        }
        _notes.Cosign(checkpoint, device, line);
        lock (_one)
        {
            var before = _records.GetValueOrDefault(device);
            if (before is { } known && known.Size > cosigned.Size) return;
            var after = new WitnessRecord(device, cosigned.Size, checkpoint.Note + line, _time.GetUtcNow(), before?.Alarm, before?.AlarmAt, before?.Evidence);
            // What was only a lack of confirmation ends with it.
            if (after.Alarm == Word(WitnessAlarm.Unconfirmed)) after = after with { Alarm = null, AlarmAt = null, Evidence = null };
            _records[device] = after;
            _dirty.Add(device);
        }
    }

    private void Take(string device, WitnessMessage.Alarm alarm)
    {
        if (!_roster.PublicKeysOf(device).Any(key => alarm.Verify(key)))
        {
            Refuse(device, "bad-signature");
            return;
        }
        WitnessRecord? before;
        lock (_one) before = _records.GetValueOrDefault(device);
        var evidence = Encoding.UTF8.GetString(alarm.ToBytes());
        if (before?.Evidence == evidence) return;   // it says so at every connection
        var word = Word(alarm.Reason);
        // A lack of confirmation ends by itself: it must not take the place of an alarm that only a person ends.
        if (alarm.Reason != WitnessAlarm.Unconfirmed || before?.Alarm is null || before.Alarm == word) Put((before ?? new(device, 0, "", null, null, null, null)) with { Alarm = word, AlarmAt = alarm.Time, Evidence = evidence });
        var (seen, other) = (Read(alarm.Seen), Read(alarm.Other));
        _repeated.Add(new(AuditTypes.Security, device, "audit", "witness-alarm", alarm.Reason == WitnessAlarm.Unconfirmed ? "unconfirmed" : "failed", word, new()
        {
            ["seenSize"] = seen?.Size, ["seenRoot"] = seen?.Root.ToString(), ["otherSize"] = other?.Size, ["otherRoot"] = other?.Root.ToString(),
        }), device);
        _feed.Publish(FeedKind.Audit, "alarm", device, new() { ["device"] = device, ["alarm"] = word });
        Log.WitnessAlarm(_logger, device, word);
    }

    private bool IsCosigned(string device, Checkpoint checkpoint)
    {
        var lines = checkpoint.Note[(checkpoint.Text.Length + 1)..].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        // Every key the device ever had: a cosignature stays its word when the certificate is renewed.
        var keys = _roster.PublicKeysOf(device);
        return lines.Any(line => keys.Any(key => Cosignature.IsBy(device, key, checkpoint, line)));
    }

    private void Refuse(string device, string reason) => _repeated.Add(new(AuditTypes.Security, device, "audit", "witness-refused", "refused", reason, new JsonObject()), device);

    private void Remember(Checkpoint checkpoint)
    {
        _notes.Add(checkpoint);
        _handOut.Wake();
    }

    private void Put(WitnessRecord record)
    {
        lock (_one)
        {
            _records[record.Device] = record;
            _dirty.Add(record.Device);
        }
    }

    private async Task FlushAsync()
    {
        List<WitnessRecord> changed;
        lock (_one)
        {
            changed = [.. _dirty.Select(device => _records[device])];
            _dirty.Clear();
        }
        if (changed.Count == 0) return;
        try
        {
            await _database.WriteAsync(connection => WitnessStore.Save(connection, changed));
        }
        catch (StoreException e)
        {
            Log.RoundFailed(_logger, "witnesses", e.Message);
            lock (_one) foreach (var record in changed) _dirty.Add(record.Device);
        }
    }

    private static Checkpoint? Read(string note) => Checkpoint.TryParse(note, out var checkpoint, out _) ? checkpoint : null;

    private static string Word(WitnessAlarm reason) => Words.Of(reason);
}
