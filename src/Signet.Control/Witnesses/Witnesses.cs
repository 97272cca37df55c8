using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
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
    private const int RememberedCheckpoints = 64, AtOnce = 64;
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
    private readonly Dictionary<string, long> _asked = new(StringComparer.Ordinal);
    private readonly SortedDictionary<long, Signed> _signed = [];
    private readonly SemaphoreSlim _news = new(0, 1);
    private readonly Channel<(string Device, long Size)> _asks = Channel.CreateBounded<(string, long)>(new BoundedChannelOptions(ControlLimits.WitnessQuestions) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly ConcurrentDictionary<string, Noted> _handed = new(StringComparer.Ordinal);
    private readonly Dictionary<long, Task<byte[]>> _shown = [];
    private readonly ReactionWindow _window;
    private (Checkpoint? Checkpoint, int Lines) _complete;   // what every device was handed
    private Checkpoint? _shownLatest;
    private int _looked;   // cosignatures at the last look

    internal Witnesses(AuditLog log, Roster roster, ControlDatabase database, AuditTrail trail, RepeatedNotes repeated, LiveFeed feed, TimeProvider time, ILogger logger)
    {
        (_log, _roster, _database, _trail, _repeated, _feed, _time, _logger) = (log, roster, database, trail, repeated, feed, time, logger);
        _window = new(ControlLimits.WitnessesAtOnce, ControlLimits.WitnessSettling, time);
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
    }

    /// <summary>Hands out checkpoints until stopped: a new one at once, and again when its cosignatures have had time to come.</summary>
    internal async Task RunAsync(BrokerLink link, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await _news.WaitAsync(ControlLimits.WitnessSettling, stop);
                try
                {
                    await HandOutAsync(link, stop);
                    await FlushAsync();
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

    /// <summary>Answers what devices ask until stopped, some at once.</summary>
    internal async Task AnswerAsync(BrokerLink link, CancellationToken stop)
    {
        try
        {
            await Parallel.ForEachAsync(_asks.Reader.ReadAllAsync(stop), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stop }, async (ask, cancellation) =>
            {
                try
                {
                    await AnswerAsync(ask.Device, ask.Size, link, cancellation);
                }
                catch (Exception e) when (e is MqttException or StoreException)
                {
                    Log.RoundFailed(_logger, "witness questions", e.Message);   // it asks again
                }
            });
        }
        catch (OperationCanceledException)
        {
            // The center stops.
        }
    }

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
                _window.Leave(device);
                _asks.Writer.TryWrite((device, ask.Size));
                break;
            case WitnessMessage.Cosigned cosigned:
                _window.Leave(device);
                Take(device, cosigned);
                break;
            case WitnessMessage.Alarm alarm: Take(device, alarm); break;
            default: Refuse(device, "malformed"); break;
        }
    }

    private async Task HandOutAsync(BrokerLink link, CancellationToken cancellationToken)
    {
        // Devices count the witnesses of their list and nobody else: of a large fleet, others' lines would only take these places.
        var witnesses = _roster.Witnesses().ToHashSet(StringComparer.Ordinal);
        if (Newest(witnesses) is not { } newest) return;
        // With cosignatures when enough are there, and when no more come: not for each one, or a large fleet would be handed the same note again and again.
        var (isNew, isSettled, isEnough) = (newest.Checkpoint != _complete.Checkpoint, newest.Lines == _looked, newest.Lines > witnesses.Count / 2 && _complete.Lines <= witnesses.Count / 2);
        _looked = newest.Lines;
        if (!isNew && !isSettled && !isEnough) return;
        var devices = _roster.List().Where(device => device.Enabled && Lacks(device, newest)).ToLookup(device => witnesses.Contains(device.Name));
        await HandToAsync(devices[true], witnesses, link, cancellationToken);
        // Whom nobody waits for comes second, and gets what the others have cosigned with the first word.
        if (isNew && devices[false].Any()) newest = await SettledAsync(witnesses, newest, cancellationToken);
        await HandToAsync(devices[false], witnesses, link, cancellationToken);
        _complete = (newest.Checkpoint, newest.Lines);
        if (_handed.Count <= _roster.List().Count) return;
        foreach (var name in _handed.Keys)
            if (_roster.Find(name) is null)
                _handed.TryRemove(name, out _);
    }

    // Who is away finds the retained note when they come, and gets the cosignatures then.
    private bool Lacks(DeviceRecord device, Noted newest)
        => !_handed.TryGetValue(device.Name, out var had) || had.Checkpoint != newest.Checkpoint || (had.Lines < newest.Lines && device.Presence.State == PresenceState.Online);

    private Task HandToAsync(IEnumerable<DeviceRecord> devices, IReadOnlySet<string> witnesses, BrokerLink link, CancellationToken cancellationToken)
        => Parallel.ForEachAsync(devices, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, async (device, stop) =>
        {
            // At most once for who is away: else the broker would queue every note for them, and each old one is a question.
            var isThere = device.Presence.State == PresenceState.Online;
            if (isThere && !HasCosigned(device.Name, Newest(witnesses)!.Value.Checkpoint)) await _window.EnterAsync(device.Name, stop);
            // A round to many takes a while: each gets what is the newest then.
            var note = Newest(witnesses)!.Value;
            await link.PublishCheckpointAsync(device.Name, note.Bytes, isThere ? QoS.AtLeastOnce : QoS.AtMostOnce, retain: true, stop);
            _handed[device.Name] = note with { Bytes = [] };
        });

    private async Task<Noted> SettledAsync(IReadOnlySet<string> witnesses, Noted newest, CancellationToken cancellationToken)
    {
        for (var waited = TimeSpan.Zero; waited < ControlLimits.WitnessSettling; waited += ControlLimits.WitnessPause)
        {
            await Task.Delay(ControlLimits.WitnessPause, _time, cancellationToken);
            var (before, now) = (newest, Newest(witnesses)!.Value);
            newest = now;
            if (now.Checkpoint == before.Checkpoint && now.Lines == before.Lines && now.Lines > 0) break;
        }
        return newest;
    }

    // What confirms the newest one confirms all before it.
    private Noted? Newest(IReadOnlySet<string> witnesses)
    {
        lock (_one)
        {
            if (_signed.Count == 0) return null;
            var signed = _signed.Values.Last();
            var lines = witnesses.Count(signed.Lines.ContainsKey);
            if (signed.Note is not { } note || note.Lines != lines) signed.Note = note = (lines, Encoding.UTF8.GetBytes(signed.Checkpoint.Note + string.Concat(witnesses.Where(signed.Lines.ContainsKey).Select(witness => signed.Lines[witness]))));
            return new(signed.Checkpoint, note.Lines, note.Bytes);
        }
    }

    private bool HasCosigned(string device, Checkpoint checkpoint)
    {
        lock (_one) return _records.TryGetValue(device, out var record) && record.Size >= checkpoint.Size;
    }

    private async Task AnswerAsync(string device, long size, BrokerLink link, CancellationToken cancellationToken)
    {
        lock (_one)
        {
            // Whoever asks more often is not helped by more.
            if (_asked.TryGetValue(device, out var before) && _time.GetElapsedTime(before) < ControlLimits.WitnessPause) return;
            _asked[device] = _time.GetTimestamp();
        }
        if (_log.LatestCheckpoint is not { } latest || size < 1) return;
        if (size > latest.Size)
        {
            // Its word against ours, and it kept a signature of ours.
            _repeated.Add(new(AuditTypes.Security, device, "audit", "witness-ahead", "failed", "rolled-back", new() { ["seen"] = size, ["size"] = latest.Size }), device);
            return;
        }
        // At most once: the broker keeps nothing and flushes nothing for it, and a device whose answer was lost asks again.
        await link.PublishCheckpointAsync(device, await ShownAsync(size, latest), QoS.AtMostOnce, retain: false, cancellationToken);
    }

    // A fleet asks from the same checkpoint at the same moment: its proof is read from the log once, or ten thousand questions would keep the center from answering any of them in time.
    private Task<byte[]> ShownAsync(long size, Checkpoint latest)
    {
        lock (_one)
        {
            if (_shownLatest != latest)
            {
                _shown.Clear();
                _shownLatest = latest;
            }
            if (_shown.TryGetValue(size, out var known) && !known.IsFaulted) return known;
            var made = MakeAsync();
            // Any device may ask from any size: who asks from an odd one does not push out the others'.
            if (_shown.Count < ControlLimits.WitnessProofs) _shown[size] = made;
            return made;
        }

        async Task<byte[]> MakeAsync() => new WitnessMessage.Shown(size, latest.Note, await _log.ProveConsistencyAsync(size, latest.Size)).ToBytes();
    }

    private void Take(string device, WitnessMessage.Cosigned cosigned)
    {
        Signed? signed;
        lock (_one) signed = _signed.GetValueOrDefault(cosigned.Size);
        if (signed is null) return;   // of before this start: the next one comes
        var line = cosigned.Line.TrimEnd('\n') + "\n";
        if (!_roster.PublicKeysOf(device).Any(key => Cosignature.IsBy(device, key, signed.Checkpoint, line)))
        {
            Refuse(device, "bad-signature");
            return;
        }
        lock (_one)
        {
            signed.Lines[device] = line;
            var before = _records.GetValueOrDefault(device);
            if (before is { } known && known.Size > cosigned.Size) return;
            var after = new WitnessRecord(device, cosigned.Size, signed.Checkpoint.Note + line, _time.GetUtcNow(), before?.Alarm, before?.AlarmAt, before?.Evidence);
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
        lock (_one)
        {
            _signed[checkpoint.Size] = new(checkpoint);
            if (_signed.Count > RememberedCheckpoints) _signed.Remove(_signed.Keys.First());
        }
        try
        {
            _news.Release();
        }
        catch (SemaphoreFullException)
        {
            // Somebody has been told already.
        }
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

    /// <param name="Lines">Cosignatures under it.</param>
    /// <param name="Bytes">As it is handed out.</param>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Noted(Checkpoint Checkpoint, int Lines, byte[] Bytes);

    /// <summary>A checkpoint of this run and who has cosigned it so far.</summary>
    private sealed class Signed(Checkpoint checkpoint)
    {
        public Checkpoint Checkpoint { get; } = checkpoint;
        public Dictionary<string, string> Lines { get; } = new(StringComparer.Ordinal);
        /// <summary>With so many cosignatures under it, as it was last handed out.</summary>
        public (int Lines, byte[] Bytes)? Note { get; set; }
    }
}
