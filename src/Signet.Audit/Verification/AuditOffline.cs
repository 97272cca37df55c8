using System.Data.Common;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>Verification of a stopped log, read-only: needs no server and no private key.</summary>
public static class AuditOffline
{
    /// <summary>The schema of the rows, for copying them.</summary>
    public static IReadOnlyList<Migration> Migrations => AuditSchema.Migrations;

    /// <summary>Entries in a stopped log or a snapshot, unverified.</summary>
    /// <exception cref="StoreException">It cannot be read.</exception>
    public static long Count(DatabaseSource source)
    {
        var database = Database.Open(source, AuditSchema.Migrations, new DatabaseOptions { ReadOnly = true });
        try
        {
            using var connection = database.Open();
            return StoredRows.Head(connection)?.Size ?? 0;
        }
        finally
        {
            database.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>Time of the newest entry, unverified; null for an empty log.</summary>
    /// <exception cref="StoreException">It cannot be read.</exception>
    public static DateTimeOffset? NewestTime(DatabaseSource source)
    {
        var database = Database.Open(source, AuditSchema.Migrations, new DatabaseOptions { ReadOnly = true });
        try
        {
            using var connection = database.Open();
            return StoredRows.Head(connection) is { Size: > 0 } head ? EntryReader.Find(connection, head.Size)?.Time : null;
        }
        finally
        {
            database.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <param name="directory">The audit folder.</param>
    /// <param name="trust">Checkpoint keys that are believed; null takes the ones in the directory, which whoever can write there can exchange.</param>
    /// <param name="firstKey">The first HMAC key, when it is at hand: then every HMAC is checked.</param>
    /// <param name="known">Notes of checkpoints that were kept elsewhere: the history must contain them.</param>
    /// <param name="source">Where the rows are; null for <c>audit.db</c> in the directory.</param>
    /// <param name="progress">Told the number of entries verified so far.</param>
    /// <param name="from">A mark of an earlier, interrupted run: what it confirmed is not read again.</param>
    /// <param name="mark">Told where an interrupted run can go on, at every checkpoint.</param>
    /// <param name="cancellationToken">Ends the verification.</param>
    /// <exception cref="StoreException">There is no log, or its files cannot be read.</exception>
    public static AuditVerdict Verify(string directory, IReadOnlyList<CheckpointKey>? trust = null, ReadOnlySpan<byte> firstKey = default, IReadOnlyList<string>? known = null,
        DatabaseSource? source = null, IProgress<long>? progress = null, VerificationMark? from = null, Action<VerificationMark>? mark = null, CancellationToken cancellationToken = default)
    {
        trust ??= ReadTrust(Path.Combine(directory, LogKeys.TrustFile));
        source ??= DatabaseSource.Sqlite(Path.Combine(directory, AuditSchema.FileName));
        var newest = LogKeys.ReadNewest(directory);
        ForwardKey? present = null;
        Database? opened = null;
        try
        {
            using var slots = KeySlots.TryOpen(directory, readOnly: true, out present);
            var first = firstKey.IsEmpty ? null : firstKey.ToArray();
            return DatabaseVerification.Run(() => opened = Database.Open(source, AuditSchema.Migrations, new DatabaseOptions { ReadOnly = true }),
                new(trust, at => first is null ? present?.Copy() : ForwardKey.At(first, at, trust), present?.Epoch, [.. newest is null ? [] : new[] { newest }, .. known ?? []]) { From = from, Mark = mark }, progress, cancellationToken);
        }
        finally
        {
            present?.Dispose();
            // A pooled connection would show the next run what this one has read.
            if (opened is not null) opened.DisposeAsync().AsTask().GetAwaiter().GetResult();
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
    public static AuditVerdict Run(Func<Database> open, VerificationTerms terms, IProgress<long>? progress, CancellationToken cancellationToken)
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
                return Run(connection, terms, tracker, cancellationToken);
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

    /// <summary>As the other one, on an open connection that reads one moment.</summary>
    public static AuditVerdict Run(DbConnection connection, VerificationTerms terms, IProgress<long>? progress, CancellationToken cancellationToken)
    {
        var origin = StoredRows.Origin(connection);
        if (origin is null) return new AuditVerdict(new Fault(FaultKind.Unreadable, 1, 1, "the log's name is missing"), 0, 0, null, []);
        using var tree = new TreeReader(connection);
        var kept = StoredRows.KeptFrom(connection);
        // A run that goes on does so only in this log, and not in a part that was taken out meanwhile.
        var from = terms.From is { } earlier && earlier.Start.Checkpoint!.Origin == origin && earlier.Entries >= (kept?.Size ?? 0) ? terms.From : null;
        using var key = terms.Key(from?.Start.Checkpoint ?? kept);
        // A crash may leave the kept key one checkpoint behind; the entries after that checkpoint are under the next one.
        if (key is not null && terms.KeyEpoch == key.Epoch && StoredRows.NewestCheckpoint(connection) is { } newest && newest.Number - key.Epoch is > 0 and <= MaximumLag)
            while (key.Epoch < newest.Number) key.Advance();
        LogStart? start;
        try
        {
            start = from?.Start ?? (kept is null ? null : new LogStart(MerkleFrontier.At(kept.Size, tree.Node), kept.Link, kept));
        }
        catch (StoreException)
        {
            return new AuditVerdict(new Fault(FaultKind.TreeEdited, 1, kept!.Size, "are archived, and hashes that must stay of them are missing"), 0, 0, null, []);
        }
        var log = new StoredLog
        {
            Start = start,
            // What an earlier run confirmed is its own explanation.
            MustExplainStart = from is null && start is not null,
            Entries = StoredRows.Entries(connection, start?.Tree.Size ?? 0),
            Checkpoints = StoredRows.Checkpoints(connection, start?.Checkpoint?.Number ?? 0),
            Head = StoredRows.Head(connection),
            Node = tree.Stored,
            KeyEpoch = terms.KeyEpoch,
            Known = terms.Known,
            Confirmed = terms.Mark is { } mark ? at => mark(new VerificationMark(at, 0)) : null,
        };
        using var verifier = new LogVerifier(log, origin, terms.Trust, key);
        var verdict = verifier.Verify(progress, cancellationToken);
        if (verdict.IsIntact) verdict = WithPersonal(verdict, connection, verifier.WithPersonal, start?.Tree.Size ?? 0);
        return from?.Continue(verdict) ?? verdict;
    }

    // How far the key file may lie behind (its disk refused writes for a while). Bounds the work when somebody writes a huge number into the table.
    private const long MaximumLag = 1_000_000;

    private static AuditVerdict WithPersonal(AuditVerdict verdict, DbConnection connection, long committed, long after)
    {
        using var command = connection.Command("SELECT p.seq, p.salt, p.data, e.body FROM personal p LEFT JOIN entries e ON e.seq = p.seq WHERE p.seq > @after ORDER BY p.seq").With("@after", after);
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

/// <summary>What a verification of stored rows believes, and where it begins.</summary>
/// <param name="Trust">Checkpoint keys that are believed.</param>
/// <param name="Key">Makes the HMAC key of the epoch behind a checkpoint (null: of the log's beginning); gives null when there is none. The verification disposes it.</param>
/// <param name="KeyEpoch">Epoch of the kept key, when it is there.</param>
/// <param name="Known">Checkpoints from elsewhere.</param>
internal sealed record VerificationTerms(IReadOnlyList<CheckpointKey> Trust, Func<Checkpoint?, ForwardKey?> Key, long? KeyEpoch, IReadOnlyList<string> Known)
{
    public VerificationMark? From { get; init; }
    public Action<VerificationMark>? Mark { get; init; }
}
