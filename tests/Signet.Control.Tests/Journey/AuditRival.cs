using System.Data.Common;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>Another program that holds the lock of the audit log's rows: the log is there and takes nothing.</summary>
internal sealed class AuditRival : IDisposable
{
    private readonly DbConnection _connection;

    public AuditRival(TestHouse house)
    {
        Store.SqliteRuntime.EnsureLoaded();
        _connection = house.PostgresConnection is { } connection ? new Npgsql.NpgsqlConnection(connection + ";Search Path=signet_audit;Pooling=False")
            : new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(house.Center.Installation.AuditDirectory, "audit.db")};Pooling=False");
        _connection.Open();
        using var command = _connection.CreateCommand();
        command.CommandText = house.PostgresConnection is null ? "BEGIN IMMEDIATE" : "BEGIN; LOCK TABLE head IN ACCESS EXCLUSIVE MODE";
        command.ExecuteNonQuery();
    }

    public void Dispose() => _connection.Dispose();
}
