namespace Signet.Bench;

/// <summary>
/// A clock that moves when told, for thousands of timers: due timers run in order on the thread pool, so that none waits for what another one does.
/// </summary>
internal sealed class VirtualClock(DateTimeOffset start) : TimeProvider
{
    private readonly Lock _one = new();
    private readonly PriorityQueue<(VirtualTimer Timer, long Version), long> _due = new();
    private long _elapsed;
    private long _running;

    /// <summary>Callbacks that were started and have not ended.</summary>
    public long Running => Volatile.Read(ref _running);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _elapsed);

    public override DateTimeOffset GetUtcNow() => start.AddTicks(GetTimestamp());

    /// <summary>Moves on; a periodic timer that is due several times in one step runs as often.</summary>
    public void Advance(TimeSpan by)
    {
        var end = _elapsed + by.Ticks;
        while (true)
        {
            VirtualTimer timer;
            lock (_one)
            {
                if (!_due.TryPeek(out var next, out var at) || at > end)
                {
                    Volatile.Write(ref _elapsed, end);
                    return;
                }
                _due.Dequeue();
                if (next.Timer.Version != next.Version) continue;   // changed or disposed meanwhile
                if (at > _elapsed) Volatile.Write(ref _elapsed, at);
                timer = next.Timer;
                timer.Rearm(at);
            }
            Interlocked.Increment(ref _running);
            ThreadPool.UnsafeQueueUserWorkItem(static t => t.Run(), timer, preferLocal: false);
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class VirtualTimer(VirtualClock clock, TimerCallback callback, object? state) : ITimer
    {
        private long _period;

        public long Version { get; private set; }

        public void Run()
        {
            try
            {
                callback(state);
            }
            finally
            {
                Interlocked.Decrement(ref clock._running);
            }
        }

        /// <summary>Under the clock's lock.</summary>
        public void Rearm(long at)
        {
            if (_period > 0) clock._due.Enqueue((this, Version), at + _period);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._one)
            {
                Version++;
                _period = period == Timeout.InfiniteTimeSpan ? 0 : period.Ticks;
                if (dueTime != Timeout.InfiniteTimeSpan) clock._due.Enqueue((this, Version), clock._elapsed + dueTime.Ticks);
                return true;
            }
        }

        public void Dispose()
        {
            lock (clock._one)
            {
                Version++;
                _period = 0;
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
