namespace Signet.Proof;

/// <summary>
/// Verifies a log from its stored bytes and public keys; shares with the writer only the format.
/// <code>
/// for each entry      number, shape, chain to the entry before, HMAC (while a key is at hand)
/// at each checkpoint  signature, order, root, chain; then everything before it is proven
/// at the end          nothing missing, the record of the end, what others know of the log
/// </code>
/// Reads both streams once; memory does not grow with the log. Stops at the first fault and names it; only then may it read on to tell deletion from reordering.
/// What it cannot know stands in docs/spec/audit-log.md.
/// </summary>
public sealed class LogVerifier : IDisposable
{
    private readonly StoredLog _log;
    private readonly IReadOnlyList<CheckpointKey> _trust;
    private readonly ForwardKey? _key;
    private readonly MerkleFrontier _tree;
    private readonly CheckpointWalk _checkpoints;
    private readonly KnownCheckpoints _known;
    private readonly List<string> _gaps = [];
    private readonly long _start;
    private readonly Action<int, long, Digest>? _checkNode;
    private IEnumerator<StoredEntry> _entries = null!;
    private Digest _link, _linkBefore, _leaf;
    private DateTime _time;
    private long _size, _retired;
    private bool _isRow;     // whether the source stands on a row that was not taken yet
    private Fault? _later;   // a fault that is one only if the next checkpoint confirms the entries before it

    /// <summary>The state after the last verified entry: what a writer continues from.</summary>
    public LogEnd End => new(_tree.Copy(), _link, _linkBefore, _time);

    /// <summary>Entries so far that hold a commitment to personal data.</summary>
    public long WithPersonal { get; private set; }

    /// <param name="log">What is stored.</param>
    /// <param name="origin">Name of the log, the first line of its checkpoints.</param>
    /// <param name="trust">Checkpoint keys that are believed.</param>
    /// <param name="key">The HMAC key of some epoch: entries from that epoch on are checked with it. Disposed by the caller; its epoch moves.</param>
    public LogVerifier(StoredLog log, string origin, IReadOnlyList<CheckpointKey> trust, ForwardKey? key = null)
    {
        (_log, _trust, _key) = (log, trust, key);
        _checkNode = log.Node is null ? null : CheckNode;
        _tree = log.Start?.Tree.Copy() ?? new MerkleFrontier();
        _link = log.Start?.Link ?? Chain.Start(origin);
        _linkBefore = log.Start?.Checkpoint?.Prev ?? _link;
        _start = _size = _tree.Size;
        _checkpoints = new CheckpointWalk(log.Checkpoints, origin, trust, log.Start?.Checkpoint);
        _known = new KnownCheckpoints(log.Known, origin, trust);
    }

