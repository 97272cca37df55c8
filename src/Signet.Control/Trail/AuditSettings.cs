using Signet.Audit;

namespace Signet.Control;

/// <summary>What can be set about the audit log. Every default is the safe one.</summary>
public sealed record AuditSettings
{
    /// <summary>Entries that seal a segment. 100,000; 1,000 to 10,000,000.</summary>
    public int SegmentEntries { get; init; } = AuditLimits.SegmentEntries;

    /// <summary>Age of its first entry that seals a segment. 30 days; an hour to a year.</summary>
    public TimeSpan SegmentAge { get; init; } = AuditLimits.SegmentAge;

    /// <summary>Sealed segments older than this are taken out of the database; null keeps everything.</summary>
    public TimeSpan? RetainFor { get; init; }

    /// <summary>Where the files of taken-out segments go; null: <c>audit/archive</c> in the data directory.</summary>
    public string? ArchiveDirectory { get; init; }

    /// <summary>Taken-out segments are deleted instead of archived.</summary>
    public bool DeleteRetired { get; init; }

    /// <summary>Space set aside for emergencies when the disk is full. 8 MiB; 0 to 1 GiB.</summary>
    public long ReserveBytes { get; init; } = AuditLimits.ReserveBytes;

    /// <summary>
    /// What happens while the log takes nothing. False: commands and administration are refused (fail closed). True: they go on, and what happened is written when the log takes entries again,
    /// or lost when the program ends before that: for whom a stopped fleet is worse than a gap in the record.
    /// </summary>
    public bool GoOnWithoutLog { get; init; }

    /// <summary>A syslog collector (RFC 5425, syslog over TLS) that gets every entry; null for none.</summary>
    public SyslogTarget? Syslog { get; init; }

    /// <summary>An HTTPS address that gets every entry; null for none.</summary>
    public WebhookTarget? Webhook { get; init; }

    /// <summary>Where taken-out segments go in this installation; null: nowhere, they are deleted.</summary>
    public string? Archive(Installation installation) => DeleteRetired ? null : ArchiveDirectory ?? Path.Combine(installation.AuditDirectory, "archive");

    internal AuditOptions For(Installation installation, TimeSpan checkpointInterval) => InstallationMaker.AuditOptions(installation) with
    {
        CheckpointInterval = checkpointInterval, SegmentEntries = SegmentEntries, SegmentAge = SegmentAge, ReserveBytes = ReserveBytes, RetainFor = RetainFor, ArchiveDirectory = Archive(installation),
    };

    internal IEnumerable<string> Wrong(TimeSpan checkpointInterval)
    {
        if (checkpointInterval < TimeSpan.FromMilliseconds(100) || checkpointInterval > TimeSpan.FromMinutes(10)) yield return $"the audit checkpoint interval {checkpointInterval} is not between 100 ms and 10 min";
        if (SegmentEntries is < 1_000 or > 10_000_000) yield return $"the audit segment of {SegmentEntries} entries is not between 1,000 and 10,000,000";
        if (SegmentAge < TimeSpan.FromHours(1) || SegmentAge > TimeSpan.FromDays(366)) yield return $"the audit segment age {SegmentAge} is not between an hour and a year";
        if (RetainFor < TimeSpan.FromDays(1)) yield return "the audit log is kept for at least a day";
        if (ReserveBytes is < 0 or > 1L << 30) yield return $"the audit reserve of {ReserveBytes} bytes is not between 0 and 1 GiB";
    }
}
