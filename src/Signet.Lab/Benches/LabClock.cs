namespace Signet.Lab;

/// <summary>The real clock, moved: lets an attacker wait half a minute, or a device come from the future, without anybody waiting.</summary>
public sealed class LabClock(TimeProvider time) : TimeProvider
{
    private long _offset;

    /// <summary>How far the time of the house is ahead of the machine's.</summary>
    public TimeSpan Offset
    {
        get => new(Interlocked.Read(ref _offset));
        set => Interlocked.Exchange(ref _offset, value.Ticks);
    }

    public override DateTimeOffset GetUtcNow() => time.GetUtcNow() + Offset;

    public override long GetTimestamp() => time.GetTimestamp();

    public override long TimestampFrequency => time.TimestampFrequency;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => time.CreateTimer(callback, state, dueTime, period);
}
