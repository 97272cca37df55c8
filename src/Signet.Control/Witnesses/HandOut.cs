using System.Collections.Concurrent;
using Signet.Mqtt;
using Signet.Proof;

namespace Signet.Control;

/// <summary>
/// Who is handed which checkpoint, and when (docs/spec/audit-log.md, "Witnesses").
/// <code>
/// signed ─→ the devices of the witness list, all at once ─→ up to 2 s for their cosignatures ─→ the list again, with these
///                                                                                           └─→ everybody else, as fast as they react, with these
/// </code>
/// The two go on side by side: a round to a large fleet takes longer than one checkpoint interval, and the witnesses of the next checkpoint must not wait for it, or everybody who was shown it would miss their cosignatures.
/// </summary>
/// <param name="roster">Who there is.</param>
/// <param name="notes">What there is to hand out.</param>
/// <param name="hasCosigned">Whether a device has cosigned a checkpoint or a later one: it will not react to it again.</param>
/// <param name="time">For the patience with those who do not react.</param>
internal sealed class HandOut(Roster roster, CosignedNotes notes, Func<string, Checkpoint, bool> hasCosigned, TimeProvider time) : IDisposable
{
    private const int AtOnce = 64;
    private readonly ConcurrentDictionary<string, (Checkpoint Checkpoint, int Lines)> _handed = new(StringComparer.Ordinal);
    private readonly ReactionWindow _window = new(ControlLimits.WitnessesAtOnce, ControlLimits.WitnessSettling, time);
    private readonly SemaphoreSlim _signed = new(0, 1), _settled = new(0, 1);
    private volatile HashSet<string> _list = [];   // the devices of the witness list; never changed, only replaced
    private volatile CosignedNote? _ready;   // what the witness list was given time for
    private int _looked;                     // cosignatures at the last look

    /// <summary>There is a new checkpoint.</summary>
    public void Wake() => Release(_signed);

    /// <summary>A device has asked about what it was handed, or has cosigned it.</summary>
    public void Reacted(string device) => _window.Leave(device);

    /// <summary>One round to the devices of the witness list, begun by a new checkpoint or after 2 s.</summary>
    /// <exception cref="MqttException">The line is down; the next round goes on.</exception>
    public async Task ToWitnessesAsync(BrokerLink link, CancellationToken stop)
    {
        await _signed.WaitAsync(ControlLimits.WitnessSettling, stop);
        // Devices count the witnesses of their list and nobody else: of a large fleet, others' lines would only take these places.
        var witnesses = roster.Witnesses();
        _list = witnesses.ToHashSet(StringComparer.Ordinal);
        if (notes.Newest(witnesses) is not { } newest) return;
        var quorum = witnesses.Count / 2 + 1;
        if (newest.Checkpoint != _ready?.Checkpoint) newest = await SettleAsync(witnesses, quorum, newest, link, stop);
        // With later cosignatures when they make up a quorum, and when no more come: not for each one, or a large fleet would be handed the same note again and again.
        else if (newest.Lines != _looked && (newest.Lines < quorum || _ready!.Lines >= quorum))
        {
            _looked = newest.Lines;
            return;
        }
        _looked = newest.Lines;
        await HandAsync(witnesses, newest, link, stop);
        if (_ready is { } ready && ready.Checkpoint == newest.Checkpoint && ready.Lines == newest.Lines) return;
        _ready = newest;
        Release(_settled);
    }

