using System.Data.Common;
using Dapper;

namespace Signet.Control;

/// <summary>
/// People, devices and TOTP accounts share one space of names, whatever the case: a broker that is not ours knows a name and nothing else, and denies one that two go by (<see cref="ForeignBrokers.Ambiguous"/>).
/// </summary>
internal static class TakenNames
{
    /// <summary>Why nobody can be called so; null: nothing of another kind is.</summary>
    public static Refusal? ForPerson(DbConnection connection, string name)
        => string.Equals(name, Actor.Center.Name, StringComparison.OrdinalIgnoreCase) || string.Equals(name, Actor.Terminal.Name, StringComparison.OrdinalIgnoreCase)
            || Has(connection, "SELECT count(*) FROM device WHERE upper(name) = @name", name) || Has(connection, "SELECT count(*) FROM totp_account WHERE upper(name) = @name", name)
            ? new(RefusalCode.AlreadyExists, $"the name '{name}' belongs to a device, a TOTP account or the center itself") : null;

    /// <summary>Is a person called so?</summary>
    public static bool IsPerson(DbConnection connection, string name) => Has(connection, "SELECT count(*) FROM account WHERE normalized_name = @name", name);

    private static bool Has(DbConnection connection, string question, string name) => connection.ExecuteScalar<long>(question, new { name = name.ToUpperInvariant() }) > 0;
}
