using System.Data.Common;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>
/// Puts numbers, times and chain values to entries and writes them, a batch in one transaction; entries that come while a batch is being committed are numbered and hashed meanwhile. Signing a checkpoint is part of a batch and goes in these steps:
/// <code>
/// 1  sign (in memory)            crash: nothing happened
/// 2  COMMIT: entries, checkpoint, and the head record under the NEXT key
///                                crash: the database is one checkpoint ahead of hmac.key; opening moves the key on
/// 3  hmac.key: write next slot   crash: both keys are there; opening keeps the newer and erases the older
/// 4  hmac.key: erase old slot    crash: `checkpoint` is one behind, which is allowed; it may never be ahead
/// 5  replace `checkpoint`, tell everybody
/// </code>
/// The key moves after the commit, never before: a key ahead of its database is how a rolled-back database is recognised.
/// </summary>
internal sealed class LogWriter(string origin, LogKeys keys, string directory, TimeProvider clock, int checkpointEntries) : BatchTarget<Pending>
{
    private RowInsert? _entries;
    private DbCommand _head = null!, _node = null!, _personal = null!, _checkpoint = null!;
    private readonly List<Ready> _ready = [];
    private readonly List<(int Level, long Index, Digest Hash)> _nodes = [];
    private LogState? _state, _written, _ahead;   // durable; written; with the rows that were made ready for the next batch
    private int _prepared;   // rows of the next batch that were made ready
    private ForwardKey? _nextKey;
    private Action<int, long, Digest>? _keepNode;
    private byte[] _scratch = new byte[4096];

    /// <summary>The state after the last durable batch; null before the first connection.</summary>
    public LogState? Current => Volatile.Read(ref _state);

    /// <summary>Each durable entry, in order.</summary>
    public Action<Pending>? Appended { get; set; }

    /// <summary>What was asked for with each durable batch.</summary>
    public Action<IReadOnlyList<Pending>>? Wrote { get; set; }

    public Action<Checkpoint>? CheckpointSigned { get; set; }

    /// <summary>Why the files beside the database could not be brought up to date; null when they are.</summary>
    public Exception? FilesBehind { get; private set; }

    public override void Opened(DbConnection connection)
    {
        _entries = RowInsert.Into(connection, "entries", "seq", "body", "prev", "mac");
        _keepNode ??= KeepNode;
        Forget();
        _head = connection.Command("UPDATE head SET size = @size, link = @link, mac = @mac", "@size", "@link", "@mac");
        _node = connection.Command("INSERT INTO nodes(level, idx, hash) VALUES (@level, @index, @hash)", "@level", "@index", "@hash");
        _personal = connection.Command("INSERT INTO personal(seq, salt, data) VALUES (@seq, @salt, @data)", "@seq", "@salt", "@data");
        _checkpoint = connection.Command("INSERT INTO checkpoints(number, note) VALUES (@number, @note)", "@number", "@note");
        // Also after a failure: what a commit that reported an error left behind is read from the disk, not remembered.
        Volatile.Write(ref _state, LogState.Load(connection, keys, origin, LogKeys.ReadNewest(directory)));
    }

    public override void Closing()
    {
        _entries?.Dispose();
        _entries = null;
    }

    // Behind a checkpoint the entries have another key, which is in force only when it is durable.
    public override bool CanPrepare => _nextKey is null;

    public override void Prepare(Pending row)
    {
        _ahead ??= _written!.Copy();
        // Its own time: it may have come long after the commit began, and no entry is older than what it tells of.
        if (row.Kind == PendingKind.Entry) Append(_ahead, row, Microseconds(clock.GetUtcNow()));
        _prepared++;
    }

    public override void Write(DbConnection connection, IReadOnlyList<Pending> rows)
    {
        var state = _ahead ?? _state!.Copy();
        _nextKey?.Dispose();
        _nextKey = null;
        var now = Microseconds(clock.GetUtcNow());
        var isAsked = false;
        for (var i = 0; i < rows.Count; i++)
        {
            var row = rows[i];
            if (row.Kind == PendingKind.Entry && i >= _prepared) Append(state, row, now);
            if (row.Personal is { } personal) Execute(_personal, row.Sequence, personal.Salt, personal.Data);
            if (row.Kind == PendingKind.Retire) row.Changed = Retention.TakeOut(connection, row.Through!);
            if (row.Kind == PendingKind.Erase) row.Changed = Retention.Erase(connection, row.Entries);
            isAsked |= row.Kind == PendingKind.Checkpoint;
        }
        foreach (var (sequence, body, prev, mac) in _ready) _entries!.Add(sequence, body, prev, mac);
        _entries!.Flush();
        foreach (var (level, index, hash) in _nodes) Execute(_node, level, index, hash.ToArray());
        var covered = state.Last?.Size ?? 0;
        if (state.Size > covered && (isAsked || state.Size - covered >= checkpointEntries)) Sign(state, now);
        var key = _nextKey ?? keys.Hmac;
        Execute(_head, state.Size, state.Link.ToArray(), key.MacOfHead(state.Size, state.Link).ToArray());
        foreach (var row in rows)
        {
            if (row.Kind != PendingKind.Checkpoint) continue;
            row.Checkpoint = state.Last;
            if (row.WantsKey) row.Key = key.Copy();
        }
        Forget();
        _written = state;
    }