    /// <summary>Verifies everything.</summary>
    /// <param name="progress">Told the entries verified so far, every 4,096.</param>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    public AuditVerdict Verify(IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        using var entries = _entries = _log.Entries.GetEnumerator();
        var fault = StartFault() ?? _known.Fault;
        while (fault is null && (_isRow = entries.MoveNext()))
        {
            fault = AtCheckpoint() ?? Next(entries.Current);
            if (fault is null && (_size & 4095) == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress?.Report(_size - _start);
            }
        }
        fault ??= AtCheckpoint() ?? AtEnd() ?? _later;
        progress?.Report(_size - _start);
        if (fault is null) NoteGaps();
        return new AuditVerdict(fault, _size - _start, _checkpoints.Verified, _checkpoints.Last, _gaps);
    }

    public void Dispose() => _checkpoints.Dispose();

    // A pruned log begins at a checkpoint; its state is believed because that checkpoint's signature covers it.
    private Fault? StartFault()
    {
        if (_start == 0) return null;
        if (_log.Start!.Checkpoint is not { } at || at.Verify(_trust) != CheckpointTrust.Good)
            return new(FaultKind.WrongKey, 1, _start, "the checkpoint before the first kept entry is not signed by a trusted key");
        return at.Size == _start && at.Root == _tree.Root() && at.Link == _link ? _known.Compare(_start, _tree)
            : new(FaultKind.MixedLogs, 1, _start, "what is recorded of the entries before the first kept one does not fit their checkpoint");
    }

    // Every checkpoint that covers exactly what has been read so far.
    private Fault? AtCheckpoint()
    {
        while (true)
        {
            var fault = _checkpoints.Peek(_size, out var next);
            if (fault is not null) return fault;
            if (next is null || next.Size > _size) return null;
            fault = Compare(next);
            if (fault is not null) return fault;
            if (_later is not null) return _later;   // the entries are as they were written, so this is how it was written
            _checkpoints.Accept();
            _log.Confirmed?.Invoke(new LogStart(_tree.Copy(), _link, next));
            if (_key is not null && _key.Epoch < next.Number) _key.Advance();
        }
    }

    private Fault? Compare(Checkpoint checkpoint)
    {
        var (isRoot, isLink, isPrev) = (checkpoint.Root == _tree.Root(), checkpoint.Link == _link, checkpoint.Prev == _linkBefore);
        if (isRoot && isLink && isPrev) return null;
        if (isRoot) return new(FaultKind.Edited, _size, _size, "its HMAC was altered");
        if (isPrev && _isRow && EntryView.TryRead(_entries.Current.Body.Span, out var next) && next.Sequence == _size && next.Prev == _linkBefore)
            return new(FaultKind.Inserted, _size, _size, "was put in; the later ones were pushed back");
        if (isPrev) return new(FaultKind.Edited, _size, _size, "its body was altered: it does not give the root of its checkpoint");
        if (isLink) return new(FaultKind.Forked, _size, _size, "its checkpoint was signed over other entries");
        var first = Math.Max(_start, _checkpoints.Last?.Size ?? 0) + 1;
        return new(FaultKind.Edited, first, _size, "rewritten as a whole: they hang together, and do not give the root of their checkpoint");
    }

    private Fault? Next(in StoredEntry row)
    {
        var s = _size + 1;
        if (!EntryView.TryRead(row.Body.Span, out var entry)) return row.Number == s ? new(FaultKind.Edited, s, s, "its body cannot be read") : Missing(row, s);
        if (row.Number < s) return new(FaultKind.Duplicated, row.Number, row.Number, "stands twice");
        if (row.Number > s) return Missing(row, s);
        if (entry.Sequence != s) return OtherNumber(row, entry, s);

        var leaf = MerkleTree.LeafHash(row.Body.Span);
        if (!Digest.TryFrom(row.Mac.Span, out var mac)) return new(FaultKind.Edited, s, s, "its HMAC has not 32 bytes");
        var link = Chain.Link(leaf, mac);
        var column = entry.Prev;
        var isColumn = !_log.HasPrev || (Digest.TryFrom(row.Prev.Span, out column) && column == entry.Prev);
        if (entry.Prev != _link) return BrokenChain(s, isColumn, column == _link, link);
        if (!isColumn) return new(FaultKind.Edited, s, s, "its stored chain value was altered");
        if (_key is not null && _key.Epoch == _checkpoints.Epoch && _key.Mac(row.Body.Span) != mac) return BadMac(s);

        if (entry.Time < _time && !(entry.Type.SequenceEqual("system"u8) && entry.Action.SequenceEqual("clock-set-back"u8)))
            _later ??= new(FaultKind.ClockRollback, s, s, $"its time is {(_time - entry.Time).TotalSeconds:0.###} s before the entry in front of it, and no entry says that the clock was set back");
        _time = entry.Time;
        if (entry.Personal is not null) WithPersonal++;
        if (_log.MustExplainStart && entry.Action.SequenceEqual(RetiredAction) && entry.Type.SequenceEqual("system"u8)) NoteRetired(entry.Details);
        _tree.Append(leaf, _checkNode);
        (_linkBefore, _link, _leaf, _size) = (_link, link, leaf, s);
        _later ??= _known.Compare(_size, _tree);
        return null;
    }

    private void CheckNode(int level, long index, Digest hash)
    {
        if (level % StoredLog.NodeLevels != 0 || _log.Node!(level, index) == hash) return;
        var last = (index + 1) << level;
        _later ??= new(FaultKind.TreeEdited, last - (1L << level) + 1, last, "the stored hash of their part of the tree was altered");
    }

    // The row stands at place s and says another number.
    private Fault OtherNumber(in StoredEntry row, in EntryView entry, long s)
    {
        var j = entry.Sequence;
        if (j == s - 1 && MerkleTree.LeafHash(row.Body.Span) == _leaf) return new(FaultKind.Duplicated, s, s, $"a second copy of entry {j}");
        if (j == s - 1 && entry.Prev == _linkBefore) return new(FaultKind.Inserted, j, j, "was put in; the later ones were pushed back");
        if (entry.Prev == _link) return new(FaultKind.Edited, s, s, "the number in its body was altered");
        if (j < s) return new(FaultKind.Duplicated, s, s, $"a copy of entry {j} stands in its place");
        var leaf = MerkleTree.LeafHash(row.Body.Span);
        while (_entries.MoveNext())
        {
            if (!EntryView.TryRead(_entries.Current.Body.Span, out var other)) continue;
            if (other.Sequence == s) return new(FaultKind.Reordered, s, s, $"stands as number {_entries.Current.Number}; entry {j} stands in its place");
            if (_entries.Current.Number == j && MerkleTree.LeafHash(_entries.Current.Body.Span) == leaf) return new(FaultKind.Duplicated, s, s, $"a copy of entry {j} stands in its place");
        }
        return new(FaultKind.Deleted, s, s, "is missing; the later ones were moved up");
    }

    // Number s is not there: moved away, or gone.
    private Fault Missing(in StoredEntry row, long s)
    {
        var next = row.Number;
        do
        {
            if (EntryView.TryRead(_entries.Current.Body.Span, out var other) && other.Sequence == s)
                return new(FaultKind.Reordered, s, s, _entries.Current.Number == s ? $"stands behind entry {next}" : $"stands as number {_entries.Current.Number}");
        }
        while (_entries.MoveNext());
        return new(FaultKind.Deleted, s, next - 1, next - 1 == s ? "is missing" : "are missing");
    }

    // The body of s names another chain value than s-1 gives. Whose bytes are wrong?
    private Fault BrokenChain(long s, bool isColumn, bool isColumnRight, in Digest link)
    {
        if (!isColumn) return new(FaultKind.Edited, s, s, isColumnRight ? "the chain value in its body was altered" : "its chain value was altered");
        // Both copies agree against s-1. If s-1 was proven by a checkpoint or by its HMAC, s is a stranger; else s vouches for itself when what follows it agrees with it.
        var isPredecessorProven = _checkpoints.Last?.Size == s - 1 || _start == s - 1 || _key?.Epoch == _checkpoints.Epoch;
        var isFollowed = Continues(link);
        // A stranger that its own successor knows is the beginning of a stretch that belongs elsewhere.
        if (isPredecessorProven && (isFollowed || s == _start + 1)) return new(FaultKind.MixedLogs, s, s, "begins entries that do not follow the one before them: another log's, or a stretch that was rewritten");
        if (isPredecessorProven || !isFollowed) return new(FaultKind.Edited, s, s, "does not follow the entry before it: another log's or an altered one");
        return new(FaultKind.Edited, s - 1, s - 1, "its body or HMAC was altered: the entry after it remembers another");
    }

    private Fault BadMac(long s)
    {
        var isSkipped = false;
        if (_entries.MoveNext()) isSkipped = EntryView.TryRead(_entries.Current.Body.Span, out var next) && next.Prev == _link;
        else if (_log.Head is { } head) isSkipped = head.Size == s - 1 && _link.Equals(head.Link.Span);
        return isSkipped ? new(FaultKind.Inserted, s, s, "was put in: its HMAC is not the log's, and what follows does not know it") : new(FaultKind.Edited, s, s, "its HMAC does not fit its body");
    }

    // Whether the next thing that remembers the chain agrees with this value.
    private bool Continues(in Digest link)
    {
        var size = _size + 1;
        if (_entries.MoveNext()) return EntryView.TryRead(_entries.Current.Body.Span, out var next) && next.Prev == link;
        if (_checkpoints.Peek(size, out var checkpoint) is null && checkpoint?.Size == size) return checkpoint.Link == link;
        return _log.Head is { } head && link.Equals(head.Link.Span);
    }

    private Fault? AtEnd()
    {
        var fault = _checkpoints.Peek(_size, out var beyond);
        if (fault is not null) return fault;
        if (beyond is not null) return new(FaultKind.Truncated, _size + 1, beyond.Size, "cut off: a checkpoint covers them");
        return HeadFault() ?? RollbackFault() ?? RetentionFault();
    }

    private Fault? RollbackFault()
    {
        if (_known.Newest is { } newest && newest.Size > _size)
            return new(FaultKind.RolledBack, _size + 1, newest.Size, $"missing: the log was rolled back; a checkpoint of {newest.Time:u} kept outside it covers {newest.Size} entries");
        if (_log.KeyEpoch > _checkpoints.Epoch)
            return new(FaultKind.RolledBack, _size + 1, _size + 1, $"missing: the log was rolled back; its HMAC key has moved on {_log.KeyEpoch} times and it holds {_checkpoints.Epoch} checkpoints");
        return null;
    }

    private static ReadOnlySpan<byte> RetiredAction => "segments-retired"u8;

    private void NoteRetired(ReadOnlySpan<byte> details)
    {
        if (EntryJson.TryParse(details, out var said) && said["last"] is System.Text.Json.Nodes.JsonValue value && value.TryGetValue<long>(out var last)) _retired = Math.Max(_retired, last);
    }

    private Fault? RetentionFault() => !_log.MustExplainStart || _start <= _retired ? null
        : new(FaultKind.Deleted, _retired + 1, _start, "are missing, and no entry says that retention took them out");

    private Fault? HeadFault()
    {
        if (_log.Head is not { } head) return null;
        var isKeyed = _key is not null && _key.Epoch == _checkpoints.Epoch;
        Digest.TryFrom(head.Link.Span, out var link);
        if (isKeyed && !(Digest.TryFrom(head.Mac.Span, out var mac) && mac == _key!.MacOfHead(head.Size, link))) return new(FaultKind.HeadEdited, _size, _size, "the record of the log's end was altered");
        if (head.Size > _size) return new(FaultKind.Truncated, _size + 1, head.Size, "cut off: the record of the log's end knows them");
        if (head.Size < _size) return new(FaultKind.Inserted, head.Size + 1, _size, "put in behind the log's end");
        if (link == _link) return null;
        return isKeyed || _checkpoints.Last?.Size == _size ? new(FaultKind.HeadEdited, _size, _size, "the record of the log's end was altered")
            : new(FaultKind.Edited, _size, _size, "its body or HMAC was altered: the record of the log's end remembers another");
    }

    private void NoteGaps()
    {
        var proven = Math.Max(_start, _checkpoints.Last?.Size ?? 0);
        if (_start > 0) _gaps.Add($"entries 1 to {_start} are archived; their signed root was checked, not they themselves");
        if (_size > proven && _key?.Epoch != _checkpoints.Epoch)
            _gaps.Add($"entries {proven + 1} to {_size} came after the last checkpoint and their HMAC key is not here: only their chain was checked");
    }
}
