using System.Data.Common;
using System.Security.Cryptography;
using Dapper;
using Signet.Access;
using Signet.Audit;

namespace Signet.Control;

/// <summary>What came of a one-time code or backup code.</summary>
public enum CodeVerdict
{
    Accepted = 1,
    Wrong = 2,

    /// <summary>Right, and taken before: a code is accepted once (RFC 6238, section 5.2).</summary>
    Used = 3,
}

/// <summary>Fresh backup codes, to be shown once: <c>xxxx-xxxx-xxxx-xxxx</c>, 80 random bits each.</summary>
public sealed record NewBackupCodes(IReadOnlyList<string> Codes)
{
    public override string ToString() => $"{Codes.Count} backup codes"; // never the codes
}

/// <summary>
/// Second factors of people: one-time codes (RFC 6238), backup codes, passkeys. One-time secrets are sealed at rest; backup codes are stored as keyed hashes. Of two
/// requests with the same code one wins: the database decides in its one writer.
/// </summary>
public sealed partial class SecondFactors
{
    private readonly ControlDatabase _database;
    private readonly AuditTrail _trail;
    private readonly Administration _administration;
    private readonly Accounts _accounts;
    private readonly AccountSeal _seal;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _random;

    internal SecondFactors(ControlDatabase database, AuditTrail trail, Administration administration, Accounts accounts, AccountSeal seal, TimeProvider time, RandomNumberGenerator random)
        => (_database, _trail, _administration, _accounts, _seal, _time, _random) = (database, trail, administration, accounts, seal, time, random);

    /// <summary>160 random bits for an authenticator that is being set up; stored by <see cref="EnableTotpAsync"/> once a code of it was seen.</summary>
    public byte[] NewSecret()
    {
        var secret = new byte[OneTimeCode.SecretBytes];
        _random.GetBytes(secret);
        return secret;
    }

