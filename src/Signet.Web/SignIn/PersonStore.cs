using Microsoft.AspNetCore.Identity;
using Signet.Control;

namespace Signet.Web.SignIn;

/// <summary>ASP.NET Core Identity over <see cref="Accounts"/>. Reading, and writing what belongs to a credential; people are added, promoted and removed through Control, where it is audited.</summary>
public sealed partial class PersonStore(CommandCenter center) : IUserPasswordStore<Person>, IUserSecurityStampStore<Person>, IUserPasskeyStore<Person>
{
    public async Task<Person?> FindByIdAsync(string userId, CancellationToken cancellationToken)
        => await center.Accounts.FindAsync(userId, cancellationToken) is { } account ? new(account) : null;

    public async Task<Person?> FindByNameAsync(string normalizedUserName, CancellationToken cancellationToken)
        => await center.Accounts.FindByNameAsync(normalizedUserName, cancellationToken) is { } account ? new(account) : null;

    public Task<string> GetUserIdAsync(Person user, CancellationToken cancellationToken) => Task.FromResult(user.Account.Id);
    public Task<string?> GetUserNameAsync(Person user, CancellationToken cancellationToken) => Task.FromResult<string?>(user.Account.Name);
    public Task<string?> GetNormalizedUserNameAsync(Person user, CancellationToken cancellationToken) => Task.FromResult<string?>(user.Account.NormalizedName);
    public Task<string?> GetPasswordHashAsync(Person user, CancellationToken cancellationToken) => Task.FromResult(user.Account.PasswordHash);
    public Task<bool> HasPasswordAsync(Person user, CancellationToken cancellationToken) => Task.FromResult(user.Account.PasswordHash is not null);
    public Task<string?> GetSecurityStampAsync(Person user, CancellationToken cancellationToken) => Task.FromResult<string?>(user.Account.SecurityStamp);

    public Task SetPasswordHashAsync(Person user, string? passwordHash, CancellationToken cancellationToken) => Set(user, user.Account with { PasswordHash = passwordHash });
    public Task SetSecurityStampAsync(Person user, string stamp, CancellationToken cancellationToken) => Set(user, user.Account with { SecurityStamp = stamp });

    // Names are chosen once, when the account is made.
    public Task SetUserNameAsync(Person user, string? userName, CancellationToken cancellationToken) => Task.CompletedTask;
    public Task SetNormalizedUserNameAsync(Person user, string? normalizedName, CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<IdentityResult> UpdateAsync(Person user, CancellationToken cancellationToken)
    {
        var updated = await center.Accounts.UpdateAsync(user.Account, cancellationToken);
        if (!updated.TryGet(out var account, out var refusal)) return Failed(refusal);
        user.Account = account;
        return IdentityResult.Success;
    }

    /// <summary>Identity makes no accounts here: who invites somebody, and with which role, has to be on record.</summary>
    public Task<IdentityResult> CreateAsync(Person user, CancellationToken cancellationToken)
        => throw new NotSupportedException("accounts are made with CommandCenter.Accounts.CreateAsync, which takes the actor");

    /// <inheritdoc cref="CreateAsync"/>
    public Task<IdentityResult> DeleteAsync(Person user, CancellationToken cancellationToken)
        => throw new NotSupportedException("accounts are removed with CommandCenter.Accounts.RemoveAsync, which takes the actor");

    public void Dispose() { }

    private static Task Set(Person user, Account account)
    {
        user.Account = account;
        return Task.CompletedTask;
    }

    private static IdentityResult Failed(Refusal refusal) => IdentityResult.Failed(new IdentityError { Code = refusal.Name, Description = refusal.Message });
}
