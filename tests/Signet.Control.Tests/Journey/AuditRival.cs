using System.Data.Common;
using System.Reflection;

namespace Signet.Control.Tests;

/// <summary>Another program that holds the write lock of audit.db: the log is there and takes nothing.</summary>
internal sealed class AuditRival : IDisposable
{
    private readonly DbConnection _connection;

    public AuditRival(string directory)
    {
        Store.SqliteRuntime.EnsureLoaded();
        var type = Assembly.Load("Microsoft.Data.Sqlite").GetType("Microsoft.Data.Sqlite.SqliteConnection", throwOnError: true)!;
        _connection = (DbConnection)Activator.CreateInstance(type, $"Data Source={Path.Combine(directory, "audit.db")};Pooling=False")!;
        _connection.Open();
        using var command = _connection.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        command.ExecuteNonQuery();
    }

    public void Dispose() => _connection.Dispose();
}