    public override void Committed(IReadOnlyList<Pending> rows)
    {
        var isNew = _written!.Last != _state!.Last;
        Volatile.Write(ref _state, _written);
        if (isNew || FilesBehind is not null) UpdateFiles(_written.Last!);
        if (Appended is { } appended)
            foreach (var row in rows)
                if (row.Kind == PendingKind.Entry)
                    appended(row);
        Wrote?.Invoke(rows);
        if (isNew) CheckpointSigned?.Invoke(_written.Last!);
    }

    private void Append(LogState state, Pending row, DateTimeOffset now)
    {
        if (now < state.Time && state.Time - now > AuditLimits.ClockTolerance)
        {
            // Said by an entry of its own, so that the verifier can tell a clock that was set from entries that were moved.
            var details = new JsonObject { ["from"] = Text(state.Time), ["to"] = Text(now) };
            state.Time = now;
            AppendBody(state, EntryDraft.Create("system", "signet", "clock", "clock-set-back", "success", "", details, null), out _, out _);
        }
        if (now > state.Time) state.Time = now;
        row.Sequence = state.Size + 1;
        row.Time = state.Time;
        AppendBody(state, row.Draft!, out var body, out var mac);
        (row.Body, row.Mac) = (body, mac);
    }

    private void AppendBody(LogState state, EntryDraft draft, out byte[] body, out Digest mac)
    {
        if (_scratch.Length <= draft.MaximumLength) _scratch = new byte[draft.MaximumLength * 2];
        _scratch[0] = 0;   // RFC 9162's prefix of a leaf, so that leaf hash and body share one buffer
        var length = draft.Write(_scratch.AsSpan(1), state.Link, state.Size + 1, state.Time);
        body = _scratch.AsSpan(1, length).ToArray();
        var leaf = Digest.Sha256(_scratch.AsSpan(0, length + 1));
        mac = keys.Hmac.Mac(body);
        var before = state.Link;
        _ready.Add(new(state.Size + 1, body, before, mac));
        state.Tree.Append(leaf, _keepNode);
        (state.LinkBefore, state.Link) = (state.Link, Chain.Link(leaf, mac));
    }

    private void KeepNode(int level, long index, Digest hash)
    {
        if (level % StoredLog.NodeLevels == 0) _nodes.Add((level, index, hash));
    }

    private void Forget()
    {
        (_ahead, _prepared) = (null, 0);
        _ready.Clear();
        _nodes.Clear();
    }

    private void Sign(LogState state, DateTimeOffset now)
    {
        var number = (state.Last?.Number ?? 0) + 1;
        state.Last = Checkpoint.Sign(origin, state.Size, state.Tree.Root(), number, now, state.LinkBefore, state.Link, state.Last?.TextHash ?? Digest.Zero, keys.Signer);
        Execute(_checkpoint, number, state.Last.Note);
        _nextKey = keys.Hmac.Copy();
        _nextKey.Advance();
    }

    // A failure here loses nothing: key and note may stay behind the database, and the next batch tries again.
    private void UpdateFiles(Checkpoint checkpoint)
    {
        try
        {
            keys.AdvanceTo(checkpoint.Number);
            keys.KeepNewest(checkpoint);
            FilesBehind = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            FilesBehind = e;
        }
    }

    private static void Execute(DbCommand command, params ReadOnlySpan<object> values)
    {
        for (var i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i];
        command.ExecuteNonQuery();
    }

    /// <summary>An entry that has its number and is not in the database yet.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Ready(long Sequence, byte[] Body, Digest Prev, Digest Mac);

    private static DateTimeOffset Microseconds(DateTimeOffset time) => time.AddTicks(-(time.Ticks % 10));

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", System.Globalization.CultureInfo.InvariantCulture);
}
