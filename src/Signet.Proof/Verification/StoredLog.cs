namespace Signet.Proof;

/// <summary>An entry as it is stored. The memory belongs to the source and is valid until the next one is asked for.</summary>
/// <param name="Number">The number under which it is stored.</param>
/// <param name="Body">Canonical bytes.</param>
/// <param name="Prev">The stored chain value before it; empty without <see cref="StoredLog.HasPrev"/>.</param>
/// <param name="Mac">The stored HMAC.</param>
public readonly record struct StoredEntry(long Number, ReadOnlyMemory<byte> Body, ReadOnlyMemory<byte> Prev, ReadOnlyMemory<byte> Mac);

/// <summary>A checkpoint as it is stored.</summary>
/// <param name="Number">The number under which it is stored; null where the form stores none.</param>
/// <param name="Note">The signed note.</param>
public readonly record struct StoredCheckpoint(long? Number, string Note);

/// <summary>The record of the log's end, protected by the present HMAC key.</summary>
public readonly record struct StoredHead(long Size, ReadOnlyMemory<byte> Link, ReadOnlyMemory<byte> Mac);

/// <summary>Everything that is stored of a log, in the order of its numbers; read as a stream, once.</summary>
public sealed record StoredLog
{
    /// <summary>Where the entries begin. The default is the log's first entry.</summary>
    public LogStart? Start { get; init; }

    /// <summary>
    /// What is before <see cref="Start"/> was taken out by retention, and the log itself must say so: an entry <c>system</c> <see cref="Retired"/> whose <c>details.last</c> is the last of them.
    /// Without it they were deleted. False for files that begin in the middle by their nature.
    /// </summary>
    public bool MustExplainStart { get; init; }

    /// <summary>Told of each state that a checkpoint has just confirmed: what an interrupted verification goes on from.</summary>
    public Action<LogStart>? Confirmed { get; init; }

    /// <summary>The action of the entry that says which segments were taken out.</summary>
    public const string Retired = "segments-retired";

    public required IEnumerable<StoredEntry> Entries { get; init; }

    /// <summary>Whether <see cref="StoredEntry.Prev"/> is stored beside the body, where it stands as well. False for forms that hold the body alone (an export).</summary>
    public bool HasPrev { get; init; } = true;

    /// <summary>The checkpoints after <see cref="Start"/>. Asked again after it seemed to end: a stream may hold them only behind the entries they cover.</summary>
    public required IEnumerable<StoredCheckpoint> Checkpoints { get; init; }

    /// <summary>Null when the form has no such record (an export).</summary>
    public StoredHead? Head { get; init; }

    /// <summary>Looks up a stored hash of the tree: level (a multiple of <see cref="NodeLevels"/>), index. Null when the form stores none.</summary>
    public Func<int, long, Digest?>? Node { get; init; }

    /// <summary>How often the stored HMAC key has moved on; null when the key is not there.</summary>
    public long? KeyEpoch { get; init; }

    /// <summary>Checkpoints known from elsewhere (kept beside the database, seen by devices or auditors). Their signatures are checked like the others.</summary>
    public IReadOnlyList<string> Known { get; init; } = [];

    /// <summary>Complete subtrees of 2^8, 2^16 ... leaves are stored: proofs then need at most 255 leaves and a few rows a level.</summary>
    public const int NodeLevels = 8;
}

/// <summary>The state of a log after some entries, for verifying what follows. It is believed only when the next checkpoint's signature confirms it.</summary>
/// <param name="Tree">Frontier of the entries before.</param>
/// <param name="Link">Chain value of the last of them.</param>
/// <param name="Checkpoint">The checkpoint at exactly this size; null at the beginning of the log.</param>
public sealed record LogStart(MerkleFrontier Tree, Digest Link, Checkpoint? Checkpoint);

/// <summary>What the next entry builds on.</summary>
/// <param name="Tree">Frontier of all entries.</param>
/// <param name="Link">Chain value of the last one.</param>
/// <param name="LinkBefore">Chain value in front of the last one.</param>
/// <param name="Time">Its time; the default when no entry was read.</param>
public sealed record LogEnd(MerkleFrontier Tree, Digest Link, Digest LinkBefore, DateTime Time);
