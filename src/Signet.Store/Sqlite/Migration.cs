namespace Signet.Store;

/// <summary>One numbered step of a schema. Numbers run 1, 2, 3 ... without gaps and are never reused; the SQL is run in a transaction of its own.</summary>
/// <param name="Number">Position in the list, from 1. Stored in PRAGMA user_version.</param>
/// <param name="Name">What the step does, in lower case, for people.</param>
/// <param name="Sql">One or more statements.</param>
public sealed record Migration(int Number, string Name, string Sql);

/// <summary>How a database is opened.</summary>
public sealed record DatabaseOptions
{
    /// <summary>Nothing is created, migrated or written. A missing file or an older schema is refused.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>How long a statement waits for another process's lock.</summary>
    public TimeSpan BusyTimeout { get; init; } = StoreLimits.BusyTimeout;

    /// <summary>False only for data that can be rebuilt from elsewhere: then a power failure may lose the last transactions, never the file's consistency.</summary>
    public bool Durable { get; init; } = true;

    /// <summary>Deleted content is overwritten with zeros (PRAGMA secure_delete).</summary>
    public bool OverwriteDeleted { get; init; }
}
