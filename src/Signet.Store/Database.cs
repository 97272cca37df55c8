using System.Data.Common;

namespace Signet.Store;

/// <summary>Which program keeps the data.</summary>
public enum DatabaseKind
{
    Sqlite = 1,
    Postgres = 2,
}

/// <summary>
/// A database with a migrated schema: one SQLite file, or one schema in a PostgreSQL database. The SQL above it is the same for both; what differs stands in the two classes below this one.
/// Contract
/// - Durable: a transaction is on the disk when its COMMIT returns.
/// - Concurrency: connections are pooled and may be used from any thread, each by one thread at a time, one open reader at a time. Readers never wait for the writer.
/// - One writer: <see cref="OpenWriter"/> is refused, in words, while another process writes.
/// </summary>
public abstract class Database : IAsyncDisposable
{
    private protected Database(string name, DatabaseOptions options) => (Name, Options) = (name, options);

    /// <summary>For messages: the file, or server, database and schema. Never a secret.</summary>
    public string Name { get; }
    public DatabaseOptions Options { get; }
    public abstract DatabaseKind Kind { get; }

    /// <summary>The statement that opens a transaction that will write.</summary>
    public abstract string BeginWrite { get; }

    /// <summary>The statement that opens a transaction in which every reading sees one moment.</summary>
    public abstract string BeginSnapshot { get; }

    /// <summary>Opens a database, creating and migrating its tables as needed.</summary>
    /// <exception cref="StoreException">One clear line: locked, not ours, newer schema, read-only, disk full, not reachable ...</exception>
    public static Database Open(DatabaseSource source, IReadOnlyList<Migration> migrations, DatabaseOptions? options = null)
    {
        RequireOrder(migrations);
        options ??= new DatabaseOptions();
        return source.Path is { } path ? SqliteDatabase.Open(System.IO.Path.GetFullPath(path), migrations, options) : PostgresDatabase.Open(source.Address!, source.Schema!, migrations, options);
    }

    /// <inheritdoc cref="Open(DatabaseSource, IReadOnlyList{Migration}, DatabaseOptions)"/>
    public static Database OpenSqlite(string path, IReadOnlyList<Migration> migrations, DatabaseOptions? options = null) => Open(DatabaseSource.Sqlite(path), migrations, options);

    /// <summary>What opening would do to the schema; changes nothing.</summary>
    /// <exception cref="StoreException">As opening.</exception>
    public static SchemaState Inspect(DatabaseSource source, IReadOnlyList<Migration> migrations)
    {
        RequireOrder(migrations);
        var version = source.Path is { } path ? SqliteDatabase.VersionOf(System.IO.Path.GetFullPath(path), migrations) : PostgresDatabase.VersionOf(source.Address!, source.Schema!, migrations);
        return new(version, [.. migrations.Skip((int)version)]);
    }

    /// <summary>Removes schemas of a PostgreSQL database whose making was interrupted.</summary>
    /// <param name="source">Asked whether it is whole.</param>
    /// <param name="whole">A query that gives a value (told to the person) when the schema is in use; a schema without its tables counts as not whole.</param>
    /// <param name="others">Removed together with it.</param>
    /// <exception cref="StoreException">It is whole, or another program's.</exception>
    public static void DropUnless(DatabaseSource source, string whole, params ReadOnlySpan<DatabaseSource> others)
    {
        string[] schemas = [source.Schema!];
        foreach (var other in others) schemas = [.. schemas, other.Schema!];
        PostgresDatabase.DropUnless(source.Address!, schemas, whole);
    }

    /// <summary>A pooled connection with every setting applied. The caller disposes it.</summary>
    /// <exception cref="StoreException">It cannot be opened.</exception>
    public abstract DbConnection Open();

    /// <inheritdoc cref="Open()"/>
    public abstract Task<DbConnection> OpenAsync(CancellationToken cancellationToken = default);

    /// <summary>The connection of the one writer. While it is open no other process gets one; it ends with the process however that ends.</summary>
    /// <exception cref="StoreException"><see cref="StoreFailure.Locked"/>: another process writes.</exception>
    public abstract DbConnection OpenWriter();

    /// <summary>
    /// Deleted content stands somewhere until it is written over: in SQLite's write-ahead log, in PostgreSQL's dead rows. Makes it go now, as far as no reader still needs it; the next call does the rest.
    /// </summary>
    /// <param name="tables">Tables whose deleted rows must go.</param>
    /// <exception cref="StoreException">The database cannot be reached.</exception>
    public abstract void ForgetDeleted(params ReadOnlySpan<string> tables);

    /// <summary>As <see cref="ForgetDeleted"/>, and also from the free space between the rows that stay: on PostgreSQL the table is written anew, which takes as long as it is large and lets nobody at it meanwhile.</summary>
    /// <param name="table">The table whose rows were overwritten.</param>
    /// <exception cref="StoreException">The database cannot be reached.</exception>
    public virtual void ForgetErased(string table) => ForgetDeleted(table);

    /// <summary>The server was gone: idle connections from before are dead and must not be handed out. Nothing for files.</summary>
    internal virtual void ForgetIdle() { }

    /// <summary>Closes idle connections. Connections still in use close when their users dispose them.</summary>
    public abstract ValueTask DisposeAsync();

    private protected static StoreException FailedMigration(string name, Migration migration, DbException cause) => new(StoreFailure.MigrationFailed,
        $"{name}: schema migration {migration.Number} ({migration.Name}) failed: {cause.Message.Split('\n')[0].TrimEnd('.')}. Nothing of it was kept and the rows are as they were; use the version before, or mend what is named and start again.", cause);

    private protected static StoreException NewerSchema(string name, long version, int known) =>
        new(StoreFailure.NewerSchema, $"{name}: written by a newer version (schema {version}, this program knows {known}). Use that version or restore a backup.");

    private protected static StoreException OlderSchema(string name, long version, int known) =>
        new(StoreFailure.NotADatabase, $"{name}: schema {version} is older than {known}. Start the program once to bring it up to date.");

    private static void RequireOrder(IReadOnlyList<Migration> migrations)
    {
        for (var i = 0; i < migrations.Count; i++)
            if (migrations[i].Number != i + 1)
                throw new ArgumentException($"Migration {migrations[i].Number} stands at place {i + 1}.", nameof(migrations));
    }
}

/// <summary>How far a schema has come.</summary>
/// <param name="Version">Number of the last migration that was applied; 0 for an empty or missing database.</param>
/// <param name="Pending">What the next opening applies, in order.</param>
public sealed record SchemaState(long Version, IReadOnlyList<Migration> Pending);
