namespace Signet.Store;

/// <summary>One numbered step of a schema. Numbers run 1, 2, 3 ... without gaps and are never reused; the SQL is run in a transaction of its own.</summary>
/// <param name="Number">Position in the list, from 1. Stored in SQLite's user_version, on PostgreSQL in the table schema_version.</param>
/// <param name="Name">What the step does, in lower case, for people.</param>
/// <param name="Sql">One or more statements that both databases take; <see cref="PostgresDialect"/> says which words are rewritten.</param>
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

    /// <summary>Deleted content is overwritten with zeros (SQLite's secure_delete). PostgreSQL has nothing like it: there the rows are unreadable by SQL at once, and gone from the table's file when it is written anew (<see cref="Database.ForgetErased"/>); its write-ahead log keeps them until it is recycled.</summary>
    public bool OverwriteDeleted { get; init; }
}
