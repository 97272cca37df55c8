using System.Data.Common;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>What the next entry builds on. Immutable once published; a batch works on a copy.</summary>
internal sealed class LogState
{
    public required MerkleFrontier Tree { get; init; }
    public required Digest Link { get; set; }
    public required Digest LinkBefore { get; set; }
    public required DateTimeOffset Time { get; set; }
    public required Checkpoint? Last { get; set; }
    public long Size => Tree.Size;

    public LogState Copy() => new() { Tree = Tree.Copy(), Link = Link, LinkBefore = LinkBefore, Time = Time, Last = Last };

    /// <summary>
    /// Reads the state from the database and verifies the part that no checkpoint covers yet, with the verifier everybody else uses. The cost is that part and a few rows of the tree.
    /// Also brings the HMAC key to the database's epoch, which finishes a checkpoint that a crash cut short.
    /// </summary>
    /// <exception cref="AuditTamperedException">The log does not verify.</exception>
    public static LogState Load(DbConnection connection, LogKeys keys, string origin, string? newest)
    {
        var last = LastCheckpoint(connection, keys, origin);
        if (keys.Hmac.Epoch < (last?.Number ?? 0)) keys.AdvanceTo(last!.Number);
        var size = last?.Size ?? 0;
        using var tree = new TreeReader(connection);
        var log = new StoredLog
        {
            Start = last is null ? null : new LogStart(FrontierOf(last, tree, connection, keys, newest), last.Link, last),
            Entries = StoredRows.Entries(connection, size),
            Checkpoints = [],
            Head = StoredRows.Head(connection),
            Node = tree.Stored,
            KeyEpoch = keys.Hmac.Epoch,
            Known = newest is null ? [] : [newest],
        };
        using var key = keys.Hmac.Copy();
        using var verifier = new LogVerifier(log, origin, [keys.Public], key);
        var verdict = verifier.Verify();
        if (!verdict.IsIntact) throw new AuditTamperedException(Named(verdict, size, connection, keys, newest));
        var end = verifier.End;
        var time = end.Time == default && size > 0 ? TimeOf(connection, size) : end.Time;
        return new LogState { Tree = end.Tree, Link = end.Link, LinkBefore = end.LinkBefore, Time = new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc)), Last = last };
    }

    /// <exception cref="AuditTamperedException">Entries or hashes that it covers are gone.</exception>
    private static MerkleFrontier FrontierOf(Checkpoint last, TreeReader tree, DbConnection connection, LogKeys keys, string? newest)
    {
        try
        {
            return MerkleFrontier.At(last.Size, tree.Node);
        }
        catch (StoreException e) when (e.Failure == StoreFailure.Corrupt)
        {
            if (Whole(connection, keys, newest) is { IsIntact: false } named) throw new AuditTamperedException(named);
            throw;
        }
    }

    private static AuditVerdict Whole(DbConnection connection, LogKeys keys, string? newest) =>
        DatabaseVerification.Run(connection, new([keys.Public], _ => null, keys.Hmac.Epoch, newest is null ? [] : [newest]), null, CancellationToken.None);

    // What stands before the newest checkpoint was not read entry by entry: only that it does not give the signed root is known. The log is refused anyway, so the time to find the entry is there.
    private static AuditVerdict Named(AuditVerdict found, long sealedSize, DbConnection connection, LogKeys keys, string? newest)
    {
        if (sealedSize == 0 || found.Fault!.Last > sealedSize) return found;
        var whole = Whole(connection, keys, newest);
        return whole.IsIntact ? found : whole;
    }

    private static Checkpoint? LastCheckpoint(DbConnection connection, LogKeys keys, string origin)
    {
        if (StoredRows.NewestCheckpoint(connection) is not { } stored) return null;
        if (Checkpoint.TryParse(stored.Note, out var checkpoint, out _) && checkpoint.Number == stored.Number && checkpoint.Origin == origin && checkpoint.Verify([keys.Public]) == CheckpointTrust.Good)
            return checkpoint;
        throw new AuditTamperedException(new AuditVerdict(new Fault(FaultKind.CheckpointEdited, checkpoint?.Size ?? 0, checkpoint?.Size ?? 0, "its checkpoint, the newest, is not what the log signed"), 0, 0, null, []));
    }

    private static DateTime TimeOf(DbConnection connection, long sequence)
    {
        using var command = connection.Command("SELECT body FROM entries WHERE seq = @seq").With("@seq", sequence);
        using var reader = command.ExecuteReader();
        return reader.Read() && EntryView.TryRead(reader.Bytes(0), out var entry) ? entry.Time : default;
    }
}
