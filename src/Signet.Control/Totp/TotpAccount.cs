using System.Data.Common;
using System.Text.Json;
using Dapper;

namespace Signet.Control;

/// <summary>An account that logs in with user name, one-time code and password: a client that holds nothing but the CA certificate.</summary>
/// <param name="Groups">What the access policy knows it by; <c>metrics</c> unless stated.</param>
/// <param name="Reconnects">The same client may come back with its code within the step (embedded broker only).</param>
public sealed record TotpAccount(string Name, bool Enabled, IReadOnlyList<string> Groups, bool Reconnects, DateTimeOffset Created, DateTimeOffset? LastLogin);

/// <summary>An account to add.</summary>
/// <param name="Password">1 to 72 bytes of UTF-8. Null when <paramref name="PasswordHash"/> is given.</param>
/// <param name="PasswordHash">bcrypt, from an existing users table, or a hash of <c>mosquitto_passwd</c>.</param>
/// <param name="Secret">Base32. Null: a new one of 160 bits.</param>
public sealed record NewTotpAccount(string Name, string? Password, string? PasswordHash = null, string? Secret = null, IReadOnlyList<string>? Groups = null, bool Reconnects = false)
{
    // Records print their members; these are secrets.
    public override string ToString() => $"TOTP account {Name}";
}

/// <summary>An account with its secret, which is shown this once and never again.</summary>
/// <param name="TotpSecret">Base32.</param>
/// <param name="OtpauthUri">The same for a QR code.</param>
/// <param name="Warning">What is weak about it; null when nothing is.</param>
public sealed record IssuedTotpAccount(TotpAccount Account, string TotpSecret, string OtpauthUri, string? Warning)
{
    public override string ToString() => $"TOTP account {Account.Name}";
}

/// <summary>What an import did.</summary>
/// <param name="Imported">Names that were added.</param>
/// <param name="Refused">One line for each row that was not taken, with its number and why.</param>
/// <param name="Warnings">One line for each account that was taken and is weak.</param>
public sealed record TotpImport(IReadOnlyList<string> Imported, IReadOnlyList<string> Refused, IReadOnlyList<string> Warnings);

/// <summary>Password hashes in the form of <c>mosquitto_passwd</c>.</summary>
/// <param name="Passwords">Those that Mosquitto can check.</param>
/// <param name="Left">One line for each account that is not among them, and why.</param>
public sealed record PasswordExport(IReadOnlyList<ExportedPassword> Passwords, IReadOnlyList<string> Left);

/// <summary>One line of such a file.</summary>
public sealed record ExportedPassword(string Name, string Hash)
{
    public override string ToString() => $"password hash of {Name}";
}

/// <summary>An account as it is kept.</summary>
internal sealed record TotpRow(string Name, string PasswordHash, string SealedSecret, bool Enabled, IReadOnlyList<string> Groups, bool Reconnects, long LastStep, DateTimeOffset Created, DateTimeOffset? LastLogin)
{
    public TotpAccount ToAccount() => new(Name, Enabled, Groups, Reconnects, Created, LastLogin);

    public override string ToString() => $"TOTP account {Name}";
}

/// <summary>The accounts' rows in signet.db.</summary>
internal static class TotpStore
{
    public static IReadOnlyList<TotpRow> Load(DbConnection connection) => [.. connection.Query<Stored>("""
        SELECT name AS Name, password_hash AS PasswordHash, sealed_secret AS SealedSecret, enabled AS Enabled, group_names AS GroupNames, reconnects AS Reconnects, last_step AS LastStep,
            created AS Created, last_login AS LastLogin
        FROM totp_account
        """).Select(s => new TotpRow(s.Name, s.PasswordHash, s.SealedSecret, s.Enabled != 0, JsonSerializer.Deserialize<string[]>(s.GroupNames) ?? [], s.Reconnects != 0, s.LastStep, s.Created.ToTime(), s.LastLogin.ToTime()))];

    /// <summary>Adds it, or replaces all but the last step and the last log-in: a code that was used stays used.</summary>
    public static void Put(DbConnection connection, TotpRow row) => connection.Execute("""
        INSERT INTO totp_account (name, password_hash, sealed_secret, enabled, group_names, reconnects, last_step, created, last_login)
        VALUES (@Name, @PasswordHash, @SealedSecret, @enabled, @groups, @reconnects, @LastStep, @created, NULL)
        ON CONFLICT (name) DO UPDATE SET password_hash = excluded.password_hash, sealed_secret = excluded.sealed_secret, enabled = excluded.enabled, group_names = excluded.group_names,
            reconnects = excluded.reconnects
        """, new
    {
        row.Name, row.PasswordHash, row.SealedSecret, enabled = row.Enabled ? 1L : 0, groups = JsonSerializer.Serialize(row.Groups), reconnects = row.Reconnects ? 1L : 0, row.LastStep,
        created = row.Created.ToUnixTimeMilliseconds(),
    });

    public static void Delete(DbConnection connection, string name) => connection.Execute("DELETE FROM totp_account WHERE name = @name", new { name });

    /// <summary>Takes a step for good. False: it, or a later one, was taken before.</summary>
    public static bool TakeStep(DbConnection connection, string name, long step, DateTimeOffset at) => connection.Execute(
        "UPDATE totp_account SET last_step = @step, last_login = @at WHERE name = @name AND last_step < @step", new { name, step, at = at.ToUnixTimeMilliseconds() }) == 1;

    private sealed class Stored
    {
        public string Name { get; set; } = "";
        public string PasswordHash { get; set; } = "";
        public string SealedSecret { get; set; } = "";
        public long Enabled { get; set; }
        public string GroupNames { get; set; } = "[]";
        public long Reconnects { get; set; }
        public long LastStep { get; set; }
        public long Created { get; set; }
        public long? LastLogin { get; set; }
    }
}
