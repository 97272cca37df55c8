namespace Signet.Store;

/// <summary>Every number of this room, with where it comes from.</summary>
public static class StoreLimits
{
    /// <summary>Rows in one group commit. Measured: beyond 512 the commit's fsync is already a small part of the cost, and a row waits longer.</summary>
    public const int BatchRows = 512;

    /// <summary>Rows of a commit whose callers the writer itself tells; with more of them another thread does. A guess: telling so many takes a microsecond or two.</summary>
    public const int AcknowledgedAtOnce = 16;

    /// <summary>Rows that must be waiting when a commit begins, so that they are made ready on this thread while another one commits. A guess: waking that one costs as much as hashing some ten.</summary>
    public const int PreparedRows = 16;

    /// <summary>Rows that may wait for the writer before callers wait too. A guess: some 100 ms of work at full speed.</summary>
    public const int QueuedRows = 32_768;

    /// <summary>How long a statement waits for another process's lock before it fails with <see cref="StoreFailure.Locked"/>. A guess: longer than any of our own transactions.</summary>
    public static readonly TimeSpan BusyTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Pages (4 KiB) in the write-ahead log before SQLite folds it into the database. SQLite's default is 1,000; four times that halves the writes of an append-only load.</summary>
    public const int WalCheckpointPages = 4_000;

    /// <summary>Page cache of a connection in KiB. SQLite's default is 2,000.</summary>
    public const int PageCacheKibibytes = 16_000;

    /// <summary>Connections to PostgreSQL at most, beside the writer's. A guess: more than the processors of a small center; the server's own limit is 100 by default.</summary>
    public const int PostgresConnections = 20;

    /// <summary>How long a connection to PostgreSQL may take to open. A guess; the driver's default is 15 s, longer than a stop may take.</summary>
    public static readonly TimeSpan PostgresConnectTimeout = TimeSpan.FromSeconds(5);

    /// <summary>How long one statement on PostgreSQL may take. The driver's default.</summary>
    public static readonly TimeSpan PostgresCommandTimeout = TimeSpan.FromSeconds(30);

    /// <summary>"SGNT": marks a SQLite file as ours (PRAGMA application_id), and our advisory locks on PostgreSQL.</summary>
    public const int ApplicationId = 0x53474E54;
}
