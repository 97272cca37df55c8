namespace Signet.Wire;

/// <summary>
/// Numbers a sender's messages: one epoch for each start of the sender, sequences from 1 in it. The epoch is above every earlier one even if the
/// clock went back, and above what was stored even if that is an old copy (a restored backup), as long as the clock went on. Store
/// <see cref="Epoch"/> durably before the first message leaves. Safe for concurrent use.
/// </summary>
public sealed class OutgoingSequence
{
    private long _last;

    private OutgoingSequence(long epoch) => Epoch = epoch;

    /// <summary>The epoch for this start: <c>max(stored + 1, Unix seconds now)</c>, where <paramref name="stored"/> is the epoch of the start before, 0 for none.</summary>
    public static OutgoingSequence Start(long stored, TimeProvider time)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(stored);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(stored, WireLimits.Integer);
        return new(Math.Max(stored + 1, time.GetUtcNow().ToUnixTimeSeconds()));
    }

    /// <summary>
    /// As <see cref="Start"/>, with sequences of their own: a start's first number is none of a start of the hour before, because the numbers below it are left out. For a sender whose numbers are named
    /// by others without the epoch (the <c>since</c> of a center's heartbeat): what was said about its last start would be taken for a word about this one.
    /// </summary>
    public static OutgoingSequence StartApart(long stored, TimeProvider time)
    {
        var sequence = Start(stored, time);
        sequence._last = (sequence.Epoch % WireLimits.StartsApart) << 32;
        return sequence;
    }

    public long Epoch { get; }

    /// <summary>The next sequence; 1 the first time, unless numbers were left out.</summary>
    /// <exception cref="InvalidOperationException">2^53 - 1 messages were sent in this epoch.</exception>
    public long Next()
    {
        var next = Interlocked.Increment(ref _last);
        return next <= WireLimits.Integer ? next : throw new InvalidOperationException("the epoch is used up; start a new one");
    }
}
