namespace Signet.Proof;

/// <summary>
/// What a witness does with a checkpoint it is shown (after C2SP tlog-witness): the decision only. The caller keeps <see cref="Last"/> durably before it answers or cosigns:
/// a witness that forgets can be shown another history.
/// </summary>
public sealed record Witness(IReadOnlyList<CheckpointKey> Trust, string Origin, Checkpoint? Last)
{
    /// <summary>Judges a checkpoint. Never throws, whatever it is given.</summary>
    /// <param name="note">The signed note.</param>
    /// <param name="consistency">RFC 9162 proof from the last seen size to this one; empty when nothing was seen or the size is the same.</param>
    /// <param name="checkpoint">The checkpoint when it is accepted, or when it is evidence of a fork.</param>
    public WitnessVerdict Judge(string note, IReadOnlyList<Digest> consistency, out Checkpoint? checkpoint)
    {
        if (!Checkpoint.TryParse(note, out checkpoint, out _) || checkpoint.Origin != Origin) return WitnessVerdict.Unreadable;
        return checkpoint.Verify(Trust) == CheckpointTrust.Good ? Compare(checkpoint, consistency) : WitnessVerdict.NotSigned;
    }

    /// <summary>The second half of <see cref="Judge"/>, for a checkpoint whose signature by a key of <see cref="Trust"/> was verified.</summary>
    /// <inheritdoc cref="Judge"/>
    public WitnessVerdict Compare(Checkpoint checkpoint, IReadOnlyList<Digest> consistency)
    {
        if (checkpoint.Origin != Origin) return WitnessVerdict.Unreadable;
        if (Last is null) return WitnessVerdict.Accepted;
        if (checkpoint.Size < Last.Size) return WitnessVerdict.RolledBack;
        if (checkpoint.Size == Last.Size) return checkpoint.Root == Last.Root ? WitnessVerdict.Accepted : WitnessVerdict.Forked;
        // Without a proof nothing is shown either way: ask for one. A wrong proof may be the carrier's fault; a missing right one is the log's.
        return MerkleTree.VerifyConsistency(Last.Size, Last.Root, checkpoint.Size, checkpoint.Root, consistency) ? WitnessVerdict.Accepted : WitnessVerdict.NotConsistent;
    }

    /// <summary>The witness after it accepted a checkpoint.</summary>
    public Witness Accept(Checkpoint checkpoint) => this with { Last = checkpoint };
}

public enum WitnessVerdict
{
    Accepted = 0,

    /// <summary>Not a checkpoint of this log.</summary>
    Unreadable = 1,

    /// <summary>Not signed by a trusted key: anybody could have made it, so it says nothing about the log.</summary>
    NotSigned = 2,

    /// <summary>Signed, and smaller than what was seen: an old one shown again, or a log that was rolled back.</summary>
    RolledBack = 3,

    /// <summary>Signed, the same size, another root: two histories. The two notes together are proof against the log.</summary>
    Forked = 4,

    /// <summary>The proof does not lead from what was seen to this: ask again; if no right proof comes, the history was rewritten.</summary>
    NotConsistent = 5,
}
