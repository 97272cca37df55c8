using System.Security.Cryptography;
using System.Text;
using Signet.Access;
using Signet.Audit;

namespace Signet.Control;

/// <summary>TOTP accounts: adding, importing, changing and removing them. Who logs in is <see cref="TotpLogin"/>'s business.</summary>
public sealed class TotpAccounts
{
    private readonly TotpLedger _ledger;
    private readonly ControlDatabase _database;
    private readonly AuditTrail _trail;
    private readonly Administration _administration;
    private readonly Roster _roster;
    private readonly SessionCutter _sessions;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _random;
    private readonly string _issuer;

    internal TotpAccounts(TotpLedger ledger, ControlDatabase database, AuditTrail trail, Administration administration, Roster roster, SessionCutter sessions, TimeProvider time, RandomNumberGenerator random, string issuer)
        => (_ledger, _database, _trail, _administration, _roster, _sessions, _time, _random, _issuer) = (ledger, database, trail, administration, roster, sessions, time, random, issuer);

    /// <summary>Raised before the first account of all is added: listeners for it open now. An exception refuses the account.</summary>
    public event Func<Task>? Needed;

    /// <summary>An account was added, changed or removed. Do not block.</summary>
    public event Action<string>? Changed;

    /// <summary>By name.</summary>
    public IReadOnlyList<TotpAccount> List() => [.. _ledger.All().OrderBy(r => r.Name, StringComparer.Ordinal).Select(r => r.ToAccount())];

    public bool Any => _ledger.Count > 0;

    public TotpAccount? Find(string name) => _ledger.Find(name)?.ToAccount();

