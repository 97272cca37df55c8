using Signet.Access;

namespace Signet.Control;

/// <summary>The people in signet.db. Web puts ASP.NET Core Identity on top; whatever changes what somebody may do is audited here, before it is done.</summary>
public sealed class Accounts
{
    internal Accounts() { }

    public Task<IReadOnlyList<Account>> ListAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    public Task<Account?> FindAsync(string id, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    public Task<Account?> FindByNameAsync(string normalizedName, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>Is there anybody who could sign in as administrator?</summary>
    public Task<bool> AnyAdministratorAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>Adds a person. <see cref="RefusalCode.AlreadyExists"/> when the name is taken.</summary>
    public Task<Outcome<Account>> CreateAsync(string name, string? passwordHash, Role role, Actor actor, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>Writes everything of the account but its role and whether it is enabled: password hash, stamps, lockout, last sign-in. Returns it with its new concurrency stamp. Not audited: the caller knows what it means.</summary>
    public Task<Outcome<Account>> UpdateAsync(Account account, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>Changes the role and the security stamp, so open sessions are asked anew. Never takes the last administrator away.</summary>
    public Task<Outcome<Account>> SetRoleAsync(string id, Role role, Actor actor, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    public Task<Outcome<Account>> SetEnabledAsync(string id, bool enabled, Actor actor, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    public Task<Outcome<Account>> RemoveAsync(string id, Actor actor, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");
}
