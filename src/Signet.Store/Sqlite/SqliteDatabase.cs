using System.Data.Common;
using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Signet.Store;

/// <summary>
/// One SQLite file: write-ahead log with synchronous=FULL, so a transaction is on the disk when its COMMIT returns. The write lock is SQLite's own and taken a transaction at a time;
/// that only one center uses the file is the data directory's lock (<see cref="DirectoryLock"/>).
/// </summary>
internal sealed class SqliteDatabase : Database
{
    private readonly string _connectionString;
    private readonly string _pragmas;

    /// <summary>Which settings a connection of SQLite's own has.</summary>
    private static readonly ConditionalWeakTable<sqlite3, string> Set = [];

    private SqliteDatabase(string path, DatabaseOptions options, bool immutable)
        : base(path, options)
    {
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

    public override DatabaseKind Kind => DatabaseKind.Sqlite;
    public override string BeginWrite => "BEGIN IMMEDIATE";
    public override string BeginSnapshot => "BEGIN";

    public static SqliteDatabase Open(string path, IReadOnlyList<Migration> migrations, DatabaseOptions options)
    {
        SqliteRuntime.EnsureLoaded();
        try
        {
            return options.ReadOnly ? OpenReadOnly(path, migrations, options) : OpenAndMigrate(path, migrations, options);
        }
        catch (Exception e) when (e is not StoreException && StoreException.From(e, path) is not null)
        {
            throw StoreException.From(e, path)!;
        }
    }

    public static long VersionOf(string path, IReadOnlyList<Migration> migrations)
    {
        SqliteRuntime.EnsureLoaded();
        if (!File.Exists(path)) return 0;
        var database = new SqliteDatabase(path, new DatabaseOptions { ReadOnly = true }, immutable: !File.Exists(path + "-wal"));
        try
        {
            using var connection = database.Open();
            return RequireOurs(connection, path, migrations);
        }
        catch (Exception e) when (e is not StoreException && StoreException.From(e, path) is not null)
        {
            throw StoreException.From(e, path)!;
        }
        finally
        {
            database.ClearPool();
        }
    }

    public override DbConnection Open()
    {
        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            // The driver keeps closed connections open underneath; what was set on one stays set.
            if (Set.TryGetValue(connection.Handle!, out var set) && ReferenceEquals(set, _pragmas)) return connection;
            Execute(connection, _pragmas);
            Set.AddOrUpdate(connection.Handle!, _pragmas);
            return connection;
        }
        catch (Exception e)
        {
            connection.Dispose();
            if (e is not StoreException && StoreException.From(e, Name) is { } clear) throw clear;
            throw;
        }
    }

    public override Task<DbConnection> OpenAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(Open());   // SQLite is a library, not a server: there is nothing to wait for
    }

    public override DbConnection OpenWriter() => Open();

    public override void ForgetDeleted(params ReadOnlySpan<string> tables)
    {
        using var connection = Open();
        Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
    }

    public override ValueTask DisposeAsync()
    {
        ClearPool();
        return ValueTask.CompletedTask;
    }

    private void ClearPool()
    {
        using var connection = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(connection);
    }

    private static SqliteDatabase OpenAndMigrate(string path, IReadOnlyList<Migration> migrations, DatabaseOptions options)
    {
        if (!File.Exists(path))
            using (new FileStream(path, CreatePrivate)) { }
        var database = new SqliteDatabase(path, options, immutable: false);
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

    private static SqliteDatabase OpenReadOnly(string path, IReadOnlyList<Migration> migrations, DatabaseOptions options)
    {
        if (!File.Exists(path)) throw new StoreException(StoreFailure.CannotOpen, $"{path}: does not exist.");
        var database = new SqliteDatabase(path, options, immutable: !File.Exists(path + "-wal"));
        using var connection = database.Open();
        var version = RequireOurs(connection, path, migrations);
        if (version < migrations.Count)
            throw OlderSchema(path, version, migrations.Count);
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
            throw NewerSchema(path, version, migrations.Count);
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
        catch (Exception e)
        {
            Execute(connection, "ROLLBACK");
            if (e is DbException failed && StoreException.From(e, connection.DataSource) is null) throw FailedMigration(connection.DataSource, migration, failed);
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
