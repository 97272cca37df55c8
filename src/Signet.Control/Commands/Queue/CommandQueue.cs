using System.Threading.Channels;

namespace Signet.Control;

/// <summary>
/// Intents that wait for their time or their device, in memory beside their rows in signet.db: of each device in the order they were asked for, one at a time.
/// A device is looked at when it comes online, when an intent for it arrives, and when the time of one comes. What could not be sent for the center's own
/// trouble (its link, its log) stays where it is and is tried again.
/// </summary>
internal sealed class CommandQueue
{
    private readonly Roster _roster;
    private readonly TimeProvider _time;
    private readonly Func<string, CancellationToken, Task<bool>> _dispatch;
    private readonly Action<Exception> _failed;
    private readonly Dictionary<string, List<PendingCommand>> _waiting = new(StringComparer.Ordinal);
    private readonly PriorityQueue<string, long> _alarms = new();
    private readonly HashSet<string> _listed = new(StringComparer.Ordinal);
    private readonly Channel<string> _ready = Channel.CreateUnbounded<string>();
    private readonly Lock _one = new();
    private int _count;

    /// <param name="roster">Who is there.</param>
    /// <param name="time">The center's clock.</param>
    /// <param name="dispatch">Sends one intent by its id. False, or an exception: the center could not, now; try again later.</param>
    /// <param name="failed">Told what it threw.</param>
    public CommandQueue(Roster roster, TimeProvider time, Func<string, CancellationToken, Task<bool>> dispatch, Action<Exception> failed)
    {
        (_roster, _time, _dispatch, _failed) = (roster, time, dispatch, failed);
        _roster.Changed += device => { if (device.CanReceive) Look(device.Name); };
    }

    public int Count { get { lock (_one) return _count; } }

    public int CountOf(string device) { lock (_one) return _waiting.GetValueOrDefault(device)?.Count ?? 0; }

    public void Add(IEnumerable<PendingCommand> commands)
    {
        foreach (var command in commands)
        {
            Insert(command, command.NotBefore);
            Look(command.Device);
        }
    }

    public void Remove(string device, string id)
    {
        lock (_one)
        {
            if (!_waiting.TryGetValue(device, out var list)) return;
            _count -= list.RemoveAll(c => c.Id == id);
            if (list.Count == 0) _waiting.Remove(device);
        }
    }

    /// <summary>Wakes devices for which the time of an intent has come.</summary>
    public void Tick()
    {
        while (true)
        {
            string device;
            lock (_one)
            {
                if (!_alarms.TryPeek(out device!, out var at) || at > Now) return;
                _alarms.Dequeue();
            }

            Look(device);
        }
    }

    /// <summary>Sends what is due, several devices at once, until the center stops.</summary>
    public Task RunAsync(CancellationToken cancellationToken)
        => Task.WhenAll(Enumerable.Range(0, ControlLimits.DispatchesAtOnce).Select(_ => WorkAsync(cancellationToken)));

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var device in _ready.Reader.ReadAllAsync(cancellationToken)) await ServeAsync(device, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // What waits, waits in signet.db.
        }
    }

    // Only one worker has a device at a time: it stays listed until its turn is over.
    private async Task ServeAsync(string device, CancellationToken cancellationToken)
    {
        PendingCommand? stuck = null;
        while (stuck is null && Next(device) is { } next)
        {
            // Out of the list first: what the dispatch puts back must not be taken out again.
            Remove(device, next.Id);
            if (!await TryAsync(next.Id, cancellationToken)) stuck = next;
        }

        lock (_one)
        {
            // Both at once: an alarm that rings while the device is still listed would wake nobody.
            if (stuck is not null) Insert(stuck, Now + (long)ControlLimits.DispatchRetry.TotalMilliseconds);
            _listed.Remove(device);
        }

        if (stuck is not null) return; // the alarm wakes it; those behind keep their places
        // Something came between the last look and here.
        if (Next(device) is not null) Look(device);
    }

    // One that cannot be sent for a reason nobody thought of must not end the worker, and with it all that waits for the device.
    private async Task<bool> TryAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            return await _dispatch(id, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            _failed(e);
            return false;
        }
    }

    private void Insert(PendingCommand command, long alarm)
    {
        lock (_one)
        {
            if (!_waiting.TryGetValue(command.Device, out var list)) _waiting.Add(command.Device, list = []);
            if (list.Exists(c => c.Id == command.Id)) return;
            // What comes back after a certain "it did nothing" goes to its old place.
            var at = list.FindIndex(other => string.CompareOrdinal(other.Id, command.Id) > 0);
            list.Insert(at < 0 ? list.Count : at, command);
            _count++;
            if (alarm > Now) _alarms.Enqueue(command.Device, alarm);
        }
    }

    private void Look(string device)
    {
        lock (_one)
        {
            if (!_waiting.ContainsKey(device) || !_listed.Add(device)) return;
        }

        _ready.Writer.TryWrite(device);
    }

    private PendingCommand? Next(string device)
    {
        if (_roster.Find(device) is { CanReceive: false }) return null; // a removed device's intents are ended by the dispatch
        lock (_one) return Due(device);
    }

    // The first whose time has come: a scheduled one does not hold up those behind it.
    private PendingCommand? Due(string device) => _waiting.GetValueOrDefault(device)?.Find(c => c.NotBefore <= Now);

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
