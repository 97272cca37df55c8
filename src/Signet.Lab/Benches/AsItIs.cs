using Signet.Store;

namespace Signet.Lab;

/// <summary>Databases of the house opened by somebody who has the file and none of the house's rules.</summary>
internal static class AsItIs
{
    /// <summary>Whatever its version: nothing is migrated here, and a file newer than the list is refused.</summary>
    public static Database Open(string path)
    {
        const int most = 200;
        for (var version = 1; ; version++)
        {
            try
            {
                return Database.OpenSqlite(path, [.. Enumerable.Range(1, version).Select(n => new Migration(n, "as it is", ""))]);
            }
            catch (StoreException) when (version < most)
            {
                // a later version
            }
        }
    }

    /// <param name="sql">A constant of the attack list.</param>
    public static void Execute(string path, string sql)
    {
        using var connection = Open(path).Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants, see above.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
