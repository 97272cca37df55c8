using System.Data.Common;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Signet.Store;

/// <summary>
/// One schema of a PostgreSQL database. The writer's connection holds a session lock (an advisory lock on the schema's name): the lock and the ability to write end together,
/// so a center that was cut off cannot go on writing beside its successor. The lock is taken before the first migration: a second center changes nothing.
/// </summary>
internal sealed class PostgresDatabase : Database
{
    private readonly PostgresAddress _address;
    private readonly string _schema;
    private readonly NpgsqlDataSource _pool, _single;
    private NpgsqlConnection? _claimed;

    private PostgresDatabase(PostgresAddress address, string schema, DatabaseOptions options)
        : base($"{address}/{schema}", options)
    {
        (_address, _schema) = (address, schema);
        _pool = NpgsqlDataSource.Create(address.ConnectionString(schema, pooled: true));
        _single = NpgsqlDataSource.Create(address.ConnectionString(schema, pooled: false));
    }

    public override DatabaseKind Kind => DatabaseKind.Postgres;
    public override string BeginWrite => "BEGIN";
    public override string BeginSnapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

    public static PostgresDatabase Open(PostgresAddress address, string schema, IReadOnlyList<Migration> migrations, DatabaseOptions options)
    {
        var database = new PostgresDatabase(address, schema, options);
        try
        {
            database.Clearly(() =>
            {
                if (options.ReadOnly)
                {
                    using var reader = database.Open();
                    var version = database.RequireOurs(reader, migrations);
                    if (version == 0) throw new StoreException(StoreFailure.CannotOpen, $"{database.Name}: does not exist.");
                    if (version < migrations.Count) throw OlderSchema(database.Name, version, migrations.Count);
                    return true;
                }
                var connection = database.Claim();
                database._claimed = connection;
                database.RequireServer(connection);
                database.RequireOurs(connection, migrations);
                database.Prepare(connection);
                foreach (var migration in migrations) database.Apply(connection, migration);
                return true;
            });
            return database;
        }
        catch
        {
            database.Close();
            throw;
        }
    }

    public static long VersionOf(PostgresAddress address, string schema, IReadOnlyList<Migration> migrations)
    {
        var database = new PostgresDatabase(address, schema, new DatabaseOptions { ReadOnly = true });
        try
        {
            return database.Clearly(() =>
            {
                using var connection = database.Open();
                return database.RequireOurs(connection, migrations);
            });
        }
        finally
        {
            database.Close();
        }
    }

    public static void DropUnless(PostgresAddress address, string[] schemas, string whole)
    {
        var database = new PostgresDatabase(address, schemas[0], new DatabaseOptions());
        try
        {
            database.Clearly(() =>
            {
                using var connection = database.Claim();
                if (Scalar<long>(connection, $"SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = '{schemas[0]}'") > 0)
                {
                    if (Scalar<long>(connection, $"SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = '{schemas[0]}' AND tablename = 'schema_version'") == 0) throw Foreign(database.Name);
                    if (Scalar<long>(connection, "SELECT coalesce(max(version), 0) FROM schema_version") > 0 && OwnerOf(connection, whole) is { } owner)
                        throw new StoreException(StoreFailure.NotADatabase, $"{database.Name}: holds an installation already ({owner}). Give the new one a database of its own, or restore the data directory that belongs to this one.");
                }
                foreach (var schema in schemas) Execute(connection, $"DROP SCHEMA IF EXISTS {schema} CASCADE");
                return true;
            });
        }
        finally
        {
            database.Close();
        }
    }

    public override DbConnection Open() => Clearly(() => _pool.OpenConnection());

