using Signet.Store;

namespace Signet.Audit;

/// <summary>Where a log is kept and how it behaves.</summary>
public sealed record AuditOptions
{
    /// <summary>The data directory's <c>audit</c> folder; created with mode 0700.</summary>
    public required string Directory { get; init; }

    /// <summary>Where the rows are kept; null for <c>audit.db</c> in <see cref="Directory"/>. Keys, newest checkpoint and segments are always files of the directory.</summary>
    public DatabaseSource? Database { get; init; }

    /// <summary>A checkpoint is signed at the latest this long after an entry. 10 s; 100 ms to 10 minutes.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Leaves the first HMAC key in the directory (<c>first.key</c>). Only for demonstrations: who reads it can forge entries.</summary>
    public bool KeepFirstKey { get; init; }

    /// <summary>Takes the first HMAC key (32 bytes) when a log is created; the span is wiped afterwards. It is the caller's to store away from this machine.</summary>
    public Action<ReadOnlyMemory<byte>>? ExportFirstKey { get; init; }

    /// <summary>Entries that seal a segment: a file of its own that verifies alone. 100,000.</summary>
    public int SegmentEntries { get; init; } = AuditLimits.SegmentEntries;

    /// <summary>Age of its first entry that seals a segment. 30 days.</summary>
    public TimeSpan SegmentAge { get; init; } = AuditLimits.SegmentAge;

    /// <summary>Sealed segments whose last entry is older than this are taken out of the database; null keeps everything.</summary>
    public TimeSpan? RetainFor { get; init; }

    /// <summary>Where the files of taken-out segments go, another disk for example; null deletes them. Only with <see cref="RetainFor"/>.</summary>
    public string? ArchiveDirectory { get; init; }

    /// <summary>Bytes set aside for emergency entries when the disk is full. 8 MiB; 0 for none.</summary>
    public long ReserveBytes { get; init; } = AuditLimits.ReserveBytes;

    /// <summary>Keeps an index for filters beside the log (<c>search.db</c>). Without one every search looks at the entries themselves.</summary>
    public bool Indexed { get; init; } = true;
}