    /// <summary>Sets up one-time codes and returns fresh backup codes. The code that confirms it counts as used.</summary>
    public Task<Outcome<NewBackupCodes>> EnableTotpAsync(Account account, byte[] secret, string code, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<NewBackupCodes>(async () =>
    {
        if (OneTimeCode.Match(secret, Digits(code), _time.GetUtcNow()) is not { } step)
            return new Refusal(RefusalCode.BadInput, "The code is not right. Check that the clock of your phone is right, and type the code it shows now.");
        var written = await _trail.TryAppendAsync(Record(actor, account, "second-factor-enabled", "totp"), cancellationToken);
        if (!written.TryGet(out _, out var refusal)) return refusal;
        var (sealedSecret, now) = (_seal.Seal(Bound(account.Id), secret), _time.GetUtcNow().ToUnixTimeMilliseconds());
        await _accounts.WriteAsync(c => c.Execute(
            "UPDATE account SET totp_secret = @sealedSecret, totp_step = @step, totp_since = @now WHERE id = @Id", new { sealedSecret, step, now, account.Id }), cancellationToken);
        return await ReplaceBackupCodesAsync(account, cancellationToken);
    }, cancellationToken);

    /// <summary>Is this the code of now, of the step before or of the one after, and the first time it is seen?</summary>
    public async Task<CodeVerdict> UseTotpAsync(Account account, string code, CancellationToken cancellationToken = default)
    {
        var kept = await Task.Run(() => _database.Read(c => c.QueryFirstOrDefault<string?>("SELECT totp_secret FROM account WHERE id = @Id", new { account.Id })), cancellationToken);
        if (kept is null || _seal.TryOpen(Bound(account.Id), kept) is not { } secret || OneTimeCode.Match(secret, Digits(code), _time.GetUtcNow()) is not { } step) return CodeVerdict.Wrong;
        MakeRoomFor(account);
        var first = await _database.WriteAsync(c => c.Execute(
            "UPDATE account SET totp_step = @step WHERE id = @Id AND totp_secret = @kept AND (totp_step IS NULL OR totp_step < @step)", new { step, account.Id, kept }) == 1, cancellationToken);
        return first ? CodeVerdict.Accepted : CodeVerdict.Used;
    }

    /// <summary>Uses a backup code up.</summary>
    public async Task<CodeVerdict> UseBackupCodeAsync(Account account, string code, CancellationToken cancellationToken = default)
    {
        if (HashOf(account.Id, code) is not { } hash) return CodeVerdict.Wrong;
        MakeRoomFor(account);
        var gone = await _database.WriteAsync(c => c.Execute("DELETE FROM backup_code WHERE account = @Id AND hash = @hash", new { account.Id, hash }) == 1, cancellationToken);
        return gone ? CodeVerdict.Accepted : CodeVerdict.Wrong;
    }

    /// <summary>Backup codes that are left.</summary>
    public Task<int> BackupCodesLeftAsync(string id, CancellationToken cancellationToken = default)
        => Task.Run(() => _database.Read(c => c.ExecuteScalar<int>("SELECT count(*) FROM backup_code WHERE account = @id", new { id })), cancellationToken);

    /// <summary>Ten fresh ones; those before no longer count.</summary>
    public Task<Outcome<NewBackupCodes>> RenewBackupCodesAsync(Account account, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<NewBackupCodes>(async () =>
    {
        var written = await _trail.TryAppendAsync(Record(actor, account, "backup-codes-renewed", "backup-code"), cancellationToken);
        return written.TryGet(out _, out var refusal) ? await ReplaceBackupCodesAsync(account, cancellationToken) : refusal;
    }, cancellationToken);

    /// <summary>One's own one-time codes off; passkeys stay.</summary>
    public Task<Outcome<Account>> DisableTotpAsync(Account account, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<Account>(async () =>
    {
        var written = await _trail.TryAppendAsync(Record(actor, account, "second-factor-removed", "totp"), cancellationToken);
        if (!written.TryGet(out _, out var refusal)) return refusal;
        await _accounts.WriteAsync(c =>
        {
            c.Execute("UPDATE account SET totp_secret = NULL, totp_step = NULL, totp_since = NULL WHERE id = @Id", new { account.Id });
            c.Execute("DELETE FROM backup_code WHERE account = @Id AND NOT EXISTS (SELECT 1 FROM passkey WHERE passkey.account = @Id)", new { account.Id });
        }, cancellationToken);
        return account with { TotpSince = null };
    }, cancellationToken);

    /// <summary>An administrator takes every second factor of somebody away who lost theirs. Their sessions end; where the role needs one, a new one is due at the next sign-in.</summary>
    public Task<Outcome<Account>> ResetAsync(string id, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<Account>(async () =>
    {
        if (await _accounts.FindAsync(id, cancellationToken) is not { } account) return new Refusal(RefusalCode.NotFound, "there is no such account");
        var permit = await _trail.PermitAsync(actor, Act.ManageUsers, Record(actor, account, "second-factors-reset", "all"), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        await _accounts.WriteAsync(c =>
        {
            c.Execute("UPDATE account SET totp_secret = NULL, totp_step = NULL, totp_since = NULL, factor_due = @now WHERE id = @id", new { id, now });
            Forget(c, id);
        }, cancellationToken);
        // A new stamp ends the sessions.
        return await _accounts.WritePasswordAsync(account with { TotpSince = null, Passkeys = 0 }, account.PasswordHash, cancellationToken);
    }, cancellationToken);

    internal static void Forget(DbConnection connection, string id)
    {
        connection.Execute("DELETE FROM backup_code WHERE account = @id", new { id });
        connection.Execute("DELETE FROM passkey WHERE account = @id", new { id });
    }

    private async Task<Outcome<NewBackupCodes>> ReplaceBackupCodesAsync(Account account, CancellationToken cancellationToken)
    {
        var codes = new List<string>();
        var bytes = new byte[ControlLimits.BackupCodeBits / 8];
        while (codes.Count < ControlLimits.BackupCodes)
        {
            _random.GetBytes(bytes);
            codes.Add(string.Join('-', Base32.Encode(bytes).ToLowerInvariant().Chunk(4).Select(four => new string(four))));
        }

        await _database.WriteAsync(c =>
        {
            c.Execute("DELETE FROM backup_code WHERE account = @Id", new { account.Id });
            foreach (var code in codes) c.Execute("INSERT INTO backup_code (account, hash) VALUES (@Id, @hash)", new { account.Id, hash = HashOf(account.Id, code) });
        }, cancellationToken);
        return new NewBackupCodes(codes);
    }

    // On a full disk an administrator's sign-in goes on, and this is a step of it.
    private void MakeRoomFor(Account account)
    {
        if (account.Role == Role.Admin) _trail.MakeRoom();
    }

    // What people type: groups, spaces and capitals as they like.
    private static string Digits(string code) => code.Length > 32 ? "" : string.Concat(code.Where(c => c is not (' ' or '-')));

    private string? HashOf(string account, string code)
        => code.Length <= 64 && Base32.TryDecode(code.Trim(), out var bytes) && bytes.Length == ControlLimits.BackupCodeBits / 8 ? _seal.Tag("backup-code:" + account, bytes) : null;

    private static string Bound(string account) => "person:" + account;

    private static AuditRecord Record(Actor actor, Account account, string action, string kind)
        => AuditTrail.Of(AuditTypes.Security, actor, account.Name, action, details: new() { ["kind"] = kind }) with { Emergency = account.Role == Role.Admin };
}
