using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace Signet.Control;

/// <summary>
/// The last events in a ring, for any number of readers. Publishing never waits: a reader has no queue of its own, only a place in the ring,
/// and one that falls behind by a whole ring is told so (<see cref="FeedKind.Gap"/>) and goes on with the newest.
/// </summary>
public sealed class LiveFeed
{
    private readonly TimeProvider _time;
    private readonly FeedEvent[] _ring = new FeedEvent[ControlLimits.FeedEvents];
    private readonly Lock _one = new();
    private readonly long _first;
    private long _next;
    private TaskCompletionSource _grown = New();

    internal LiveFeed(TimeProvider time)
    {
        _time = time;
        // Microseconds since 1970: above every id of an earlier run that published less than a million events a second.
        _first = _next = time.GetUtcNow().ToUnixTimeMilliseconds() * 1000;
    }

    /// <summary>Id of the newest event; a reader that starts behind it gets only what happens from now on.</summary>
    public long Latest => Volatile.Read(ref _next) - 1;

    internal void Publish(FeedKind kind, string name, string subject, JsonObject data)
    {
        TaskCompletionSource grown;
        lock (_one)
        {
            _ring[_next % _ring.Length] = new(_next, _time.GetUtcNow(), kind, name, subject, data);
            _next++;
            (grown, _grown) = (_grown, New());
        }
        grown.SetResult();
    }

    /// <summary>Events as they happen, until cancelled.</summary>
    /// <param name="afterId">The last event the reader has; null: from now on.</param>
    public async IAsyncEnumerable<FeedEvent> ReadAsync(long? afterId = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var place = (afterId ?? Latest) + 1;
        while (true)
        {
            FeedEvent? next = null;
            Task grown;
            lock (_one)
            {
                grown = _grown.Task;
                if (place > _next || place < Math.Max(_first, _next - _ring.Length))
                {
                    next = new(_next - 1, _time.GetUtcNow(), FeedKind.Gap, "gap", "", []);
                    place = _next;
                }
                else if (place < _next) next = _ring[place++ % _ring.Length];
            }
            if (next is null) await grown.WaitAsync(cancellationToken);
            else yield return next;
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
