using System.Data.Common;
using System.Security.Cryptography;
using Dapper;
using Signet.Access;
using Signet.Audit;

namespace Signet.Control;

/// <summary>The people in signet.db. Web puts ASP.NET Core Identity on top; whatever changes what somebody may do is audited here, before it is done.</summary>
public sealed partial class Accounts
{
    private readonly ControlDatabase _database;
    private readonly AuditTrail _trail;
    private readonly Administration _administration;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _random;
    private readonly TimeSpan _grace;

    /// <param name="grace">How long somebody whose role needs a second factor may do without one.</param>
    internal Accounts(ControlDatabase database, AuditTrail trail, Administration administration, TimeProvider time, RandomNumberGenerator random, TimeSpan grace)
        => (_database, _trail, _administration, _time, _random, _grace) = (database, trail, administration, time, random, grace);

    /// <summary>Somebody came, or their role, password or right to be here changed, or they were removed: sessions with an older security stamp end. Do not block.</summary>
    public event Action<Account>? Changed;

    public Task<IReadOnlyList<Account>> ListAsync(CancellationToken cancellationToken = default)
        => ReadAsync(AccountRow.All, cancellationToken);

    /// <summary>Everybody in short, by normalized name; the same list until an account or its second factors change.</summary>
    public Task<IReadOnlyList<PersonLine>> LinesAsync(CancellationToken cancellationToken = default)
        => Task.Run(() => _lines.Of(Volatile.Read(ref _edition), _ => _database.Read(PersonLine.All)), cancellationToken);

    private readonly Kept<long, IReadOnlyList<PersonLine>> _lines = new();
    private long _edition;

    /// <summary>Every change of what <see cref="LinesAsync"/> tells of goes through here: accounts and their second factors.</summary>
    internal async Task<T> WriteAsync<T>(Func<DbConnection, T> work, CancellationToken cancellationToken)
    {
        try
        {
            return await _database.WriteAsync(work, cancellationToken);
        }
        finally
        {
            Interlocked.Increment(ref _edition);
        }
    }

    /// <inheritdoc cref="WriteAsync{T}"/>
    internal Task WriteAsync(Action<DbConnection> work, CancellationToken cancellationToken) => WriteAsync(connection => { work(connection); return true; }, cancellationToken);

    public Task<Account?> FindAsync(string id, CancellationToken cancellationToken = default) => ReadAsync(c => Find(c, id), cancellationToken);

    /// <param name="normalizedName">Upper case, as <see cref="Account.NormalizedName"/>.</param>
    public Task<Account?> FindByNameAsync(string normalizedName, CancellationToken cancellationToken = default)
        => Task.Run(() => FindByName(normalizedName), cancellationToken);

    /// <param name="name">In any case.</param>
    internal Account? FindByName(string name) => _database.Read(c => c.QueryFirstOrDefault<AccountRow>(
        $"SELECT {AccountRow.Columns} FROM account WHERE normalized_name = @name", new { name = name.ToUpperInvariant() })?.ToAccount());

    /// <summary>Is there anybody who could sign in as administrator?</summary>
    public Task<bool> AnyAdministratorAsync(CancellationToken cancellationToken = default) => ReadAsync(c => Administrators(c) > 0, cancellationToken);

