namespace Signet.Wire;

/// <summary>
/// How many of what one side has heard the other does not count as sent: what was on its way when a count began. It would hide as many that are lost later. Sure is what had been heard
/// <see cref="Settled"/> ago and is still not among what the other says it sent: whatever belongs to the count has been acknowledged by then. For one caller at a time.
/// </summary>
public sealed class StrayCount
{
    /// <summary>Longer than a sender waits for the broker's acknowledgement of a command (5 s).</summary>
    public static readonly TimeSpan Settled = TimeSpan.FromSeconds(30);

    /// <summary>A word older than this waited somewhere, and may be from before what it is held against.</summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromSeconds(10);

    private long _heard, _at;
    private bool _begun;

    /// <summary>To be taken from what was heard before it is held against what was sent.</summary>
    public long Sure { get; private set; }

    /// <summary>Once for each heartbeat.</summary>
    /// <param name="heard">In this count, as the heartbeat comes.</param>
    /// <param name="sent">In this count, as that heartbeat says.</param>
    /// <param name="said">When the word about what was heard or sent was signed.</param>
    /// <param name="time">The receiver's clock.</param>
    public void Look(long heard, long sent, DateTimeOffset said, TimeProvider time)
    {
        if (_begun && (time.GetElapsedTime(_at) < Settled || time.GetUtcNow() - said > Fresh)) return;
        if (_begun) Sure = Math.Max(Sure, _heard - sent);
        (_heard, _at, _begun) = (heard, time.GetTimestamp(), true);
    }
}
