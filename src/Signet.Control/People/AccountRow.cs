using System.Data.Common;
using Dapper;
using Signet.Access;

namespace Signet.Control;

/// <summary>An account as its table holds it.</summary>
internal sealed class AccountRow
{
    public const string Columns = """
        id AS Id, name AS Name, normalized_name AS NormalizedName, password_hash AS PasswordHash, role AS Role, enabled AS Enabled, security_stamp AS SecurityStamp,
        concurrency_stamp AS ConcurrencyStamp, access_failed_count AS AccessFailedCount, lockout_end AS LockoutEnd, lockout_enabled AS LockoutEnabled, created AS Created, last_sign_in AS LastSignIn,
        totp_since AS TotpSince, factor_due AS FactorDue, scope AS Scope, (SELECT count(*) FROM passkey WHERE passkey.account = account.id) AS Passkeys
        """;

    /// <summary>Everybody by name. Passkeys are counted at once: asking for each of a thousand takes longer than reading them.</summary>
    public static IReadOnlyList<Account> All(DbConnection connection)
    {
        var passkeys = connection.Query<(string Account, long Count)>("SELECT account, count(*) FROM passkey GROUP BY account").ToDictionary(row => row.Account, row => row.Count, StringComparer.Ordinal);
        return [.. connection.Query<AccountRow>($"SELECT {Columns[..Columns.LastIndexOf(", (", StringComparison.Ordinal)]} FROM account ORDER BY normalized_name").Select(row =>
        {
            row.Passkeys = passkeys.GetValueOrDefault(row.Id);
            return row.ToAccount();
        })];
    }

    public string Id { get; set; } = "";
    public string Name { get; set; } = "";
    public string NormalizedName { get; set; } = "";
    public string? PasswordHash { get; set; }
    public long Role { get; set; }
    public long Enabled { get; set; }
    public string SecurityStamp { get; set; } = "";
    public string ConcurrencyStamp { get; set; } = "";
    public long AccessFailedCount { get; set; }
    public long? LockoutEnd { get; set; }
    public long LockoutEnabled { get; set; }
    public long Created { get; set; }
    public long? LastSignIn { get; set; }
    public long? TotpSince { get; set; }
    public long? FactorDue { get; set; }
    public long Passkeys { get; set; }

    /// <summary>Words with spaces between.</summary>
    public string Scope { get; set; } = "";

    public Account ToAccount() => new()
    {
        Id = Id, Name = Name, NormalizedName = NormalizedName, PasswordHash = PasswordHash, Role = (Role)Role, Enabled = Enabled != 0, SecurityStamp = SecurityStamp,
        ConcurrencyStamp = ConcurrencyStamp, AccessFailedCount = (int)AccessFailedCount, LockoutEnd = LockoutEnd.ToTime(), LockoutEnabled = LockoutEnabled != 0,
        Created = Created.ToTime(), LastSignIn = LastSignIn.ToTime(), TotpSince = TotpSince.ToTime(), FactorDue = FactorDue.ToTime(), Passkeys = (int)Passkeys, Groups = Scope.Split(' ', StringSplitOptions.RemoveEmptyEntries),
    };

    public static void Insert(DbConnection connection, Account account) => connection.Execute("""
        INSERT INTO account (id, name, normalized_name, password_hash, role, enabled, security_stamp, concurrency_stamp, access_failed_count, lockout_end, lockout_enabled, created, last_sign_in, factor_due, scope)
        VALUES (@Id, @Name, @NormalizedName, @PasswordHash, @Role, @Enabled, @SecurityStamp, @ConcurrencyStamp, @AccessFailedCount, @LockoutEnd, @LockoutEnabled, @Created, @LastSignIn, @FactorDue, @Scope)
        """, Of(account));

    /// <summary>False: the stamp is not the stored one.</summary>
    public static bool Update(DbConnection connection, Account account, string stampBefore) => connection.Execute("""
        UPDATE account SET password_hash = @PasswordHash, security_stamp = @SecurityStamp, concurrency_stamp = @ConcurrencyStamp, access_failed_count = @AccessFailedCount,
            lockout_end = @LockoutEnd, lockout_enabled = @LockoutEnabled, last_sign_in = @LastSignIn
        WHERE id = @Id AND concurrency_stamp = @stampBefore
        """, new
    {
        account.Id, account.PasswordHash, account.SecurityStamp, account.ConcurrencyStamp, account.AccessFailedCount, LockoutEnd = account.LockoutEnd?.ToUnixTimeMilliseconds(),
        LockoutEnabled = account.LockoutEnabled ? 1 : 0, LastSignIn = account.LastSignIn?.ToUnixTimeMilliseconds(), stampBefore,
    }) == 1;

    public static void UpdateRights(DbConnection connection, Account account) => connection.Execute(
        "UPDATE account SET role = @Role, enabled = @Enabled, security_stamp = @SecurityStamp, concurrency_stamp = @ConcurrencyStamp, factor_due = @FactorDue, scope = @Scope WHERE id = @Id", Of(account));

    private static AccountRow Of(Account account) => new()
    {
        Id = account.Id, Name = account.Name, NormalizedName = account.NormalizedName, PasswordHash = account.PasswordHash, Role = (long)account.Role, Enabled = account.Enabled ? 1 : 0,
        SecurityStamp = account.SecurityStamp, ConcurrencyStamp = account.ConcurrencyStamp, AccessFailedCount = account.AccessFailedCount,
        LockoutEnd = account.LockoutEnd?.ToUnixTimeMilliseconds(), LockoutEnabled = account.LockoutEnabled ? 1 : 0,
        Created = account.Created.ToUnixTimeMilliseconds(), LastSignIn = account.LastSignIn?.ToUnixTimeMilliseconds(), FactorDue = account.FactorDue?.ToUnixTimeMilliseconds(), Scope = string.Join(' ', account.Groups),
    };
}
