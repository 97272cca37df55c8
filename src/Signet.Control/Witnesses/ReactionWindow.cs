namespace Signet.Control;

/// <summary>
/// Devices that were handed a checkpoint and have not yet asked about it or cosigned it: at most so many at a time. Each checkpoint makes every device ask for a proof within a moment; without a bound the center could not
/// answer a large fleet within the devices' patience, and all of them would raise an alarm about a center that is only busy. Whoever does not react in time gives its place up. Safe for concurrent use.
/// </summary>
internal sealed class ReactionWindow(int most, TimeSpan patience, TimeProvider time)
{
    private readonly Lock _one = new();
    private readonly Dictionary<string, long> _since = new(StringComparer.Ordinal);
    private readonly Queue<(string Device, long At)> _order = new();
    private TaskCompletionSource _room = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Waits for a place, at most as long as the patience with those who have one, and takes it.</summary>
    public async Task EnterAsync(string device, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task room;
            TimeSpan left;
            lock (_one)
            {
                var now = time.GetTimestamp();
                while (_order.TryPeek(out var first) && (time.GetElapsedTime(first.At, now) >= patience || !IsHeld(first))) GiveUp(_order.Dequeue());
                if (_since.Count < most)
                {
                    _since[device] = now;
                    _order.Enqueue((device, now));
                    return;
                }
                if (_room.Task.IsCompleted) _room = new(TaskCreationOptions.RunContinuationsAsynchronously);
                (room, left) = (_room.Task, patience - time.GetElapsedTime(_order.Peek().At, now));
            }
            await room.WaitAsync(left + TimeSpan.FromMilliseconds(1), time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>It has reacted.</summary>
    public void Leave(string device)
    {
        lock (_one)
            if (_since.Remove(device))
                _room.TrySetResult();
    }

    private bool IsHeld((string Device, long At) place) => _since.TryGetValue(place.Device, out var at) && at == place.At;

    private void GiveUp((string Device, long At) place)
    {
        if (IsHeld(place)) _since.Remove(place.Device);
    }
}
