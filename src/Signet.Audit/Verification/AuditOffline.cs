using System.Data.Common;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>Verification of a stopped log, read-only: needs no server and no private key.</summary>
public static class AuditOffline
{
    /// <param name="directory">The audit folder.</param>
    /// <param name="trust">Checkpoint keys that are believed; null takes the ones in the directory, which whoever can write there can exchange.</param>
    /// <param name="firstKey">The first HMAC key, when it is at hand: then every HMAC is checked.</param>
    /// <param name="known">Notes of checkpoints that were kept elsewhere: the history must contain them.</param>
    /// <param name="source">Where the rows are; null for <c>audit.db</c> in the directory.</param>
    /// <param name="progress">Told the number of entries verified so far.</param>
    /// <param name="cancellationToken">Ends the verification.</param>
    /// <exception cref="StoreException">There is no log, or its files cannot be read.</exception>
    public static AuditVerdict Verify(string directory, IReadOnlyList<CheckpointKey>? trust = null, ReadOnlySpan<byte> firstKey = default, IReadOnlyList<string>? known = null,
        DatabaseSource? source = null, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        trust ??= ReadTrust(Path.Combine(directory, LogKeys.TrustFile));
        source ??= DatabaseSource.Sqlite(Path.Combine(directory, AuditSchema.FileName));
        var newest = LogKeys.ReadNewest(directory);
        ForwardKey? present = null;
        try
        {
            using var slots = KeySlots.TryOpen(directory, readOnly: true, out present);
            using var key = firstKey.IsEmpty ? present?.Copy() : new ForwardKey(firstKey, 0);
            return DatabaseVerification.Run(() => Database.Open(source, AuditSchema.Migrations, new DatabaseOptions { ReadOnly = true }), trust, key, present?.Epoch,
                [.. newest is null ? [] : new[] { newest }, .. known ?? []], progress, cancellationToken);
        }
        finally
        {
            present?.Dispose();
        }
    }

    /// <summary>Reads the PEM public keys of a trust file.</summary>
    /// <exception cref="StoreException">It is missing or holds something else.</exception>
    public static IReadOnlyList<CheckpointKey> ReadTrust(string path)
    {
        if (!File.Exists(path)) throw new StoreException(StoreFailure.CannotOpen, $"{path}: does not exist.");
        return CheckpointKey.TryReadPem(File.ReadAllText(path), out var keys, out var why) ? keys : throw new StoreException(StoreFailure.Corrupt, $"{path}: {why}.");
    }
}

/// <summary>Runs the verifier over an open or stopped <c>audit.db</c> and checks what the verifier does not know: the facts behind commitments.</summary>
internal static class DatabaseVerification
{
    public static AuditVerdict Run(Func<Database> open, IReadOnlyList<CheckpointKey> trust, ForwardKey? key, long? keyEpoch, IReadOnlyList<string> known, IProgress<long>? progress,
        CancellationToken cancellationToken)
    {
        var progressed = 0L;
        var tracker = new Tracker(n => progressed = n, progress);
        try
        {
            var database = open();
            using var connection = database.Open();
            using var snapshot = connection.Command(database.BeginSnapshot);
            snapshot.ExecuteNonQuery();
            try
            {
                return Run(connection, trust, key, keyEpoch, known, tracker, cancellationToken);
            }
            finally
            {
                using var end = connection.Command("COMMIT");
                end.ExecuteNonQuery();
            }
        }
        catch (Exception e) when (StoreException.From(e, AuditSchema.FileName) is { Failure: StoreFailure.Corrupt or StoreFailure.NotADatabase })
        {
            // Bit rot below the rows: SQLite itself cannot read on.
            return new AuditVerdict(new Fault(FaultKind.Unreadable, progressed + 1, progressed + 1, "the database file is damaged here and cannot be read on"), progressed, 0, null, []);
        }
    }

    private static AuditVerdict Run(DbConnection connection, IReadOnlyList<CheckpointKey> trust, ForwardKey? key, long? keyEpoch, IReadOnlyList<string> known, IProgress<long> progress,
        CancellationToken cancellationToken)
    {
        var origin = StoredRows.Origin(connection);
        if (origin is null) return new AuditVerdict(new Fault(FaultKind.Unreadable, 1, 1, "the log's name is missing"), 0, 0, null, []);
        // A crash may leave the kept key one checkpoint behind; the entries after that checkpoint are under the next one.
        if (key is not null && keyEpoch == key.Epoch && StoredRows.NewestCheckpoint(connection) is { } newest && newest.Number - key.Epoch is > 0 and <= MaximumLag)
            while (key.Epoch < newest.Number) key.Advance();
        using var tree = new TreeReader(connection);
        var log = new StoredLog
        {
            Entries = StoredRows.Entries(connection, 0),
            Checkpoints = StoredRows.Checkpoints(connection, 0),
            Head = StoredRows.Head(connection),
            Node = tree.Stored,
            KeyEpoch = keyEpoch,
            Known = known,
        };
        using var verifier = new LogVerifier(log, origin, trust, key);
        var verdict = verifier.Verify(progress, cancellationToken);
        return verdict.IsIntact ? WithPersonal(verdict, connection, verifier.WithPersonal) : verdict;
    }

    // How far the key file may lie behind (its disk refused writes for a while). Bounds the work when somebody writes a huge number into the table.
    private const long MaximumLag = 1_000_000;

    private static AuditVerdict WithPersonal(AuditVerdict verdict, DbConnection connection, long committed)
    {
        using var command = connection.Command("SELECT p.seq, p.salt, p.data, e.body FROM personal p LEFT JOIN entries e ON e.seq = p.seq ORDER BY p.seq");
        using var reader = command.ExecuteReader();
        var (kept, erased) = (0L, 0L);
        while (reader.Read())
        {
            if (reader.IsDBNull(2)) erased++;
            else if (!reader.IsDBNull(3) && EntryView.TryRead(reader.Bytes(3), out var entry) && entry.Personal == PersonalData.Commit(reader.Bytes(1), reader.Bytes(2))) kept++;
            else return verdict with { Fault = new Fault(FaultKind.Edited, reader.GetInt64(0), reader.GetInt64(0), "the personal data beside it are not the ones it was written with") };
        }
        var gaps = verdict.Gaps.ToList();
        if (erased > 0) gaps.Add($"personal data of {erased} entries were erased; the entries themselves are intact");
        if (kept + erased < committed) gaps.Add($"personal data of {committed - kept - erased} entries are gone without a record of it; the entries themselves are intact");
        return verdict with { Gaps = gaps };
    }

    private sealed class Tracker(Action<long> note, IProgress<long>? next) : IProgress<long>
    {
        public void Report(long value)
        {
            note(value);
            next?.Report(value);
        }
    }
}
