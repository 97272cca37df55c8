using System.Data.Common;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>Another program that holds the lock of the audit log's rows, or of the commands': the database is there and takes nothing.</summary>
internal sealed class AuditRival : IDisposable
{
    private readonly DbConnection _connection;

    public AuditRival(TestHouse house) : this(house, Path.Combine(house.Center.Installation.AuditDirectory, "audit.db"), "signet_audit", "head")
    {
    }

    private AuditRival(TestHouse house, string file, string schema, string table)
    {
        _connection = Open(house, file, schema);
        using var command = _connection.CreateCommand();
        command.CommandText = house.PostgresConnection is null ? "BEGIN IMMEDIATE" : $"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE";
        command.ExecuteNonQuery();
    }

    /// <summary>The fleet's and the commands' database.</summary>
    public static AuditRival OfCommands(TestHouse house) => new(house, Path.Combine(house.Directory, "signet.db"), "signet", "replay_window");

    /// <summary>The same, of the table of devices.</summary>
    public static AuditRival OfFleet(TestHouse house) => new(house, Path.Combine(house.Directory, "signet.db"), "signet", "device");

    /// <summary>Changes the fleet's and the commands' database behind the center's back.</summary>
    public static void Execute(TestHouse house, string sql)
    {
        using var connection = Open(house, Path.Combine(house.Directory, "signet.db"), "signet");
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // a test's own words
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private static DbConnection Open(TestHouse house, string file, string schema)
    {
        Store.SqliteRuntime.EnsureLoaded();
        DbConnection connection = house.PostgresConnection is { } server ? new Npgsql.NpgsqlConnection(server + $";Search Path={schema};Pooling=False") : new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={file};Pooling=False");
        connection.Open();
        return connection;
    }

    public void Dispose() => _connection.Dispose();
}
