using Signet.Access;
using Signet.Audit;

namespace Signet.Control;

public sealed partial class Accounts
{
    /// <summary>Makes the account of somebody whom an OpenID Connect provider vouches for, linked to that identity and without a password. The caller has asked its setting.</summary>
    /// <param name="from">Address of the person.</param>
    /// <param name="groups">What new people are limited to by setting; without effect on an administrator. None: all devices.</param>
    /// <returns><see cref="RefusalCode.AlreadyExists"/>: the name is taken, or the identity is linked. <see cref="RefusalCode.NotAllowed"/>: the account of this identity was removed (<see cref="ProviderLinks.AdmitAgainAsync"/>). Nobody is linked to an account because the names are alike.</returns>
    public Task<Outcome<Account>> RegisterFromProviderAsync(string name, Role role, string issuer, string subject, string from, IReadOnlyList<string>? groups = null, CancellationToken cancellationToken = default) => _administration.ChangeAsync<Account>(async () =>
    {
        if (WhyNot(name) is { } why) return new Refusal(RefusalCode.BadInput, why);
        if (!Enum.IsDefined(role)) return new Refusal(RefusalCode.BadInput, "a role is viewer, operator or admin");
        if (await FindByNameAsync(name.ToUpperInvariant(), cancellationToken) is not null) return new Refusal(RefusalCode.AlreadyExists, $"there is an account '{name}' already");
        if (_database.Read(c => TakenNames.ForPerson(c, name)) is { } taken) return taken;
        if (_database.Read(c => ProviderLinks.IsBarred(c, issuer, subject))) return new Refusal(RefusalCode.NotAllowed, "this identity's account was removed; an administrator lets it in again");
        if (_database.Read(c => ProviderLinks.Find(c, issuer, subject)) is not null) return new Refusal(RefusalCode.AlreadyExists, "this identity is linked to another account");
        var account = Fresh(name, null, role, groups);
        var person = new Actor(name, role, Actor.User, from);
        var written = await _trail.TryAppendAsync(AuditTrail.Of(AuditTypes.User, person, name, "user-registered", details: new() { ["role"] = Words.Of(role), ["groups"] = string.Join(' ', account.Groups), ["invitedBy"] = issuer }), cancellationToken);
        if (written.Refusal is null) written = await _trail.TryAppendAsync(ProviderLinks.Linked(person, name, issuer, subject), cancellationToken);
        if (!written.TryGet(out _, out var refusal)) return refusal;
        await WriteAsync(c =>
        {
            AccountRow.Insert(c, account);
            ProviderLinks.Insert(c, new(account.Id, issuer, subject, account.Created, null));
        }, cancellationToken);
        Changed?.Invoke(account);
        return account;
    }, cancellationToken);

    /// <summary>Gives an account the role that its provider has just said. Sessions that are open end. The last administrator stays one, and that is on record: <see cref="RefusalCode.LastAdministrator"/>.</summary>
    /// <param name="from">Address of the person.</param>
    public Task<Outcome<Account>> SetRoleByProviderAsync(string id, Role role, string issuer, string from, CancellationToken cancellationToken = default) => _administration.ChangeAsync<Account>(async () =>
    {
        if (await FindAsync(id, cancellationToken) is not { } before) return new Refusal(RefusalCode.NotFound, "there is no such account");
        if (before.Role == role) return before;
        var after = before with
        {
            Role = role, FactorDue = role > before.Role ? _time.GetUtcNow() + _grace : before.FactorDue, SecurityStamp = Stamp(), ConcurrencyStamp = Stamp(),
        };
        var last = IsAdministrator(before) && _database.Read(Administrators) == 1;
        var record = AuditTrail.Of(AuditTypes.User, new(before.Name, before.Role, Actor.User, from), before.Name, "user-role", details: new()
        {
            ["before"] = Rights(before), ["after"] = Rights(after), ["issuer"] = issuer,
        });
        var written = await _trail.TryAppendAsync(last ? record with { Outcome = "refused", Reason = "last-administrator" } : record, cancellationToken);
        if (last) return new Refusal(RefusalCode.LastAdministrator, $"{before.Name} is the last administrator; make somebody else one first");
        if (!written.TryGet(out _, out var refusal)) return refusal;
        await WriteAsync(c => AccountRow.UpdateRights(c, after), cancellationToken);
        Changed?.Invoke(after);
        return after;
    }, cancellationToken);

    /// <summary>Every session of the account ends.</summary>
    internal async Task<Account> EndSessionsAsync(Account before, CancellationToken cancellationToken)
    {
        var after = before with { SecurityStamp = Stamp(), ConcurrencyStamp = Stamp() };
        await WriteAsync(c => AccountRow.UpdateRights(c, after), cancellationToken);
        Changed?.Invoke(after);
        return after;
    }
}