    /// <summary>Adds an account. Its secret is in the answer and nowhere else.</summary>
    public Task<Outcome<IssuedTotpAccount>> AddAsync(NewTotpAccount account, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<IssuedTotpAccount>(async () =>
    {
        if (WhyNot(account) is { } why) return new Refusal(RefusalCode.BadInput, why);
        if (IsTaken(account.Name) is { } taken) return taken;
        var permit = await _trail.PermitAsync(actor, Act.ManageDevices, AuditTrail.Of(AuditTypes.Device, actor, account.Name, "totp-account-added", details: new()
        {
            ["groups"] = string.Join(' ', account.Groups ?? [Principal.Metrics]), ["reconnects"] = account.Reconnects,
        }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        if (await OpenDoorsAsync() is { } shut) return shut;
        var (row, secret) = await Task.Run(() => Bear(account), cancellationToken);
        await _database.WriteAsync(c => TotpStore.Put(c, row), cancellationToken);
        _ledger.Put(row);
        Changed?.Invoke(row.Name);
        return new IssuedTotpAccount(row.ToAccount(), Base32.Encode(secret), OneTimeCode.Uri(_issuer, row.Name, secret), WeaknessOf(secret));
    }, cancellationToken);

    /// <summary>Takes the rows that can be taken and says about each other one why not. One audit entry, written before.</summary>
    public Task<Outcome<TotpImport>> ImportAsync(IReadOnlyList<NewTotpAccount> accounts, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<TotpImport>(async () =>
    {
        if (accounts.Count is 0 or > ControlLimits.ImportedAccounts) return new Refusal(RefusalCode.BadInput, $"an import has 1 to {ControlLimits.ImportedAccounts} rows");
        var (good, refused, warnings, names) = (new List<(TotpRow Row, byte[] Secret)>(), new List<string>(), new List<string>(), new HashSet<string>(StringComparer.Ordinal));
        for (var i = 0; i < accounts.Count; i++)
        {
            var why = WhyNot(accounts[i]) ?? IsTaken(accounts[i].Name)?.Message ?? (names.Add(accounts[i].Name) ? null : $"{accounts[i].Name} stands there twice");
            if (why is null) good.Add(Bear(accounts[i]));
            else refused.Add($"row {i + 1}: {why}");
        }

        var permit = await _trail.PermitAsync(actor, Act.ManageDevices, AuditTrail.Of(AuditTypes.Device, actor, "totp-accounts", "totp-accounts-imported", details: new()
        {
            ["taken"] = good.Count, ["refused"] = refused.Count, ["names"] = string.Join(' ', good.Take(100).Select(g => g.Row.Name)),
        }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        if (good.Count > 0 && await OpenDoorsAsync() is { } shut) return shut;
        await _database.WriteAsync(c => good.ForEach(g => TotpStore.Put(c, g.Row)), cancellationToken);
        var owners = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var row in _ledger.All())
        {
            if (_ledger.SecretOf(row) is { } known) owners.TryAdd(Convert.ToHexString(SHA256.HashData(known)), row.Name);
        }

        foreach (var (row, secret) in good)
        {
            _ledger.Put(row);
            if (!owners.TryAdd(Convert.ToHexString(SHA256.HashData(secret)), row.Name))
                warnings.Add($"{row.Name}: its one-time secret is {owners[Convert.ToHexString(SHA256.HashData(secret))]}'s too, so a code that was overheard from one is good for the other: give it a new one");
            if (WeaknessOf(secret) is { } weak) warnings.Add($"{row.Name}: {weak}");
            if (PasswordHash.WeaknessOf(row.PasswordHash) is { } thin) warnings.Add($"{row.Name}: {thin}");
            Changed?.Invoke(row.Name);
        }

        return new TotpImport([.. good.Select(g => g.Row.Name)], refused, warnings);
    }, cancellationToken);

    /// <summary>
    /// The hashes that Mosquitto itself can check (<c>$6$</c>, <c>$7$</c>: accounts that came from a password file and were given no other password since). Disabled accounts are left out.
    /// Hashes are worth guessing at: the entry in the log, written before, names whose were given out.
    /// </summary>
    public Task<Outcome<PasswordExport>> ExportPasswordsAsync(Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<PasswordExport>(async () =>
    {
        var (good, left) = (new List<ExportedPassword>(), new List<string>());
        foreach (var row in _ledger.All().OrderBy(r => r.Name, StringComparer.Ordinal))
        {
            if (!row.Enabled) left.Add($"{row.Name} is disabled");
            else if (!PasswordHash.IsMosquittos(row.PasswordHash)) left.Add($"{row.Name}: its password is hashed with bcrypt, which Mosquitto cannot check; give it one there with mosquitto_passwd");
            else good.Add(new(row.Name, row.PasswordHash));
        }

        var permit = await _trail.PermitAsync(actor, Act.ManageDevices, AuditTrail.Of(AuditTypes.Device, actor, "totp-accounts", "totp-passwords-exported", details: new()
        {
            ["given"] = good.Count, ["left"] = left.Count, ["names"] = string.Join(' ', good.Take(100).Select(g => g.Name)),
        }), cancellationToken);
        return permit.TryGet(out _, out var refusal) ? new PasswordExport(good, left) : refusal;
    }, cancellationToken);

    /// <summary>Disabling cuts its sessions at once.</summary>
    public Task<Outcome<TotpAccount>> SetEnabledAsync(string name, bool enabled, Actor actor, CancellationToken cancellationToken = default)
        => ChangeAsync(name, enabled ? Act.ManageDevices : Act.QuarantineDevice, enabled ? "totp-account-enabled" : "totp-account-disabled", row => row with { Enabled = enabled }, cut: !enabled, actor, cancellationToken);

    /// <summary>A new password; open sessions end, and what was remembered of the old one is void.</summary>
    public async Task<Outcome<TotpAccount>> SetPasswordAsync(string name, string password, Actor actor, CancellationToken cancellationToken = default)
        => WhyNotPassword(password) is { } why ? new Refusal(RefusalCode.BadInput, why)
            : await ChangeAsync(name, Act.ManageDevices, "totp-account-password", row => row with { PasswordHash = Bcrypt.Hash(Encoding.UTF8.GetBytes(password), _random) }, cut: true, actor, cancellationToken);

    public Task<Outcome<TotpAccount>> SetReconnectsAsync(string name, bool reconnects, Actor actor, CancellationToken cancellationToken = default)
        => ChangeAsync(name, Act.ManageDevices, "totp-account-reconnects", row => row with { Reconnects = reconnects }, cut: false, actor, cancellationToken);

    public Task<Outcome<TotpAccount>> RemoveAsync(string name, Actor actor, CancellationToken cancellationToken = default)
        => ChangeAsync(name, Act.ManageDevices, "totp-account-removed", _ => null, cut: true, actor, cancellationToken);

    private Task<Outcome<TotpAccount>> ChangeAsync(string name, Act act, string action, Func<TotpRow, TotpRow?> change, bool cut, Actor actor, CancellationToken cancellationToken) => _administration.ChangeAsync<TotpAccount>(async () =>
    {
        if (_ledger.Find(name) is not { } row) return new Refusal(RefusalCode.NotFound, $"there is no TOTP account '{name}'");
        var permit = await _trail.PermitAsync(actor, act, AuditTrail.Of(AuditTypes.Device, actor, name, action) with { Emergency = cut }, cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        var next = await Task.Run(() => change(row), cancellationToken);
        // The gate first, so that a cut session cannot come back; the disk after, so that a full one does not hinder the cut.
        if (next is null) _ledger.Remove(name);
        else _ledger.Put(next);
        if (cut) _sessions.Cut(s => s.Identity == TotpLogin.IdentityPrefix + name, $"{action} by {actor.Name}", purge: true);
        Changed?.Invoke(name);
        await _database.WriteAsync(c =>
        {
            if (next is null) TotpStore.Delete(c, name);
            else TotpStore.Put(c, next);
        }, cancellationToken);
        return (next ?? row with { Enabled = false }).ToAccount();
    }, cancellationToken);

    private async Task<Refusal?> OpenDoorsAsync()
    {
        try
        {
            foreach (var needed in Needed?.GetInvocationList().Cast<Func<Task>>() ?? []) await needed();
            return null;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A taken port: without its listener the account could not be used.
            return new(RefusalCode.Conflict, e.Message);
        }
    }

    private (TotpRow Row, byte[] Secret) Bear(NewTotpAccount account)
    {
        byte[] secret;
        if (account.Secret is { } text) Base32.TryDecode(text, out secret);
        else _random.GetBytes(secret = new byte[OneTimeCode.SecretBytes]);
        var hash = account.PasswordHash ?? Bcrypt.Hash(Encoding.UTF8.GetBytes(account.Password!), _random);
        return (new(account.Name, hash, _ledger.Seal(account.Name, secret), true, [.. account.Groups ?? [Principal.Metrics]], account.Reconnects, 0, _time.GetUtcNow(), null), secret);
    }

    private Refusal? IsTaken(string name) => _ledger.Find(name) is not null || _roster.Find(name) is not null
        ? new(RefusalCode.AlreadyExists, $"there is a device or TOTP account '{name}' already")
        : _database.Read(c => TakenNames.IsPerson(c, name)) ? new(RefusalCode.AlreadyExists, $"there is an account '{name}' already")
        : _ledger.Count >= ControlLimits.Devices ? new(RefusalCode.BadInput, $"there are {ControlLimits.Devices} TOTP accounts already") : null;

    private static string? WeaknessOf(byte[] secret) => secret.Length < OneTimeCode.RecommendedSecretBytes
        ? $"its one-time secret has only {secret.Length * 8} bits; RFC 4226 asks for 128: give it a new one" : null;

    private static string? WhyNot(NewTotpAccount account)
    {
        if (!IsName(account.Name)) return $"'{Shown(account.Name)}' is no account name: 1 to {ControlLimits.AccountNameCharacters} of the characters A-Z a-z 0-9 . _ @ -, beginning with a letter or digit";
        if (account is { Password: null, PasswordHash: null }) return $"{account.Name} has no password";
        if (account.PasswordHash is { } hash && PasswordHash.WhyNot(hash) is { } wrong) return $"the password of {account.Name} {wrong}";
        if (account is { PasswordHash: null, Password: { } password } && WhyNotPassword(password) is { } why) return why;
        if (account.Secret is { } secret && (!Base32.TryDecode(secret, out var bytes) || bytes.Length < OneTimeCode.ShortestSecretBytes))
            return $"the one-time secret of {account.Name} is not base32 of at least {OneTimeCode.ShortestSecretBytes * 8} bits";
        return account.Groups?.FirstOrDefault(g => g.Length is 0 or > AccessLimits.MaximumNameLength || g.Any(char.IsControl)) is { } group ? $"'{Shown(group)}' is no group name" : null;
    }

    private static string? WhyNotPassword(string password) => password.Length == 0 || password.Contains('\0') || Encoding.UTF8.GetByteCount(password) > Bcrypt.PasswordBytes
        ? $"a password has 1 to {Bcrypt.PasswordBytes} bytes (UTF-8) and no NUL" : null;

    // No "|" (it parts name and code), no "/ + # %" (they mean something in topics and other brokers' patterns), no ":" (it parts kind and name).
    private static bool IsName(string name) => name.Length is > 0 and <= ControlLimits.AccountNameCharacters && char.IsAsciiLetterOrDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '@' or '-');

    private static string Shown(string text) => new([.. text.Take(ControlLimits.AccountNameCharacters).Select(c => char.IsControl(c) ? '?' : c)]);
}
