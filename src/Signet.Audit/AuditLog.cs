using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>
/// The append-only log of what happened. It keeps bytes and knows nothing of devices or commands.
/// Contract
/// - Durable: when <see cref="AppendAsync"/> returns, the entry is committed and synced, has its number, and every later entry and checkpoint covers it.
/// - Fail closed: when it cannot be written, <see cref="AuditUnavailableException"/>; nothing was recorded and nothing may be done. It tries again by itself and with every append.
/// - One writer: a second process (or object) on the same directory is refused by a lock of the operating system.
/// - Concurrency: every member from any thread. Events are raised one after the other, in the order of the log.
/// The format, what verification can and cannot know, and what a crash leaves behind: docs/spec/audit-log.md.
/// </summary>
public sealed class AuditLog : IAsyncDisposable
{
    private readonly AuditOptions _options;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _random;
    private readonly DirectoryLock _lock;
    private readonly Database _database;
    private readonly LogKeys _keys;
    private readonly LogWriter _target;
    private readonly GroupCommitWriter<Pending> _writer;
    private readonly LogPulse _pulse;
    private readonly EmergencyReserve _reserve;
    private readonly SegmentArchive _segments;
    private readonly SearchFollower _search;
    private readonly SemaphoreSlim _sealing = new(1, 1);
    private DateTimeOffset? _segmentBegun;
    private bool _isClosed;

    private AuditLog(AuditOptions options, TimeProvider time, RandomNumberGenerator random, DirectoryLock held, Database database, LogKeys keys, string origin)
    {
        (_options, _time, _random, _lock, _database, _keys, Origin) = (options, time, random, held, database, keys, origin);
        _target = new LogWriter(origin, keys, options.Directory, time, AuditLimits.CheckpointEntries);
        _writer = new GroupCommitWriter<Pending>(database, _target);
        _reserve = new EmergencyReserve(options.Directory, options.ReserveBytes);
        _segments = new SegmentArchive(database, origin, options, [keys.Public]);
        _pulse = new LogPulse(time, options.CheckpointInterval, () => SubmitAsync(Pending.SignCheckpoint()), RecordRecoveryAsync);
        _pulse.Changed = health => HealthChanged?.Invoke(health with { Size = Size });
        _search = new SearchFollower(database, options.Directory, origin, time, () => Size, () => Health.State == AuditState.Writable);
        _target.Appended = row =>
        {
            if (!_reserve.IsTouched) _pulse.Succeeded();
            _pulse.Appended();
            Appended?.Invoke(row.ToEntry());
        };
        if (options.Indexed) _target.Wrote = _search.Wrote;
        _target.CheckpointSigned = checkpoint =>
        {
            CheckpointSigned?.Invoke(checkpoint);
            _ = Task.Run(() => SealIfDueAsync(checkpoint));
        };
    }

#pragma warning disable MA0046 // Plain Actions: a feed wants the entry, not a sender.
    /// <summary>Every entry after it became durable, in order, on the writer's task: hand it on quickly; an exception here stops the log.</summary>
    public event Action<AuditEntry>? Appended;

    /// <summary>The log stopped taking entries, takes emergencies only, or takes entries again.</summary>
    public event Action<AuditHealth>? HealthChanged;

    /// <summary>Every signed checkpoint, after it became durable: for devices and witnesses.</summary>
    public event Action<Checkpoint>? CheckpointSigned;
#pragma warning restore MA0046

    /// <summary>Asked before <see cref="AuditOptions.RetainFor"/> takes something out: false while the clock is in doubt. A person's <see cref="RetireAsync(TimeSpan, string?, AuditRecord, CancellationToken)"/> is not asked.</summary>
    public Func<bool> MayRetire { get; set; } = () => true;

    /// <summary>Name of this log: signet/audit/ and 16 hex digits of the first checkpoint key's SHA-256.</summary>
    public string Origin { get; }

    public Checkpoint? LatestCheckpoint => _target.Current?.Last;

    /// <summary>Entries in the log.</summary>
    public long Size => _target.Current?.Size ?? 0;

    public AuditHealth Health => _pulse.Health with { Size = Size };

    /// <summary>True when the log was closed properly before it was opened this time; false after a crash (nothing acknowledged is lost then either).</summary>
    public bool WasClosedCleanly { get; private set; }

    /// <summary>The public key of this log's checkpoints as PEM: an auditor's trust file.</summary>
    public string TrustPem => _keys.Public.ToPem();

