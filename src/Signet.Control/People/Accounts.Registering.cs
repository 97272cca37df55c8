using Signet.Access;
using Signet.Audit;

namespace Signet.Control;

public sealed partial class Accounts
{
    /// <summary>Somebody makes their own account: with an invitation, or where registration is open. The role is the inviter's word, or viewer; the record names who vouched for it.</summary>
    /// <param name="invitedBy">Null: registration is open.</param>
    /// <param name="from">Address of the person.</param>
    /// <param name="groups">What the inviter limits them to; none: all devices.</param>
    /// <param name="use">Uses the invitation up, when everything else is right; false: somebody else was faster (<see cref="RefusalCode.Conflict"/>).</param>
    public Task<Outcome<Account>> RegisterAsync(string name, string passwordHash, Role role, string? invitedBy, string from, IReadOnlyList<string>? groups = null, Func<Task<bool>>? use = null, CancellationToken cancellationToken = default) => _administration.ChangeAsync<Account>(async () =>
    {
        if (WhyNot(name) is { } why) return new Refusal(RefusalCode.BadInput, why);
        if (invitedBy is null && role != Role.Viewer) throw new ArgumentException("without an invitation everybody is a viewer", nameof(role));
        if (await FindByNameAsync(name.ToUpperInvariant(), cancellationToken) is not null) return new Refusal(RefusalCode.AlreadyExists, $"there is an account '{name}' already");
        if (_database.Read(c => TakenNames.ForPerson(c, name)) is { } taken) return taken;
        if (use is not null && !await use()) return new Refusal(RefusalCode.Conflict, "the link has just been used");
        var account = Fresh(name, passwordHash, role, groups);
        var written = await _trail.TryAppendAsync(AuditTrail.Of(AuditTypes.User, new(name, role, Actor.User, from), name, "user-registered", details: new()
        {
            ["role"] = Words.Of(role), ["groups"] = string.Join(' ', account.Groups), ["invitedBy"] = invitedBy,
        }), cancellationToken);
        if (!written.TryGet(out _, out var refusal)) return refusal;
        await WriteAsync(c => AccountRow.Insert(c, account), cancellationToken);
        Changed?.Invoke(account);
        return account;
    }, cancellationToken);

    private Account Fresh(string name, string? passwordHash, Role role, IReadOnlyList<string>? groups = null) => new()
    {
        Id = Stamp(), Name = name, NormalizedName = name.ToUpperInvariant(), PasswordHash = passwordHash, Role = role, Groups = Scope.Sorted(groups ?? []),
        SecurityStamp = Stamp(), ConcurrencyStamp = Stamp(), Created = _time.GetUtcNow(), FactorDue = _time.GetUtcNow() + _grace,
    };
}
