using System.Data.Common;
using Signet.Access;

namespace Signet.Control;

/// <summary>What lists of people are searched and put in order by: a fraction of an <see cref="Account"/>, for all of them are read for each page.</summary>
/// <param name="NormalizedName">Upper case.</param>
/// <param name="Limits">The groups of devices in force; empty: all devices.</param>
public sealed record PersonLine(string Id, string NormalizedName, Role Role, bool Enabled, bool HasSecondFactor, IReadOnlyList<string> Limits)
{
    /// <summary>Everybody, in no order.</summary>
    internal static IReadOnlyList<PersonLine> All(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT id, normalized_name, role, enabled, CAST(CASE WHEN totp_since IS NOT NULL OR id IN (SELECT account FROM passkey) THEN 1 ELSE 0 END AS BIGINT), scope FROM account
            """;
        using var reader = command.ExecuteReader();
        var lines = new List<PersonLine>();
        while (reader.Read())
        {
            var (role, scope) = ((Role)reader.GetInt64(2), reader.GetString(5));
            lines.Add(new(reader.GetString(0), reader.GetString(1), role, reader.GetInt64(3) != 0, reader.GetInt64(4) != 0,
                role == Role.Admin || scope.Length == 0 ? [] : scope.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        }

        return lines;
    }
}