    /// <summary>Entries that retention has taken out: 1 to this number; 0 for none.</summary>
    public long Retired
    {
        get
        {
            using var connection = _database.Open();
            return StoredRows.KeptFrom(connection)?.Size ?? 0;
        }
    }

    /// <summary>Sealed segments, oldest first: files that verify alone (<see cref="ExportVerification"/>). Their entries stay in the database until retention takes them out.</summary>
    public IReadOnlyList<AuditSegment> Segments => _segments.List();

    /// <summary>Opens the log in the directory, creating it when there is none.</summary>
    /// <exception cref="AuditTamperedException">The log does not verify; it is left untouched.</exception>
    /// <exception cref="StoreException">The files cannot be used, or another process has them.</exception>
    public static async Task<AuditLog> OpenAsync(AuditOptions options, TimeProvider time, RandomNumberGenerator random, CancellationToken cancellationToken = default)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(options.Directory);
        else Directory.CreateDirectory(options.Directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (!DirectoryLock.TryAcquire(options.Directory, out var held, out var holder))
            throw new StoreException(StoreFailure.Locked, $"{options.Directory}: in use by another process{(holder is { } pid ? $" ({pid})" : "")}. Stop it first.");
        AuditLog? log = null;
        try
        {
            log = LogFiles.Open(options, random, (database, keys, origin) => new AuditLog(options, time, random, held, database, keys, origin));
            await log.StartAsync(cancellationToken);
            return log;
        }
        catch (Exception e)
        {
            if (log is not null) await log.CloseAsync();
            else held.Dispose();
            if (e is AuditUnavailableException { InnerException: { } inner and (AuditTamperedException or StoreException) }) throw inner;
            throw;
        }
    }

    /// <summary>Writes an entry; durable when it returns. Do not change the record's JSON objects afterwards.</summary>
    /// <exception cref="AuditUnavailableException">The log cannot be written: do not act.</exception>
    /// <exception cref="ArgumentException">The type is not one of <see cref="AuditTypes.All"/>.</exception>
    public ValueTask<AuditEntry> AppendAsync(AuditRecord record, CancellationToken cancellationToken = default) => AppendEntryAsync(record, isHere: false, cancellationToken);

    /// <summary>As <see cref="AppendAsync"/>, written on the caller's thread when nobody else writes: for one entry that somebody waits for, from a thread that may block.</summary>
    /// <inheritdoc cref="AppendAsync"/>
    public ValueTask<AuditEntry> AppendHereAsync(AuditRecord record, CancellationToken cancellationToken = default) => AppendEntryAsync(record, isHere: true, cancellationToken);

    private async ValueTask<AuditEntry> AppendEntryAsync(AuditRecord record, bool isHere, CancellationToken cancellationToken)
    {
        var pending = Pending.Entry(record, _random);
        if (!record.Emergency)
        {
            // What is left of the reserve is for emergencies only.
            if (_reserve.IsTouched && !_reserve.TryRestore()) throw Refused("the disk is full; only emergencies are recorded until there is space again", null);
            // SubmitAsync written out: another asynchronous method costs a tenth of an append.
            try
            {
                await (isHere ? _writer.WriteHereAsync(pending, cancellationToken) : _writer.WriteAsync(pending, cancellationToken));
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                throw Refused(e);
            }
            return pending.ToEntry();
        }
        _reserve.MakeRoom();
        while (true)
        {
            try
            {
                await SubmitAsync(pending, cancellationToken);
                if (_reserve.IsTouched) _pulse.OnReserve("the disk is full; only emergencies are recorded until there is space again");
                return pending.ToEntry();
            }
            catch (AuditUnavailableException e) when (e.InnerException is StoreException { Failure: StoreFailure.DiskFull } && _reserve.TryRelease())
            {
                // a slice of the reserve is free now: once more
            }
        }
    }

    /// <summary>For an emergency that writes rows of its own before its entry (an administrator's one-time code is used up before the sign-in): gives a slice of the reserve to the disk when hardly anything is free.</summary>
    public void MakeRoom() => _reserve.MakeRoom();

    /// <summary>One page of entries, newest first.</summary>
    public Task<AuditPage> QueryAsync(AuditFilter filter, CancellationToken cancellationToken = default) => Task.Run(() =>
    {
        try
        {
            return AuditQuery.Run(_database, _search.Index, filter, Size, cancellationToken);
        }
        catch (Exception e) when (e is System.Data.Common.DbException or StoreException or ObjectDisposedException && _search.Index is not null)
        {
            return AuditQuery.Run(_database, null, filter, Size, cancellationToken);   // the index is only a help
        }
    }, cancellationToken);

