namespace Signet.Testing;

/// <summary>
/// A clock that moves only when told. <see cref="Advance"/> moves wall clock and monotonic time and runs the timers that fall due, in order, on the caller's thread;
/// <see cref="SetWallClock"/> moves the wall clock alone, as somebody who sets a computer's clock does.
/// </summary>
public sealed class ManualTimeProvider(DateTimeOffset start) : TimeProvider
{
    private readonly Lock _one = new();
    private readonly List<ManualTimer> _timers = [];
    private TimeSpan _elapsed;
    private DateTimeOffset _wall = start;

    public ManualTimeProvider() : this(new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero)) { }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow()
    {
        lock (_one) return _wall;
    }

    public override long GetTimestamp()
    {
        lock (_one) return _elapsed.Ticks;
    }

    public void SetWallClock(DateTimeOffset now)
    {
        lock (_one) _wall = now;
    }

    public void Advance(TimeSpan by)
    {
        TimeSpan end;
        lock (_one) end = _elapsed + by;
        while (true)
        {
            ManualTimer? due;
            lock (_one)
            {
                due = _timers.Where(t => t.Due <= end).MinBy(t => t.Due);
                var to = due is null ? end : due.Due > _elapsed ? due.Due : _elapsed;
                (_wall, _elapsed) = (_wall + (to - _elapsed), to);
                if (due is null) return;
                due.Rearm();
            }

            due.Run();
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class ManualTimer(ManualTimeProvider clock, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period = Timeout.InfiniteTimeSpan;

        public TimeSpan Due { get; private set; }

        public void Run() => callback(state);

        /// <summary>To the next due time, or off the list; under the clock's lock.</summary>
        public void Rearm()
        {
            if (_period == Timeout.InfiniteTimeSpan || _period == TimeSpan.Zero) clock._timers.Remove(this);
            else Due += _period;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._one)
            {
                clock._timers.Remove(this);
                if (dueTime == Timeout.InfiniteTimeSpan) return true;
                (Due, _period) = (clock._elapsed + dueTime, period);
                clock._timers.Add(this);
                return true;
            }
        }

        public void Dispose()
        {
            lock (clock._one) clock._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
