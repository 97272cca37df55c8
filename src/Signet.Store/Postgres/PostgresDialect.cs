using System.Text.RegularExpressions;

namespace Signet.Store;

/// <summary>
/// What a migration says differently on PostgreSQL. Migrations are written once, with SQLite's names for types:
/// <list type="bullet">
/// <item>INTEGER is 64 bits wide on SQLite: BIGINT.</item>
/// <item>BLOB: BYTEA.</item>
/// <item>TEXT compares byte by byte on SQLite: COLLATE "C", so that both sort alike whatever the server's locale.</item>
/// <item>WITHOUT ROWID and STRICT speak of SQLite's storage: left out.</item>
/// </list>
/// Everything else must be SQL that both take.
/// </summary>
internal static partial class PostgresDialect
{
    public static string Translate(string sql) => Words().Replace(sql, word => word.Value switch
    {
        "INTEGER" => "BIGINT",
        "BLOB" => "BYTEA",
        "TEXT" => "TEXT COLLATE \"C\"",
        "STRICT, WITHOUT ROWID" or "WITHOUT ROWID, STRICT" or "WITHOUT ROWID" or "STRICT" => "",
        var other => other,
    });

    [GeneratedRegex(@"\bINTEGER\b|\bBLOB\b|\bTEXT\b|\bSTRICT, WITHOUT ROWID\b|\bWITHOUT ROWID, STRICT\b|\bWITHOUT ROWID\b|\bSTRICT\b", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Words();
}
