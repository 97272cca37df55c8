using System.Buffers.Text;
using Dapper;

namespace Signet.Control;

/// <summary>A passkey (WebAuthn credential) of a person, as it is stored. Nothing of it is secret.</summary>
/// <param name="Id">Credential id.</param>
/// <param name="PublicKey">COSE key.</param>
/// <param name="SignCount">Of the last assertion; an authenticator that does not count says 0.</param>
public sealed record Passkey(
    byte[] Id, string Account, string Name, byte[] PublicKey, uint SignCount, IReadOnlyList<string> Transports, bool UserVerified, bool BackupEligible, bool BackedUp,
    byte[] Attestation, byte[] ClientData, DateTimeOffset Created, DateTimeOffset? LastUse)
{
    /// <summary>The credential id as pages and links write it: base64url.</summary>
    public string Handle => Base64Url.EncodeToString(Id);
}

public sealed partial class SecondFactors
{
    private const string PasskeyColumns = """
        id AS Id, account AS Account, name AS Name, public_key AS PublicKey, sign_count AS SignCount, transports AS Transports, verified AS Verified, backup_eligible AS BackupEligible,
        backed_up AS BackedUp, attestation AS Attestation, client_data AS ClientData, created AS Created, last_use AS LastUse
        """;

    public Task<IReadOnlyList<Passkey>> PasskeysAsync(string account, CancellationToken cancellationToken = default) => Task.Run<IReadOnlyList<Passkey>>(
        () => _database.Read(c => c.Query<PasskeyRow>($"SELECT {PasskeyColumns} FROM passkey WHERE account = @account ORDER BY created", new { account }).Select(r => r.ToPasskey()).ToList()), cancellationToken);

    public Task<Passkey?> FindPasskeyAsync(byte[] id, CancellationToken cancellationToken = default)
    {
        var key = Base64Url.EncodeToString(id);
        return Task.Run(() => _database.Read(c => c.QueryFirstOrDefault<PasskeyRow>($"SELECT {PasskeyColumns} FROM passkey WHERE id = @key", new { key })?.ToPasskey()), cancellationToken);
    }

    /// <summary>Registers a passkey that was just attested. The first second factor of an account brings backup codes with it; else the list is empty.</summary>
    public Task<Outcome<NewBackupCodes>> AddPasskeyAsync(Account account, Passkey passkey, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<NewBackupCodes>(async () =>
    {
        if (passkey.Name.Length is 0 or > ControlLimits.NameCharacters || passkey.Name.Any(char.IsControl)) return new Refusal(RefusalCode.BadInput, $"a passkey's name has 1 to {ControlLimits.NameCharacters} printable characters");
        if ((await PasskeysAsync(account.Id, cancellationToken)).Count >= ControlLimits.PasskeysPerPerson) return new Refusal(RefusalCode.BadInput, $"{ControlLimits.PasskeysPerPerson} passkeys are the most; remove one first");
        if (await FindPasskeyAsync(passkey.Id, cancellationToken) is not null) return new Refusal(RefusalCode.AlreadyExists, "this passkey is registered already");
        var written = await _trail.TryAppendAsync(Record(actor, account, "second-factor-enabled", "passkey"), cancellationToken);
        if (!written.TryGet(out _, out var refusal)) return refusal;
        await _accounts.WriteAsync(c => c.Execute("""
            INSERT INTO passkey (id, account, name, public_key, sign_count, transports, verified, backup_eligible, backed_up, attestation, client_data, created)
            VALUES (@Id, @Account, @Name, @PublicKey, @SignCount, @Transports, @Verified, @BackupEligible, @BackedUp, @Attestation, @ClientData, @Created)
            """, PasskeyRow.Of(passkey)), cancellationToken);
        return await BackupCodesLeftAsync(account.Id, cancellationToken) == 0 ? await ReplaceBackupCodesAsync(account, cancellationToken) : new NewBackupCodes([]);
    }, cancellationToken);

    /// <summary>As below, for the passkey of a sign-in.</summary>
    /// <inheritdoc cref="MarkPasskeyUsedAsync(byte[], uint, bool, CancellationToken)"/>
    public Task<bool> MarkPasskeyUsedAsync(Account account, byte[] id, uint signCount, bool backedUp, CancellationToken cancellationToken = default)
    {
        MakeRoomFor(account);
        return MarkPasskeyUsedAsync(id, signCount, backedUp, cancellationToken);
    }

    /// <summary>After an assertion: its counter and when it was used. False: a newer counter is stored already, so the authenticator may have been copied.</summary>
    public Task<bool> MarkPasskeyUsedAsync(byte[] id, uint signCount, bool backedUp, CancellationToken cancellationToken = default)
    {
        var (key, count, backed, now) = (Base64Url.EncodeToString(id), (long)signCount, backedUp ? 1 : 0, _time.GetUtcNow().ToUnixTimeMilliseconds());
        return _database.WriteAsync(c => c.Execute(
            "UPDATE passkey SET sign_count = @count, backed_up = @backed, last_use = @now WHERE id = @key AND (sign_count < @count OR (sign_count = 0 AND @count = 0))", new { key, count, backed, now }) == 1, cancellationToken);
    }

    /// <summary>Removes one of one's own passkeys.</summary>
    public Task<Outcome<Passkey>> RemovePasskeyAsync(Account account, byte[] id, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<Passkey>(async () =>
    {
        if (await FindPasskeyAsync(id, cancellationToken) is not { } passkey || passkey.Account != account.Id) return new Refusal(RefusalCode.NotFound, "you have no such passkey");
        var written = await _trail.TryAppendAsync(Record(actor, account, "second-factor-removed", "passkey"), cancellationToken);
        if (!written.TryGet(out _, out var refusal)) return refusal;
        await _accounts.WriteAsync(c => c.Execute("DELETE FROM passkey WHERE id = @Handle", new { passkey.Handle }), cancellationToken);
        return passkey;
    }, cancellationToken);

    private sealed class PasskeyRow
    {
        public string Id { get; set; } = "";
        public string Account { get; set; } = "";
        public string Name { get; set; } = "";
        public string PublicKey { get; set; } = "";
        public long SignCount { get; set; }
        public string Transports { get; set; } = "";
        public long Verified { get; set; }
        public long BackupEligible { get; set; }
        public long BackedUp { get; set; }
        public string Attestation { get; set; } = "";
        public string ClientData { get; set; } = "";
        public long Created { get; set; }
        public long? LastUse { get; set; }

        public Passkey ToPasskey() => new(
            Base64Url.DecodeFromChars(Id), Account, Name, Convert.FromBase64String(PublicKey), (uint)SignCount, Transports.Split(',', StringSplitOptions.RemoveEmptyEntries), Verified != 0,
            BackupEligible != 0, BackedUp != 0, Convert.FromBase64String(Attestation), Convert.FromBase64String(ClientData), Created.ToTime(), LastUse.ToTime());

        public static PasskeyRow Of(Passkey passkey) => new()
        {
            Id = passkey.Handle, Account = passkey.Account, Name = passkey.Name, PublicKey = Convert.ToBase64String(passkey.PublicKey), SignCount = passkey.SignCount,
            Transports = string.Join(',', passkey.Transports), Verified = passkey.UserVerified ? 1 : 0, BackupEligible = passkey.BackupEligible ? 1 : 0, BackedUp = passkey.BackedUp ? 1 : 0,
            Attestation = Convert.ToBase64String(passkey.Attestation), ClientData = Convert.ToBase64String(passkey.ClientData), Created = passkey.Created.ToUnixTimeMilliseconds(),
        };
    }
}
