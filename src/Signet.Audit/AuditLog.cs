using System.Security.Cryptography;
using Signet.Proof;

namespace Signet.Audit;

/// <summary>The append-only log. (The surface; the working parts follow.)</summary>
public sealed class AuditLog : IAsyncDisposable
{
    private AuditLog() { }

    /// <summary>Opens the log in the directory, creating it when there is none.</summary>
    /// <exception cref="AuditTamperedException">The open part does not verify.</exception>
    /// <exception cref="Signet.Store.StoreException">The files cannot be used.</exception>
    public static Task<AuditLog> OpenAsync(AuditOptions options, TimeProvider time, RandomNumberGenerator random, CancellationToken cancellationToken = default) =>
        Task.FromException<AuditLog>(new AuditUnavailableException("not built yet"));

#pragma warning disable MA0046 // A plain Action: a feed wants the entry, not a sender.
    /// <summary>Every entry after it became durable, in order. Handlers must be quick and must not throw.</summary>
    public event Action<AuditEntry>? Appended;

    /// <summary>Every signed checkpoint, after it became durable: for devices and witnesses.</summary>
    public event Action<Checkpoint>? CheckpointSigned;
#pragma warning restore MA0046

    public string Origin => "";
    public Checkpoint? LatestCheckpoint => null;
    public AuditHealth Health => throw new AuditUnavailableException("not built yet");

    /// <summary>Public keys that sign this log's checkpoints, as PEM: an auditor's trust file.</summary>
    public string TrustPem => "";

    /// <summary>Writes an entry; durable when it returns.</summary>
    /// <exception cref="AuditUnavailableException">The log cannot be written.</exception>
    public ValueTask<AuditEntry> AppendAsync(AuditRecord record, CancellationToken cancellationToken = default)
    {
        _ = (Appended, CheckpointSigned);
        return ValueTask.FromException<AuditEntry>(new AuditUnavailableException("not built yet"));
    }

    public Task<AuditPage> QueryAsync(AuditFilter filter, CancellationToken cancellationToken = default) => Task.FromException<AuditPage>(new AuditUnavailableException("not built yet"));
    public Task<AuditEntry?> FindAsync(long sequence, CancellationToken cancellationToken = default) => Task.FromException<AuditEntry?>(new AuditUnavailableException("not built yet"));

    /// <summary>Signs a checkpoint over everything appended so far; the latest one when there is nothing new.</summary>
    public Task<Checkpoint> CheckpointAsync(CancellationToken cancellationToken = default) => Task.FromException<Checkpoint>(new AuditUnavailableException("not built yet"));

    /// <summary>Signs a checkpoint and verifies everything up to it. Progress counts entries.</summary>
    public Task<AuditVerdict> VerifyAsync(IProgress<long>? progress = null, CancellationToken cancellationToken = default) => Task.FromException<AuditVerdict>(new AuditUnavailableException("not built yet"));

    /// <summary>Hashes that lead from an entry to the root of the latest checkpoint that covers it; null when none does yet.</summary>
    public Task<EntryProof?> ProveAsync(long sequence, CancellationToken cancellationToken = default) => Task.FromException<EntryProof?>(new AuditUnavailableException("not built yet"));

    /// <summary>Shows that a tree of the old size is the beginning of the latest checkpoint's.</summary>
    public Task<IReadOnlyList<Digest>> ProveConsistencyAsync(long oldSize, long size, CancellationToken cancellationToken = default) =>
        Task.FromException<IReadOnlyList<Digest>>(new AuditUnavailableException("not built yet"));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>An entry's place in a signed tree.</summary>
public sealed record EntryProof(long Sequence, Checkpoint Checkpoint, IReadOnlyList<Digest> Path);

/// <summary>Verification of a stopped log, read-only.</summary>
public static class AuditOffline
{
    /// <param name="directory">The audit folder.</param>
    /// <param name="trust">Checkpoint keys that are believed; null takes the one in the directory.</param>
    /// <param name="firstKey">The first HMAC key, when it is at hand: then every HMAC is checked.</param>
    /// <param name="progress">Told the number of entries verified so far.</param>
    /// <param name="cancellationToken">Ends the verification.</param>
    public static AuditVerdict Verify(string directory, IReadOnlyList<CheckpointKey>? trust = null, ReadOnlySpan<byte> firstKey = default, IProgress<long>? progress = null,
        CancellationToken cancellationToken = default) => throw new AuditUnavailableException("not built yet");
}