    /// <summary>Adds a person, limited to some groups of devices or (none) to none. <see cref="RefusalCode.AlreadyExists"/> when the name is taken.</summary>
    public Task<Outcome<Account>> CreateAsync(string name, string? passwordHash, Role role, Actor actor, IReadOnlyList<string>? groups = null, CancellationToken cancellationToken = default) => _administration.ChangeAsync<Account>(async () =>
    {
        if (WhyNot(name) is { } why) return new Refusal(RefusalCode.BadInput, why);
        if (!Enum.IsDefined(role)) return new Refusal(RefusalCode.BadInput, "a role is viewer, operator or admin");
        if (Scope.WhyNot(groups ?? []) is { } wrong) return new Refusal(RefusalCode.BadInput, wrong);
        if (role == Role.Admin && groups is { Count: > 0 }) return new Refusal(RefusalCode.BadInput, "an administrator is not limited to groups; lower the role first");
        var account = Fresh(name, passwordHash, role, groups);
        if (await FindByNameAsync(account.NormalizedName, cancellationToken) is not null) return new Refusal(RefusalCode.AlreadyExists, $"there is an account '{name}' already");
        if (_database.Read(c => TakenNames.ForPerson(c, name)) is { } taken) return taken;
        var permit = await _trail.PermitAsync(actor, Act.ManageUsers, AuditTrail.Of(AuditTypes.User, actor, name, "user-added", details: Given(account)), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        await WriteAsync(c => AccountRow.Insert(c, account), cancellationToken);
        Changed?.Invoke(account);
        return account;
    }, cancellationToken);

    /// <summary>Writes password hash, stamps, lockout and last sign-in; never role, name or whether it is enabled. Returns it with its new concurrency stamp. Not audited: the caller knows what it means.</summary>
    public Task<Outcome<Account>> UpdateAsync(Account account, CancellationToken cancellationToken = default) => _administration.ChangeAsync<Account>(async () =>
    {
        var next = account with { ConcurrencyStamp = Stamp() };
        var written = await WriteAsync(c => AccountRow.Update(c, next, account.ConcurrencyStamp), cancellationToken);
        if (!written) return new Refusal(RefusalCode.Conflict, $"{account.Name} was changed by somebody else meanwhile");
        return next;
    }, cancellationToken);

    /// <summary>Changes the role and the security stamp, so open sessions are asked anew. Never takes the last administrator away.</summary>
    /// <param name="expected">Asked about the account as it is when the change's turn comes; a refusal is answered, and nothing is done.</param>
    public Task<Outcome<Account>> SetRoleAsync(string id, Role role, Actor actor, Func<Account, Refusal?>? expected = null, CancellationToken cancellationToken = default)
        => ChangeRightsAsync(id, actor, "user-role", expected, account => account with { Role = role, FactorDue = role > account.Role ? _time.GetUtcNow() + _grace : account.FactorDue }, cancellationToken);

    /// <summary>A password of one's own choosing. The security stamp changes: every session ends, also the one that asked.</summary>
    /// <param name="how">For the record: <c>changed</c>, <c>reset-link</c>.</param>
    public Task<Outcome<Account>> SetPasswordAsync(string id, string passwordHash, string how, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<Account>(async () =>
    {
        if (await FindAsync(id, cancellationToken) is not { } before) return new Refusal(RefusalCode.NotFound, "there is no such account");
        var written = await _trail.TryAppendAsync(AuditTrail.Of(AuditTypes.User, actor, before.Name, "password-changed", details: new() { ["how"] = how }) with { Emergency = before.Role == Role.Admin }, cancellationToken);
        if (!written.TryGet(out _, out var refusal)) return refusal;
        return await WritePasswordAsync(before, passwordHash, cancellationToken);
    }, cancellationToken);

    /// <summary>Takes the password away: the old one opens nothing any more and every session ends. What follows is a link (<see cref="PersonLinks.ResetAsync"/>).</summary>
    internal async Task<Outcome<Account>> WritePasswordAsync(Account before, string? passwordHash, CancellationToken cancellationToken)
    {
        var after = before with { PasswordHash = passwordHash, SecurityStamp = Stamp(), ConcurrencyStamp = Stamp() };
        if (!await WriteAsync(c => AccountRow.Update(c, after, before.ConcurrencyStamp), cancellationToken)) return new Refusal(RefusalCode.Conflict, $"{before.Name} was changed by somebody else meanwhile");
        Changed?.Invoke(after);
        return after;
    }

    /// <summary>Limits an operator to some groups of devices; empty: all devices again. Open sessions are asked anew.</summary>
    /// <inheritdoc cref="SetRoleAsync" path="/param"/>
    public Task<Outcome<Account>> SetScopeAsync(string id, IReadOnlyList<string> groups, Actor actor, Func<Account, Refusal?>? expected = null, CancellationToken cancellationToken = default)
        => Scope.WhyNot(groups) is { } why ? Task.FromResult<Outcome<Account>>(new Refusal(RefusalCode.BadInput, why))
            : ChangeRightsAsync(id, actor, "user-scope", expected, account => account with { Groups = Scope.Sorted(groups) }, cancellationToken);

    /// <inheritdoc cref="SetRoleAsync" path="/param"/>
    public Task<Outcome<Account>> SetEnabledAsync(string id, bool enabled, Actor actor, Func<Account, Refusal?>? expected = null, CancellationToken cancellationToken = default)
        => ChangeRightsAsync(id, actor, enabled ? "user-enabled" : "user-disabled", expected, account => account with { Enabled = enabled }, cancellationToken);

    /// <inheritdoc cref="SetRoleAsync" path="/param"/>
    public Task<Outcome<Account>> RemoveAsync(string id, Actor actor, Func<Account, Refusal?>? expected = null, CancellationToken cancellationToken = default)
        => ChangeRightsAsync(id, actor, "user-removed", expected, _ => null, cancellationToken);

    private Task<Outcome<Account>> ChangeRightsAsync(string id, Actor actor, string action, Func<Account, Refusal?>? expected, Func<Account, Account?> change, CancellationToken cancellationToken) => _administration.ChangeAsync<Account>(async () =>
    {
        if (await FindAsync(id, cancellationToken) is not { } before) return new Refusal(RefusalCode.NotFound, "there is no such account");
        if (expected?.Invoke(before) is { } late) return late;
        var after = change(before);
        if (after is not null && !Enum.IsDefined(after.Role)) return new Refusal(RefusalCode.BadInput, "a role is viewer, operator or admin");
        if (action == "user-scope" && after is { Role: Role.Admin, Groups.Count: > 0 }) return new Refusal(RefusalCode.BadInput, "an administrator is not limited to groups; lower the role first");
        if (IsAdministrator(before) && (after is null || !IsAdministrator(after)) && _database.Read(Administrators) == 1)
            return new Refusal(RefusalCode.LastAdministrator, $"{before.Name} is the last administrator; make somebody else one first");
        var permit = await _trail.PermitAsync(actor, Act.ManageUsers, AuditTrail.Of(AuditTypes.User, actor, before.Name, action, details: new()
        {
            ["before"] = Rights(before), ["after"] = Rights(after),
        }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        var result = (after ?? before with { Enabled = false }) with { SecurityStamp = Stamp(), ConcurrencyStamp = Stamp() };
        await WriteAsync(c =>
        {
            if (after is null)
            {
                c.Execute("DELETE FROM account WHERE id = @id", new { id });
                SecondFactors.Forget(c, id);
                c.Execute("DELETE FROM person_link WHERE account = @id", new { id });
                ProviderLinks.Bar(c, before, _time.GetUtcNow());
                ProviderLinks.Forget(c, id);
            }
            else
            {
                AccountRow.UpdateRights(c, result);
            }
        }, cancellationToken);
        Changed?.Invoke(result);
        return result;
    }, cancellationToken);

    private Task<T> ReadAsync<T>(Func<DbConnection, T> read, CancellationToken cancellationToken) => Task.Run(() => _database.Read(read), cancellationToken);

    private static Account? Find(DbConnection connection, string id)
        => connection.QueryFirstOrDefault<AccountRow>($"SELECT {AccountRow.Columns} FROM account WHERE id = @id", new { id })?.ToAccount();

    private static int Administrators(DbConnection connection)
        => connection.ExecuteScalar<int>("SELECT count(*) FROM account WHERE role = @role AND enabled = 1", new { role = (long)Role.Admin });

    /// <summary>The name of the only administrator; null when there are several, or none.</summary>
    internal static string? OnlyAdministrator(DbConnection connection)
        => connection.Query<string>("SELECT name FROM account WHERE role = @role AND enabled = 1 LIMIT 2", new { role = (long)Role.Admin }).ToList() is [var only] ? only : null;

    private static bool IsAdministrator(Account account) => account is { Role: Role.Admin, Enabled: true };

    private static string Rights(Account? account) => account is null ? "none" : $"{Words.Of(account.Role)}{(account.Limits.Count == 0 ? "" : $" for {string.Join(", ", account.Limits)}")}{(account.Enabled ? "" : ", disabled")}";

    private static System.Text.Json.Nodes.JsonObject Given(Account account) => new() { ["role"] = Words.Of(account.Role), ["groups"] = string.Join(' ', account.Groups) };

    // The name travels as `by` in signed commands, so it follows the message format's rule.
    private static string? WhyNot(string name)
        => name.Length is 0 or > ControlLimits.NameCharacters || name.Trim() != name || name.Any(c => char.IsControl(c) || char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.Format)
            ? $"a name has 1 to {ControlLimits.NameCharacters} printable characters and does not begin or end with a space" : null;

    /// <summary>128 random bits, hexadecimal.</summary>
    private string Stamp()
    {
        Span<byte> bytes = stackalloc byte[16];
        _random.GetBytes(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
