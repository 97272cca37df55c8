namespace Signet.Proof;

/// <summary>Walks through a log's checkpoints: each must be signed by a trusted key, follow the one before it, and cover more.</summary>
internal sealed class CheckpointWalk : IDisposable
{
    private readonly IEnumerator<StoredCheckpoint> _notes;
    private readonly string _origin;
    private readonly IReadOnlyList<CheckpointKey> _trust;
    private Checkpoint? _next;
    private Digest _lastHash;

    public CheckpointWalk(IEnumerable<StoredCheckpoint> notes, string origin, IReadOnlyList<CheckpointKey> trust, Checkpoint? start)
    {
        (_notes, _origin, _trust, Last) = (notes.GetEnumerator(), origin, trust, start);
        _lastHash = start?.TextHash ?? Digest.Zero;
    }

    /// <summary>The last one that was accepted.</summary>
    public Checkpoint? Last { get; private set; }

    /// <summary>Checkpoints before the entries that come now: the epoch of their HMAC key.</summary>
    public long Epoch => Last?.Number ?? 0;

    public long Verified { get; private set; }

    /// <summary>The next checkpoint, verified in itself; null after the last one.</summary>
    public Fault? Peek(long size, out Checkpoint? next)
    {
        next = _next;
        if (next is not null || !_notes.MoveNext()) return null;
        if (!Checkpoint.TryParse(_notes.Current.Note, out var read, out var why)) return At(size, FaultKind.CheckpointEdited, why);
        switch (read.Verify(_trust))
        {
            case CheckpointTrust.BadSignature:
                return At(size, FaultKind.CheckpointEdited, "its signature does not fit its text");
            case CheckpointTrust.OtherKey:
                return new(FaultKind.WrongKey, (Last?.Size ?? 0) + 1, Math.Max(read.Size, (Last?.Size ?? 0) + 1), $"their checkpoint {read.Number} was signed with another key than the trusted one");
            default:
                break;
        }
        if (read.Origin != _origin) return At(size, FaultKind.MixedLogs, $"it belongs to the log {read.Origin}");
        if (read.Number != Epoch + 1) return At(size, FaultKind.CheckpointEdited, $"number {Epoch + 1} is missing, number {read.Number} follows");
        if (_notes.Current.Number is { } stored && stored != read.Number) return At(size, FaultKind.CheckpointEdited, $"it is stored as number {_notes.Current.Number}");
        if (read.Before != _lastHash) return At(size, FaultKind.Forked, "it follows another checkpoint than the one that stands before it");
        if (read.Size <= (Last?.Size ?? 0)) return At(size, FaultKind.Forked, "it covers no more than the one before it");
        next = _next = read;
        return null;
    }

    /// <summary>The checkpoint that was peeked fits the entries.</summary>
    public void Accept()
    {
        Last = _next!;
        _lastHash = Last.TextHash;
        _next = null;
        Verified++;
    }

    public void Dispose() => _notes.Dispose();

    private Fault At(long size, FaultKind kind, string detail) => new(kind, size, size, $"checkpoint {Epoch + 1}, due after entry {size} or later: {detail}");
}

/// <summary>Checkpoints of the same log that somebody else kept: the history must still contain them.</summary>
internal sealed class KnownCheckpoints
{
    private readonly Queue<Checkpoint> _ahead = [];

    public KnownCheckpoints(IReadOnlyList<string> notes, string origin, IReadOnlyList<CheckpointKey> trust)
    {
        var known = new List<Checkpoint>();
        foreach (var note in notes)
        {
            var why = "";
            if (!Checkpoint.TryParse(note, out var read, out why)) Fault ??= new(FaultKind.CheckpointEdited, 0, 0, $"a checkpoint kept outside the log {why}");
            else if (read.Origin != origin) Fault ??= new(FaultKind.MixedLogs, 0, 0, $"a checkpoint kept outside the log belongs to the log {read.Origin}");
            else if (read.Verify(trust) is not CheckpointTrust.Good and var trustIn)
                Fault ??= trustIn == CheckpointTrust.OtherKey
                    ? new(FaultKind.WrongKey, 1, Math.Max(1, read.Size), "a checkpoint kept outside the log was signed with another key than the trusted one")
                    : new(FaultKind.CheckpointEdited, read.Size, read.Size, "a checkpoint kept outside the log was altered");
            else known.Add(read);
        }
        known.Sort((a, b) => a.Size.CompareTo(b.Size));
        foreach (var checkpoint in known) _ahead.Enqueue(checkpoint);
        Newest = known.Count > 0 ? known[^1] : null;
    }

    public Fault? Fault { get; }
    public Checkpoint? Newest { get; }

    /// <summary>Compares with those that cover exactly this many entries.</summary>
    public Fault? Compare(long size, MerkleFrontier tree)
    {
        while (_ahead.TryPeek(out var known) && known.Size <= size)
        {
            _ahead.Dequeue();
            if (known.Size == size && known.Root != tree.Root())
                return new(FaultKind.Forked, 1, size, $"another history than the one signed on {known.Time:u} (checkpoint {known.Number}, kept outside the log)");
        }
        return null;
    }
}
