namespace Signet.Wire;

/// <summary>What a window remembers, for storing: the epoch, the highest sequence accepted in it, and which of the 1024 behind it were accepted (bit i of word w: sequence with <c>sequence % 1024 == 64 * w + i</c>).</summary>
public sealed record ReplayState(long Epoch, long Highest, IReadOnlyList<ulong> Seen);

/// <summary>
/// Tells new messages of one sender from repeated ones, by their (epoch, sequence): the sliding window of RFC 6479, one per epoch. Sequences may
/// arrive out of order within <see cref="WireLimits.ReplayWindow"/>; older ones count as seen. A higher epoch starts a fresh window, but only
/// up to the receiver's clock, so that one forged or mistaken epoch from the future cannot lock the sender out; a lower one is stale.
/// <para><see cref="Check"/> changes nothing; call <see cref="Commit"/> once the message is accepted and, if acted on, after that is stored. Not safe for concurrent use.</para>
/// </summary>
public sealed class ReplayWindow
{
    private const int Words = WireLimits.ReplayWindow / 64;
    private readonly ulong[] _seen = new ulong[Words];
    private long _epoch;
    private long _highest;

    /// <summary>Is (epoch, sequence) new? <paramref name="now"/> bounds a rise of the epoch (Unix seconds plus <see cref="WireLimits.MaximumSkew"/>).</summary>
    /// <returns>False with <c>replayed</c>, <c>stale-epoch</c>, or <c>issued-in-future</c> for an epoch ahead of the clock.</returns>
    public bool Check(long epoch, long sequence, DateTimeOffset now, out Rejection why)
    {
        why = (epoch, sequence) switch
        {
            _ when epoch < _epoch => new(RejectReason.StaleEpoch, $"epoch {epoch}, the sender is at {_epoch}"),
            _ when epoch > _epoch && epoch > (now + WireLimits.MaximumSkew).ToUnixTimeSeconds() => new(RejectReason.IssuedInFuture, $"epoch {epoch} is ahead of the clock"),
            _ when sequence < 1 => new(RejectReason.Replayed, "sequences begin at 1"),
            _ when epoch > _epoch || sequence > _highest => default,
            _ when _highest - sequence >= WireLimits.ReplayWindow => new(RejectReason.Replayed, $"sequence {sequence} is more than {WireLimits.ReplayWindow} behind {_highest}"),
            _ when (_seen[Word(sequence)] & Bit(sequence)) != 0 => new(RejectReason.Replayed, $"sequence {sequence} of epoch {epoch} was seen before"),
            _ => default,
        };
        return why.Reason == RejectReason.None;
    }

    /// <summary>Remembers an accepted (epoch, sequence).</summary>
    /// <exception cref="ArgumentException">It is not new: it was not checked, or not since the last commit.</exception>
    public void Commit(long epoch, long sequence)
    {
        if (!Check(epoch, sequence, DateTimeOffset.MaxValue - WireLimits.MaximumSkew, out var why)) throw new ArgumentException(why.ToString(), nameof(sequence));
        if (epoch > _epoch)
        {
            _seen.AsSpan().Clear();
            (_epoch, _highest) = (epoch, 0);
        }
        if (sequence > _highest)
        {
            // Forget what the window leaves behind as it slides: the places that the new sequences will take.
            for (var s = Math.Max(_highest + 1, sequence - WireLimits.ReplayWindow + 1); s <= sequence; s++) _seen[Word(s)] &= ~Bit(s);
            _highest = sequence;
        }
        _seen[Word(sequence)] |= Bit(sequence);
    }

    public ReplayState Export() => new(_epoch, _highest, [.. _seen]);

    /// <exception cref="ArgumentException">Not a state this class exports.</exception>
    public static ReplayWindow Restore(ReplayState state)
    {
        if (state.Epoch < 0 || state.Highest < 0 || state.Seen.Count != Words) throw new ArgumentException("not the state of a replay window", nameof(state));
        var window = new ReplayWindow { _epoch = state.Epoch, _highest = state.Highest };
        for (var i = 0; i < Words; i++) window._seen[i] = state.Seen[i];
        return window;
    }

    private static int Word(long sequence) => (int)(sequence / 64 % Words);
    private static ulong Bit(long sequence) => 1UL << (int)(sequence % 64);
}
