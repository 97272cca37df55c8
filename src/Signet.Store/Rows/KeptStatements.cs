using System.Data.Common;
using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;

namespace Signet.Store;

/// <summary>
/// Statements that are run again and again on one connection: made once and kept as long as it is open. Reading the text of a statement costs SQLite more than running it on one row.
/// <para>Concurrency: as the connection, one thread at a time; one open reader of the same statement at a time.</para>
/// </summary>
public static class KeptStatements
{
    private static readonly ConditionalWeakTable<DbConnection, Dictionary<string, DbCommand>> All = [];

    /// <summary>The statement with these values, ready to run. Do not dispose it: that is the connection's.</summary>
    /// <param name="connection">An open connection of <see cref="Database"/>.</param>
    /// <param name="sql">A constant of the program.</param>
    /// <param name="values">Name (without the sign) and value of every parameter, each time in the same order.</param>
    public static DbCommand Kept(this DbConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var kept = All.GetOrCreateValue(connection);
        if (!kept.TryGetValue(sql, out var command)) kept.Add(sql, command = Make(connection, sql, values));
        for (var i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i].Value ?? DBNull.Value;
        return command;
    }

    private static DbCommand Make(DbConnection connection, string sql, ReadOnlySpan<(string Name, object? Value)> values)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of the program; values travel as parameters.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, _) in values)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = "@" + name;
            command.Parameters.Add(parameter);
        }

        if (connection is SqliteConnection) command.Prepare(); // PostgreSQL would want the types first, and keeps plans of its own
        return command;
    }
}