    /// <summary>Entries that the search index covers, 1 to this number. It follows the log; what is newer is looked at one by one.</summary>
    public long Searchable => _search.Index?.Entries ?? 0;

    /// <summary>One entry by its number; null when the log has no such entry (any more).</summary>
    public Task<AuditEntry?> FindAsync(long sequence, CancellationToken cancellationToken = default) => Task.Run(() =>
    {
        using var connection = _database.Open();
        return EntryReader.Find(connection, sequence);
    }, cancellationToken);

    /// <summary>Entries after a number, oldest first, for whoever hands them on; empty at the end.</summary>
    public Task<IReadOnlyList<AuditEntry>> AfterAsync(long sequence, int limit, CancellationToken cancellationToken = default) => Task.Run<IReadOnlyList<AuditEntry>>(() =>
    {
        using var connection = _database.Open();
        return [.. StoredRows.Entries(connection, sequence).Take(limit).Select(row => EntryReader.Parse(row.Number, row.Body.ToArray(), row.Mac.ToArray()))];
    }, cancellationToken);

    /// <summary>Signs a checkpoint over everything appended so far; gives the latest one when there is nothing new.</summary>
    /// <exception cref="AuditUnavailableException">The log cannot be written.</exception>
    public async Task<Checkpoint> CheckpointAsync(CancellationToken cancellationToken = default)
    {
        var pending = Pending.SignCheckpoint();
        await SubmitAsync(pending, cancellationToken);
        return pending.Checkpoint!;
    }

    /// <summary>Signs a checkpoint, so that everything up to now is sealed, and verifies the whole log from its stored bytes. Appending goes on meanwhile.</summary>
    /// <param name="progress">Told the number of entries verified so far.</param>
    /// <param name="known">Notes of checkpoints that were kept elsewhere: the history must contain them.</param>
    /// <param name="cancellationToken">Ends the verification.</param>
    public async Task<AuditVerdict> VerifyAsync(IProgress<long>? progress = null, IReadOnlyList<string>? known = null, CancellationToken cancellationToken = default)
    {
        var pending = Pending.SignCheckpoint(withKey: true);
        try
        {
            await SubmitAsync(pending, cancellationToken);
        }
        catch (AuditUnavailableException)
        {
            // A log that cannot be written can still be read: verify what is there, as of the last checkpoint.
        }
        using var key = pending.Key;
        var newest = (pending.Checkpoint ?? LatestCheckpoint)?.Note;
        return await Task.Run(() => DatabaseVerification.Run(() => _database, new([_keys.Public], _ => key?.Copy(), null, [.. newest is null ? [] : new[] { newest }, .. known ?? []]), progress, cancellationToken), cancellationToken);
    }

    /// <summary>The hashes that lead from an entry to the root of the latest checkpoint; null when no checkpoint covers it yet.</summary>
    public Task<EntryProof?> ProveAsync(long sequence, CancellationToken cancellationToken = default) => Task.Run(() =>
    {
        if (LatestCheckpoint is not { } checkpoint || sequence < 1 || sequence > checkpoint.Size) return null;
        using var connection = _database.Open();
        using var tree = new TreeReader(connection);
        return new EntryProof(sequence, checkpoint, MerkleTree.InclusionProof(sequence - 1, checkpoint.Size, tree.Node));
    }, cancellationToken);

