namespace Signet.Audit;

/// <summary>Every number of this room, with where it comes from.</summary>
public static class AuditLimits
{
    /// <summary>Entries that force a checkpoint before its time. A guess: keeps the part that only HMAC protects, and the memory it takes, small under load.</summary>
    public const int CheckpointEntries = 65_536;

    /// <summary>Entries in a segment (issue of the audit log).</summary>
    public const int SegmentEntries = 100_000;

    /// <summary>Age of a segment (issue of the audit log).</summary>
    public static readonly TimeSpan SegmentAge = TimeSpan.FromDays(30);

    /// <summary>Space kept for emergencies: some 10,000 entries with their log and index pages. A guess.</summary>
    public const long ReserveBytes = 8 << 20;

    /// <summary>UTF-8 bytes of one field; longer text is cut and marked. A guess: longer than any name or topic we know.</summary>
    public const int FieldBytes = 1_024;

    /// <summary>UTF-8 bytes of the details. Larger ones are replaced by their size and SHA-256, so that an entry is never refused for being long.</summary>
    public const int DetailsBytes = 64 * 1024;

    /// <summary>Entries on one page.</summary>
    public const int PageEntries = 1_000;

    /// <summary>Rows fetched at a time when a whole log is read. A guess: some megabytes at most, and the cost of a fetch is long divided.</summary>
    public const int ReadRows = 1_000;

    /// <summary>Entries that one page looks at before it hands over with a cursor. Measured: some 30 ms of one core.</summary>
    public const int ScannedEntries = 20_000;

    /// <summary>Subjects of one question that the search index is asked for one by one; with more of them every entry is looked at.</summary>
    public const int SearchedSubjects = 64;

    /// <summary>Stretches of 256 entries whose texts one page looks at in the search index before it hands over: 2.5 million entries, 40 MB.</summary>
    public const int SearchedTexts = 10_000;

    /// <summary>Stretches that the search index takes in with one transaction. A guess: a quarter of a second of work at most, then the log's other readers come first.</summary>
    public const int IndexedStretches = 64;

    /// <summary>The clock may go back this far (a time daemon's step) without an entry of its own; entries meanwhile keep the last time.</summary>
    public static readonly TimeSpan ClockTolerance = TimeSpan.FromSeconds(1);

    /// <summary>Window in which failures of one source are counted together. A guess: soon enough for whoever watches.</summary>
    public static readonly TimeSpan FoldWindow = TimeSpan.FromSeconds(10);

    /// <summary>Failures of one kind (type, action, actor, reason) from one source that a window writes in full.</summary>
    public const int FullFailures = 5;

    /// <summary>Failures of all sources that a window writes in full: with <see cref="FoldedEntries"/> and one more, at most 25.1 entries a second from whoever is not signed in.</summary>
    public const int FailuresWritten = 200;

    /// <summary>Sources named in the counts of a window; the rest are one count.</summary>
    public const int FoldedEntries = 50;

    /// <summary>Sources remembered in a window; bounds memory to about a megabyte.</summary>
    public const int FoldedSources = 4_096;
}
