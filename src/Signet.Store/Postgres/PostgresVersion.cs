using Npgsql;

namespace Signet.Store;

/// <summary>What a PostgreSQL server says about itself.</summary>
public static class PostgresVersion
{
    /// <summary>For people, for example "PostgreSQL 15.10".</summary>
    /// <exception cref="StoreException">Not reachable ...</exception>
    public static string Of(PostgresAddress address) => $"PostgreSQL {Ask(address, "SHOW server_version")}";

    /// <summary>Settings without which a commit is no promise, as they are when they are off.</summary>
    /// <exception cref="StoreException">Not reachable ...</exception>
    public static IReadOnlyList<(string Setting, string Value)> UnsafeSettings(PostgresAddress address) =>
        [.. Promises.Select(name => (name, Ask(address, $"SHOW {name}"))).Where(s => s.Item2 != "on")];

    private static readonly string[] Promises = ["fsync", "full_page_writes"];

    private static string Ask(PostgresAddress address, string sql)
    {
        try
        {
            using var connection = new NpgsqlConnection(address.ConnectionString("public", pooled: false));
            connection.Open();
            using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this file.
            command.CommandText = sql;
#pragma warning restore CA2100
            return command.ExecuteScalar() as string ?? "";
        }
        catch (Exception e) when (StoreException.From(e, address.ToString()) is not null)
        {
            throw StoreException.From(e, address.ToString())!;
        }
    }
}