    /// <summary>Shows that the tree of <paramref name="oldSize"/> entries is the beginning of the tree of <paramref name="size"/> (RFC 9162 2.1.4).</summary>
    /// <exception cref="ArgumentOutOfRangeException">The log does not have that many entries.</exception>
    public Task<IReadOnlyList<Digest>> ProveConsistencyAsync(long oldSize, long size, CancellationToken cancellationToken = default) => Task.Run(() =>
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, Size);
        using var connection = _database.Open();
        using var tree = new TreeReader(connection);
        return MerkleTree.ConsistencyProof(oldSize, size, tree.Node);
    }, cancellationToken);

    /// <summary>
    /// Writes NDJSON that can be verified offline with <see cref="TrustPem"/> alone (<see cref="ExportVerification"/>). Without a filter: every entry, with all checkpoints up to a new one.
    /// With a filter: the matching entries, each with its proof. Appending goes on meanwhile.
    /// </summary>
    /// <returns>Entries written.</returns>
    /// <exception cref="AuditUnavailableException">No checkpoint can be signed now.</exception>
    public async Task<long> ExportAsync(Stream output, AuditFilter? filter = null, IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        var end = await CheckpointAsync(cancellationToken);
        return await Task.Run(() =>
        {
            using var connection = _database.Open();
            return filter is null
                ? AuditExport.WriteRange(connection, Origin, StoredRows.KeptFrom(connection), end, output, progress, cancellationToken)
                : AuditExport.WriteSelection(connection, Origin, end, filter, output, progress, cancellationToken);
        }, cancellationToken);
    }

    /// <summary>All matching entries, oldest first, as they are read: for CSV, syslog and other forms without proofs (<see cref="TextExport"/>).</summary>
    public IEnumerable<AuditEntry> Entries(AuditFilter filter, CancellationToken cancellationToken = default)
    {
        using var connection = _database.Open();
        foreach (var row in AuditQuery.Matching(connection, filter, Size, cancellationToken))
            yield return EntryReader.Parse(row.Number, row.Body.ToArray(), row.Mac.ToArray());
    }

    /// <summary>A clean stop: waits for what was taken, signs a final checkpoint, so that a tail cut off afterwards is found, and gives the directory free.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_isClosed) return;
        // The stop is one of the things the reserve is kept for: a slice at a time.
        var isSealed = await TrySealAsync();
        while (!isSealed && _reserve.TryRelease()) isSealed = await TrySealAsync();
        await CloseAsync();
    }

    // False: the disk is full. Refused for another reason, the open part stays protected by its HMACs and the head record.
    private async Task<bool> TrySealAsync()
    {
        try
        {
            await SubmitAsync(Pending.SignCheckpoint());
            return true;
        }
        catch (AuditUnavailableException e)
        {
            return e.InnerException is not StoreException { Failure: StoreFailure.DiskFull };
        }
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        _reserve.TryRestore();
        await SubmitAsync(Pending.Probe(), cancellationToken);   // the first connection reads and verifies the open part
        WasClosedCleanly = Size == (LatestCheckpoint?.Size ?? 0);
        if (_options.Indexed) _search.Start();
        if (Size > 0) return;
        await AppendAsync(new AuditRecord(AuditTypes.System, "signet", Origin, "log-created", "success", "",
            new JsonObject { ["checkpointKey"] = Convert.ToBase64String(_keys.Public.SubjectPublicKeyInfo.Span), ["format"] = 1 }), cancellationToken);
    }

    private async Task SubmitAsync(Pending pending, CancellationToken cancellationToken = default)
    {
        try
        {
            await _writer.WriteAsync(pending, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw Refused(e);
        }
    }

    private AuditUnavailableException Refused(Exception e) => Refused((e as StoreException)?.Message ?? (e as AuditTamperedException)?.Message ?? $"{_database.Name}: {e.Message}", e);

    private AuditUnavailableException Refused(string message, Exception? cause)
    {
        _pulse.Failed(message);
        return new AuditUnavailableException(message, cause);
    }

    private async Task SealIfDueAsync(Checkpoint checkpoint)
    {
        await _sealing.WaitAsync();   // one at a time; each checkpoint is looked at, or the last one of a quiet log would seal nothing
        try
        {
            if (_isClosed) return;
            _segmentBegun ??= _segments.Begun();
            if (_segmentBegun is not { } begun || !_segments.IsDue(checkpoint, begun)) return;
            var segment = _segments.Seal(checkpoint, CancellationToken.None);
            _segmentBegun = null;
            await AppendAsync(new AuditRecord(AuditTypes.System, "signet", Origin, "segment-sealed", "success", "", new JsonObject { ["first"] = segment.First, ["last"] = segment.Last }));
            if (_options.RetainFor is { } age && MayRetire())
                await RetireAsync(_segments.Due(_time.GetUtcNow() - age), _options.ArchiveDirectory, new AuditRecord(AuditTypes.System, "signet", Origin, StoredLog.Retired, "success", "retention"), CancellationToken.None);
        }
        catch (Exception e) when (e is AuditUnavailableException or StoreException or IOException or UnauthorizedAccessException)
        {
            // A segment is a copy: nothing is lost, and the next checkpoint tries again. That it failed is visible by the missing file and entry.
        }
        finally
        {
            _sealing.Release();
        }
    }

    /// <summary>
    /// Takes sealed segments out of the database whose last entry is older than an age; the newest segment and the open part always stay. First the file goes to the archive (if there is one), then the log says so,
    /// then the rows go: a crash between leaves more, never less. Hashes and the checkpoints at their ends stay, so every proof of what is left, and of what is in the archive, still holds.
    /// </summary>
    /// <param name="olderThan">Age of a segment's last checkpoint.</param>
    /// <param name="archive">Where the files go; null deletes them.</param>
    /// <param name="by">Who wants it; its details are completed.</param>
    /// <param name="cancellationToken">Ends it between two segments.</param>
    /// <returns>The segments that were taken out, with their place in the archive (or where they were).</returns>
    /// <exception cref="AuditUnavailableException">The log cannot be written.</exception>
    /// <exception cref="StoreException">A segment's file does not verify: nothing of it was taken out.</exception>
    public async Task<IReadOnlyList<AuditSegment>> RetireAsync(TimeSpan olderThan, string? archive, AuditRecord by, CancellationToken cancellationToken = default)
    {
        await _sealing.WaitAsync(cancellationToken);
        try
        {
            return await RetireAsync(_segments.Due(_time.GetUtcNow() - olderThan), archive, by, cancellationToken);
        }
        finally
        {
            _sealing.Release();
        }
    }

    /// <summary>
    /// Erases personal data. The entries, their commitments and every proof stay as they are; that it was erased is an entry of its own, written first.
    /// </summary>
    /// <param name="filter">Whose: at least one member must be set.</param>
    /// <param name="by">Who wants it and why; its details are completed with the number of entries and the first and last of them.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>Entries whose personal data are gone.</returns>
    /// <exception cref="AuditUnavailableException">The log cannot be written: nothing was erased.</exception>
    public async Task<long> ErasePersonalAsync(AuditFilter filter, AuditRecord by, CancellationToken cancellationToken = default)
    {
        var entries = await Task.Run(() =>
        {
            using var connection = _database.Open();
            return Retention.WithPersonal(connection, filter, cancellationToken);
        }, cancellationToken);
        if (entries.Count == 0) return 0;
        var details = (JsonObject?)by.Details?.DeepClone() ?? [];
        (details["count"], details["first"], details["last"]) = (entries.Count, entries[0], entries[^1]);
        await AppendAsync(by with { Details = details }, cancellationToken);
        var erased = 0L;
        foreach (var some in entries.Chunk(Retention.Chunk))
        {
            var pending = Pending.Erase(some);
            await SubmitAsync(pending, CancellationToken.None);
            erased += pending.Changed;
        }
        _database.ForgetErased("personal");
        return erased;
    }

    private async Task<IReadOnlyList<AuditSegment>> RetireAsync(IReadOnlyList<DueSegment> due, string? archive, AuditRecord by, CancellationToken cancellationToken)
    {
        var retired = new List<AuditSegment>();
        foreach (var segment in due)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var (kept, sha256) = await Task.Run(() => _segments.Archive(segment.Segment, archive), cancellationToken);
            var details = (JsonObject?)by.Details?.DeepClone() ?? [];
            (details["first"], details["last"], details["how"], details["sha256"]) = (segment.Segment.First, segment.Segment.Last, archive is null ? "deleted" : "archived", sha256);
            await AppendAsync(by with { Action = StoredLog.Retired, Details = details }, CancellationToken.None);
            foreach (var through in segment.Steps) await SubmitAsync(Pending.Retire(through), CancellationToken.None);
            _search.Retired(segment.Segment.Last);
            File.Delete(segment.Segment.Path);
            _database.ForgetDeleted("entries", "personal", "checkpoints");
            retired.Add(kept ?? segment.Segment);
        }
        return retired;
    }

    private async Task RecordRecoveryAsync(AuditHealth before) => await AppendAsync(new AuditRecord(AuditTypes.System, "signet", Origin, "log-recovered", "success", before.Message,
        new JsonObject { ["since"] = before.Since.ToString("O"), ["refused"] = before.Refused }));

    private async Task CloseAsync()
    {
        _isClosed = true;
        await _pulse.DisposeAsync();
        await _sealing.WaitAsync();   // a segment being written is finished first
        await _search.DisposeAsync();
        await _writer.DisposeAsync();
        await _database.DisposeAsync();
        _keys.Dispose();
        _lock.Dispose();
    }
}