    /// <summary>One round to everybody else, begun by what the witness list has had its time for, or after 2 s for those who came since.</summary>
    /// <exception cref="MqttException">The line is down; the next round goes on.</exception>
    public async Task ToOthersAsync(BrokerLink link, CancellationToken stop)
    {
        await _settled.WaitAsync(ControlLimits.WitnessSettling, stop);
        if (_ready is not { } ready) return;
        var devices = roster.List();
        await Parallel.ForEachAsync(devices.Where(device => device.Enabled && !_list.Contains(device.Name) && Lacks(device, ready)), Some(stop), async (listed, cancellation) =>
        {
            if (listed.Presence.State == PresenceState.Online && !hasCosigned(listed.Name, _ready!.Checkpoint)) await _window.EnterAsync(listed.Name, cancellation);
            // A round to many takes a while: each gets what is ready by then, if it is still one of us.
            if (roster.Find(listed.Name) is { Enabled: true } device) await HandAsync(device, _ready!, link, cancellation);
        });
        if (_handed.Count <= devices.Count) return;
        foreach (var name in _handed.Keys)
            if (roster.Find(name) is null)
                _handed.TryRemove(name, out _);
    }

    public void Dispose()
    {
        _signed.Dispose();
        _settled.Dispose();
    }

    // What comes meanwhile is handed to them at once as well. Of a log that is signed faster than it can be cosigned, the newest that has a quorum is good enough for the others.
    private async Task<CosignedNote> SettleAsync(IReadOnlyList<string> witnesses, int quorum, CosignedNote newest, BrokerLink link, CancellationToken stop)
    {
        await HandAsync(witnesses, newest, link, stop);
        CosignedNote? enough = null;
        for (var waited = TimeSpan.Zero; waited < ControlLimits.WitnessSettling; waited += ControlLimits.WitnessPause)
        {
            await _signed.WaitAsync(ControlLimits.WitnessPause, stop);
            var (before, now) = (newest, notes.Newest(witnesses)!);
            newest = now;
            if (now.Checkpoint == before.Checkpoint && now.Lines == before.Lines && now.Lines >= quorum) return now;
            if (now.Lines >= quorum) enough = now;
            if (now.Checkpoint != before.Checkpoint) await HandAsync(witnesses, now, link, stop);
        }
        if (enough is not null && enough.Checkpoint != newest.Checkpoint) Wake();
        return enough ?? newest;
    }

    private Task HandAsync(IReadOnlyList<string> witnesses, CosignedNote note, BrokerLink link, CancellationToken stop)
        => Parallel.ForEachAsync(witnesses, Some(stop), async (witness, cancellation) =>
        {
            if (roster.Find(witness) is { Enabled: true } device && Lacks(device, note)) await HandAsync(device, note, link, cancellation);
        });

    // At most once, so that the broker queues and flushes nothing for it: whoever misses it finds the retained note when they come, and cosignatures of a whole list are 8 KB. They come first: the question that the
    // note leads to is then one about a note with cosignatures, and the answer to it confirms that.
    private async Task HandAsync(DeviceRecord device, CosignedNote note, BrokerLink link, CancellationToken stop)
    {
        var lines = device.Presence.State == PresenceState.Online ? note.Lines : 0;
        if (lines > 0) await link.PublishCheckpointAsync(device.Name, note.Bytes, QoS.AtMostOnce, retain: false, stop);
        if (!_handed.TryGetValue(device.Name, out var had) || had.Checkpoint != note.Checkpoint) await link.PublishCheckpointAsync(device.Name, note.Bare, QoS.AtMostOnce, retain: true, stop);
        _handed[device.Name] = (note.Checkpoint, lines);
    }

    // Whoever was away gets the cosignatures when they come.
    private bool Lacks(DeviceRecord device, CosignedNote note)
        => !_handed.TryGetValue(device.Name, out var had)
            || (had.Checkpoint.Size <= note.Checkpoint.Size && (had.Checkpoint != note.Checkpoint || (had.Lines < note.Lines && device.Presence.State == PresenceState.Online)));

    private static ParallelOptions Some(CancellationToken stop) => new() { MaxDegreeOfParallelism = AtOnce, CancellationToken = stop };

    private static void Release(SemaphoreSlim semaphore)
    {
        try
        {
            semaphore.Release();
        }
        catch (Exception e) when (e is SemaphoreFullException or ObjectDisposedException)
        {
            // Somebody has been told already, or there is nobody any more.
        }
    }
}
