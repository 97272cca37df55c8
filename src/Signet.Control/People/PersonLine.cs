using System.Data.Common;
using Signet.Access;

namespace Signet.Control;

/// <summary>What lists of people show of an <see cref="Account"/>, for all of them are kept in memory: nothing that opens anything.</summary>
/// <param name="NormalizedName">Upper case.</param>
/// <param name="Limits">The groups of devices in force; empty: all devices.</param>
/// <param name="HasTotp">One-time codes are set up.</param>
/// <param name="Passkeys">How many are registered.</param>
public sealed record PersonLine(string Id, string Name, string NormalizedName, Role Role, bool Enabled, IReadOnlyList<string> Limits, bool HasTotp, int Passkeys, DateTimeOffset Created, DateTimeOffset? LastSignIn)
{
    public bool HasSecondFactor => HasTotp || Passkeys > 0;

    /// <summary>Everybody by <see cref="NormalizedName"/>, as .NET compares it: the database sorts by bytes, and beyond the basic plane the two differ.</summary>
    internal static IReadOnlyList<PersonLine> All(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT id, name, normalized_name, role, enabled, scope, CAST(CASE WHEN totp_since IS NULL THEN 0 ELSE 1 END AS BIGINT), COALESCE(passkeys, 0), created, last_sign_in
            FROM account LEFT JOIN (SELECT account AS owner, COUNT(*) AS passkeys FROM passkey GROUP BY account) AS counted ON owner = id
            """;
        using var reader = command.ExecuteReader();
        var lines = new List<PersonLine>();
        while (reader.Read())
        {
            var (role, scope) = ((Role)reader.GetInt64(3), reader.GetString(5));
            lines.Add(new(reader.GetString(0), reader.GetString(1), reader.GetString(2), role, reader.GetInt64(4) != 0,
                role == Role.Admin || scope.Length == 0 ? [] : scope.Split(' ', StringSplitOptions.RemoveEmptyEntries),
                reader.GetInt64(6) != 0, (int)reader.GetInt64(7), reader.GetInt64(8).ToTime(), reader.IsDBNull(9) ? null : reader.GetInt64(9).ToTime()));
        }

        lines.Sort((one, other) => string.CompareOrdinal(one.NormalizedName, other.NormalizedName));
        return lines;
    }
}
