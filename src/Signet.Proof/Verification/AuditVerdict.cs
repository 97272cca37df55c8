namespace Signet.Proof;

/// <summary>What can be wrong with a log.</summary>
public enum FaultKind
{
    /// <summary>The stored bytes of an entry are not the ones that were written.</summary>
    Edited = 1,

    /// <summary>Entries are missing between others.</summary>
    Deleted = 2,

    /// <summary>An entry that the log never wrote.</summary>
    Inserted = 3,

    /// <summary>Entries stand in another order.</summary>
    Reordered = 4,

    /// <summary>A second copy of an entry.</summary>
    Duplicated = 5,

    /// <summary>The last entries are missing.</summary>
    Truncated = 6,

    /// <summary>The database as a whole is older than something outside it knows: a restored backup or a copied file.</summary>
    RolledBack = 7,

    /// <summary>Signed or keyed by a key that is not trusted.</summary>
    WrongKey = 8,

    /// <summary>Time goes back and no entry says that a clock was set.</summary>
    ClockRollback = 9,

    /// <summary>Parts of different logs, or segments that do not follow each other.</summary>
    MixedLogs = 10,

    /// <summary>A checkpoint was altered or removed.</summary>
    CheckpointEdited = 11,

    /// <summary>A stored hash of the Merkle tree is not the one its entries give.</summary>
    TreeEdited = 12,

    /// <summary>The record of the log's end is not the one that was written.</summary>
    HeadEdited = 13,

    /// <summary>Two different histories of the same log were signed.</summary>
    Forked = 14,

    /// <summary>The stored form cannot be read at all.</summary>
    Unreadable = 15,
}

/// <summary>The first thing that is wrong.</summary>
/// <param name="Kind">What is wrong.</param>
/// <param name="First">First entry concerned.</param>
/// <param name="Last">Last entry concerned; the same as <paramref name="First"/> when one entry is named.</param>
/// <param name="Detail">One sentence for people.</param>
public sealed record Fault(FaultKind Kind, long First, long Last, string Detail);

/// <summary>What a verification found.</summary>
/// <param name="Fault">Null when everything that was looked at is as it was written.</param>
/// <param name="Entries">Entries looked at.</param>
/// <param name="Checkpoints">Checkpoints whose signature was checked.</param>
/// <param name="Latest">The last good checkpoint.</param>
/// <param name="Gaps">What could not be known, each a sentence: erased personal data, archived entries, HMACs whose keys are gone. Not faults.</param>
public sealed record AuditVerdict(Fault? Fault, long Entries, long Checkpoints, Checkpoint? Latest, IReadOnlyList<string> Gaps)
{
    public bool IsIntact => Fault is null;

    /// <summary>One line for people.</summary>
    public string Summary => Fault is null
        ? $"intact: {Entries} {(Entries == 1 ? "entry" : "entries")}, {Checkpoints} signed {(Checkpoints == 1 ? "checkpoint" : "checkpoints")}"
        : $"NOT intact: {(Fault.First == Fault.Last ? $"entry {Fault.First}" : $"entries {Fault.First} to {Fault.Last}")}: {Fault.Detail}";
}
