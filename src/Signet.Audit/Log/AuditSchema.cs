using System.Data.Common;
using Signet.Store;

namespace Signet.Audit;

/// <summary>
/// Tables of <c>audit.db</c>. What is evidence stands here and nothing else: an index for searching is another file that can be rebuilt.
/// The columns of entries have no declared strictness on purpose: the verifier must be able to read whatever somebody wrote into them.
/// </summary>
internal static class AuditSchema
{
    public const string FileName = "audit.db";

    public static IReadOnlyList<Migration> Migrations { get; } =
    [
        new(1, "entries, checkpoints, tree nodes, head, personal data", """
            CREATE TABLE log(id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL);
            CREATE TABLE entries(seq INTEGER PRIMARY KEY, body BLOB NOT NULL, prev BLOB NOT NULL, mac BLOB NOT NULL);
            CREATE TABLE checkpoints(number INTEGER PRIMARY KEY, note TEXT NOT NULL);
            CREATE TABLE nodes(level INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, idx)) WITHOUT ROWID;
            CREATE TABLE head(id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, link BLOB NOT NULL, mac BLOB NOT NULL);
            CREATE TABLE personal(seq INTEGER PRIMARY KEY, salt BLOB, data BLOB);
            """),
    ];

    public static DbCommand Command(this DbConnection connection, string sql, params ReadOnlySpan<string> parameters)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this room; values travel as parameters.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var name in parameters)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            command.Parameters.Add(parameter);
        }
        return command;
    }

    public static DbCommand With(this DbCommand command, string name, object? value)
    {
        var parameter = command.CreateParameter();
        (parameter.ParameterName, parameter.Value) = (name, value ?? DBNull.Value);
        command.Parameters.Add(parameter);
        return command;
    }

    public static byte[] Bytes(this DbDataReader reader, int column) => reader.GetValue(column) switch
    {
        byte[] bytes => bytes,
        string text => System.Text.Encoding.UTF8.GetBytes(text),
        DBNull => [],
        var other => System.Text.Encoding.UTF8.GetBytes(Convert.ToString(other, System.Globalization.CultureInfo.InvariantCulture) ?? ""),
    };
}
