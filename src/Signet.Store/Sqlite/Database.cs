using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Signet.Store;

/// <summary>
/// One SQLite file with a migrated schema.
/// Contract: write-ahead log with synchronous=FULL, so a transaction is on the disk when its COMMIT returns; readers never wait for the writer;
/// one writer at a time across all processes; connections are pooled and may be used from any thread, each by one thread at a time.
/// </summary>
public sealed class Database : IAsyncDisposable
{
    private readonly string _connectionString;
    private readonly string _pragmas;

    private Database(string path, DatabaseOptions options, bool immutable)
    {
        Path = path;
        Options = options;
        _connectionString = new SqliteConnectionStringBuilder
        {
            // immutable: SQLite takes no locks and creates no files beside the database; right only when nobody can be writing.
            DataSource = immutable ? $"file:{Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal)}?immutable=1" : path,
            Mode = options.ReadOnly ? SqliteOpenMode.ReadOnly : SqliteOpenMode.ReadWrite,
            DefaultTimeout = Math.Max(1, (int)options.BusyTimeout.TotalSeconds),
            Pooling = true,
        }.ToString();
        _pragmas = string.Create(CultureInfo.InvariantCulture, $"""
            PRAGMA busy_timeout = {(int)options.BusyTimeout.TotalMilliseconds};
            PRAGMA foreign_keys = ON;
            PRAGMA synchronous = {(options.Durable ? "FULL" : "NORMAL")};
            PRAGMA cache_size = -{StoreLimits.PageCacheKibibytes};
            PRAGMA wal_autocheckpoint = {StoreLimits.WalCheckpointPages};
            PRAGMA secure_delete = {(options.OverwriteDeleted ? "ON" : "OFF")};
            PRAGMA trusted_schema = OFF;
            """);
    }

    public string Path { get; }
    public DatabaseOptions Options { get; }

    /// <summary>Opens the file, creating it (mode 0600) and migrating it as needed.</summary>
    /// <exception cref="StoreException">One clear line: locked by another process, not a database, newer schema, read-only, disk full ...</exception>
    public static Database OpenSqlite(string path, IReadOnlyList<Migration> migrations, DatabaseOptions? options = null)
    {
        for (var i = 0; i < migrations.Count; i++)
            if (migrations[i].Number != i + 1)
                throw new ArgumentException($"Migration {migrations[i].Number} stands at place {i + 1}.", nameof(migrations));
        SqliteRuntime.EnsureLoaded();
        options ??= new DatabaseOptions();
        path = System.IO.Path.GetFullPath(path);
        try
        {
            return options.ReadOnly ? OpenReadOnly(path, migrations, options) : OpenAndMigrate(path, migrations, options);
        }
        catch (Exception e) when (e is not StoreException && StoreException.From(e, path) is not null)
        {
            throw StoreException.From(e, path)!;
        }
    }

    /// <summary>A pooled connection with every setting applied. The caller disposes it.</summary>
    /// <exception cref="StoreException">The file cannot be opened.</exception>
    public DbConnection Open()
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            Execute(connection, _pragmas);
            return connection;
        }
        catch (Exception e)
        {
            connection.Dispose();
            if (e is not StoreException && StoreException.From(e, Path) is { } clear) throw clear;
            throw;
        }
    }

    /// <inheritdoc cref="Open"/>
    public Task<DbConnection> OpenAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Open());   // SQLite is a library, not a server: there is nothing to wait for
    }

    /// <summary>Closes idle connections. Connections still in use close when their users dispose them.</summary>
    public ValueTask DisposeAsync()
    {
        ClearPool();
        return ValueTask.CompletedTask;
    }

    private void ClearPool()
    {
        using var connection = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(connection);
    }

    private static Database OpenAndMigrate(string path, IReadOnlyList<Migration> migrations, DatabaseOptions options)
    {
        if (!File.Exists(path))
            using (new FileStream(path, CreatePrivate)) { }
        var database = new Database(path, options, immutable: false);
        try
        {
            using var connection = database.Open();
            RequireOurs(connection, path, migrations);
            Execute(connection, "PRAGMA journal_mode = WAL");
            foreach (var migration in migrations)
                Apply(connection, migration);
            return database;
        }
        catch
        {
            database.ClearPool();   // or a file that is repaired or exchanged now would be opened through the handle of the old one
            throw;
        }
    }

    private static Database OpenReadOnly(string path, IReadOnlyList<Migration> migrations, DatabaseOptions options)
    {
        if (!File.Exists(path)) throw new StoreException(StoreFailure.CannotOpen, $"{path}: does not exist.");
        var database = new Database(path, options, immutable: !File.Exists(path + "-wal"));
        using var connection = database.Open();
        var version = RequireOurs(connection, path, migrations);
        if (version < migrations.Count)
            throw new StoreException(StoreFailure.NotADatabase, $"{path}: schema {version} is older than {migrations.Count}. Start the program once to bring it up to date.");
        return database;
    }

    private static long RequireOurs(DbConnection connection, string path, IReadOnlyList<Migration> migrations)
    {
        var application = Scalar(connection, "PRAGMA application_id");
        var version = Scalar(connection, "PRAGMA user_version");
        var isEmpty = Scalar(connection, "SELECT count(*) FROM sqlite_master") == 0;
        if (!isEmpty && application != StoreLimits.ApplicationId)
            throw new StoreException(StoreFailure.NotADatabase, $"{path}: a database of another program. Move it away.");
        if (version > migrations.Count)
            throw new StoreException(StoreFailure.NewerSchema, $"{path}: written by a newer version (schema {version}, this program knows {migrations.Count}). Use that version or restore a backup.");
        return version;
    }

    private static void Apply(DbConnection connection, Migration migration)
    {
        if (Scalar(connection, "PRAGMA user_version") >= migration.Number) return;
        Execute(connection, "BEGIN IMMEDIATE");
        try
        {
            // Asked again under the lock: another process may have migrated in between.
            if (Scalar(connection, "PRAGMA user_version") < migration.Number)
                Execute(connection, string.Create(CultureInfo.InvariantCulture,
                    $"{migration.Sql};\nPRAGMA user_version = {migration.Number}; PRAGMA application_id = {StoreLimits.ApplicationId};"));
            Execute(connection, "COMMIT");
        }
        catch
        {
            Execute(connection, "ROLLBACK");
            throw;
        }
    }

    private static readonly FileStreamOptions CreatePrivate = OperatingSystem.IsWindows()
        ? new() { Mode = FileMode.CreateNew, Access = FileAccess.Write }
        : new() { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };

    private static void Execute(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The text comes from migrations and constants of the program, never from a user.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private static long Scalar(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // As above.
        command.CommandText = sql;
#pragma warning restore CA2100
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }
}