    public override async Task<DbConnection> OpenAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _pool.OpenConnectionAsync(cancellationToken);
        }
        catch (Exception e) when (e is not StoreException && StoreException.From(e, Name) is not null)
        {
            throw StoreException.From(e, Name)!;
        }
    }

    internal override void ForgetIdle() => _pool.Clear();

    public override DbConnection OpenWriter() => Interlocked.Exchange(ref _claimed, null) ?? Clearly(Claim);

    public override void ForgetDeleted(params ReadOnlySpan<string> tables)
    {
        using var connection = Open();
        foreach (var table in tables) Execute(connection, $"VACUUM {_schema}.{table}");
    }

    public override void ForgetErased(string table)
    {
        using var connection = Open();
        Execute(connection, $"VACUUM FULL {_schema}.{table}");
    }

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _claimed, null) is { } unused) await unused.DisposeAsync();
        await _pool.DisposeAsync();
        await _single.DisposeAsync();
    }

    private void Close()
    {
        Interlocked.Exchange(ref _claimed, null)?.Dispose();
        _pool.Dispose();
        _single.Dispose();
    }

    private T Clearly<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is not StoreException && StoreException.From(e, Name) is not null)
        {
            throw StoreException.From(e, Name)!;
        }
    }

    /// <summary>A connection that holds the schema's lock. Our own last connection may need a moment to end at the server: waits as long as a lock is waited for.</summary>
    private NpgsqlConnection Claim()
    {
        var connection = _single.OpenConnection();
        try
        {
            var patience = Options.BusyTimeout;
            while (true)
            {
                if (Scalar<bool>(connection, string.Create(CultureInfo.InvariantCulture, $"SELECT pg_try_advisory_lock({StoreLimits.ApplicationId}, {LockNumber})"))) return connection;
                if (patience <= TimeSpan.Zero) throw new StoreException(StoreFailure.Locked, $"{Name}: another command center uses this database ({Holder(connection)}). Stop it, or give this one a database of its own.");
                Thread.Sleep(LockRetry);
                patience -= LockRetry;
            }
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static readonly TimeSpan LockRetry = TimeSpan.FromMilliseconds(20);

    private int LockNumber => BitConverter.ToInt32(SHA256.HashData(Encoding.UTF8.GetBytes(_schema)));

    private string Holder(NpgsqlConnection connection)
    {
        // "signet MACHINE PROCESS" as the other one called itself.
        var name = Scalar<string?>(connection, string.Create(CultureInfo.InvariantCulture, $"""
            SELECT a.application_name || coalesce(' from ' || host(a.client_addr), '') || ' since ' || to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"')
            FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.locktype = 'advisory' AND l.classid = {StoreLimits.ApplicationId} AND l.objid::bigint = {(uint)LockNumber} AND l.granted LIMIT 1
            """));
        return name ?? "its name is not visible to this user";
    }

    private void RequireServer(NpgsqlConnection connection)
    {
        if (Scalar<string>(connection, "SHOW server_encoding") is not "UTF8" and var encoding)
            throw new StoreException(StoreFailure.NotADatabase, $"{Name}: the database's encoding is {encoding}. Make one with: CREATE DATABASE {_address.Database} ENCODING 'UTF8' TEMPLATE template0");
        if (Scalar<string>(connection, "SHOW transaction_read_only") == "on")
            throw new StoreException(StoreFailure.ReadOnly, $"{Name}: read-only: a standby, or default_transaction_read_only is on. Name the primary server.");
    }

    private long RequireOurs(DbConnection connection, IReadOnlyList<Migration> migrations)
    {
        var tables = Scalar<long>(connection, $"SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = '{_schema}'");
        if (tables == 0) return 0;
        if (Scalar<long>(connection, $"SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = '{_schema}' AND tablename = 'schema_version'") == 0)
            throw Foreign(Name);
        var version = Scalar<long>(connection, "SELECT coalesce(max(version), 0) FROM schema_version");
        return version <= migrations.Count ? version : throw NewerSchema(Name, version, migrations.Count);
    }

    private static object? OwnerOf(NpgsqlConnection connection, string whole)
    {
        try
        {
            return Scalar<object?>(connection, whole);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn)
        {
            return null;   // interrupted between two migrations
        }
    }

    private static StoreException Foreign(string name) => new(StoreFailure.NotADatabase, $"{name}: holds tables of another program. Give Signet a database of its own.");

    private void Prepare(NpgsqlConnection connection)
    {
        if (Scalar<long>(connection, $"SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = '{_schema}'") > 0) return;
        Execute(connection, "BEGIN");
        // Public gets nothing: who may connect to the database cannot read this schema by that alone.
        if (Scalar<long>(connection, $"SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = '{_schema}'") == 0) Execute(connection, $"CREATE SCHEMA {_schema}");
        Execute(connection, "CREATE TABLE schema_version(version BIGINT PRIMARY KEY, name TEXT NOT NULL)");
        Execute(connection, "COMMIT");
    }

    private void Apply(NpgsqlConnection connection, Migration migration)
    {
        if (Scalar<long>(connection, "SELECT coalesce(max(version), 0) FROM schema_version") >= migration.Number) return;
        Execute(connection, "BEGIN");
        try
        {
            // PostgreSQL takes DDL back like any other statement: a migration is whole or not there.
            Execute(connection, PostgresDialect.Translate(migration.Sql));
            using var note = connection.CreateCommand();
            note.CommandText = "INSERT INTO schema_version(version, name) VALUES (@version, @name)";
            note.Parameters.AddWithValue("version", (long)migration.Number);
            note.Parameters.AddWithValue("name", migration.Name);
            note.ExecuteNonQuery();
            Execute(connection, "COMMIT");
        }
        catch (Exception e)
        {
            if (connection.State == System.Data.ConnectionState.Open) Execute(connection, "ROLLBACK");
            if (e is DbException failed && StoreException.From(e, Name) is null) throw FailedMigration(Name, migration, failed);
            throw;
        }
    }

    private static void Execute(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The text comes from migrations and constants of the program, never from a user.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private static T Scalar<T>(DbConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // As above.
        command.CommandText = sql;
#pragma warning restore CA2100
        return command.ExecuteScalar() is { } value and not DBNull ? (T)value : default!;
    }
}
