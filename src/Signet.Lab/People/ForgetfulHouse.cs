using Microsoft.AspNetCore.Identity;
using Signet.Web.SignIn;

namespace Signet.Lab;

/// <summary>A database of the house that gives used codes back: as if nobody had thought of remembering them. Undone when it is disposed.</summary>
internal sealed class ForgetfulDatabase : IDisposable
{
    private readonly string _path;

    public ForgetfulDatabase(string path)
    {
        _path = path;
        AsItIs.Execute(path, "CREATE TRIGGER lab_step AFTER UPDATE OF totp_step ON account WHEN NEW.totp_step IS NOT NULL BEGIN UPDATE account SET totp_step = NULL WHERE id = NEW.id; END");
        AsItIs.Execute(path, "CREATE TRIGGER lab_code AFTER DELETE ON backup_code BEGIN INSERT INTO backup_code (account, hash) VALUES (OLD.account, OLD.hash); END");
    }

    public void Dispose()
    {
        AsItIs.Execute(_path, "DROP TRIGGER lab_step");
        AsItIs.Execute(_path, "DROP TRIGGER lab_code");
    }
}

/// <summary>Accounts as the house has them, but nobody has a second factor.</summary>
internal sealed class OneFactorStore(PersonStore inner) : IUserPasswordStore<Person>, IUserSecurityStampStore<Person>
{
    public async Task<Person?> FindByIdAsync(string userId, CancellationToken cancellationToken) => Without(await inner.FindByIdAsync(userId, cancellationToken));
    public async Task<Person?> FindByNameAsync(string normalizedUserName, CancellationToken cancellationToken) => Without(await inner.FindByNameAsync(normalizedUserName, cancellationToken));

    public Task<string> GetUserIdAsync(Person user, CancellationToken cancellationToken) => inner.GetUserIdAsync(user, cancellationToken);
    public Task<string?> GetUserNameAsync(Person user, CancellationToken cancellationToken) => inner.GetUserNameAsync(user, cancellationToken);
    public Task<string?> GetNormalizedUserNameAsync(Person user, CancellationToken cancellationToken) => inner.GetNormalizedUserNameAsync(user, cancellationToken);
    public Task<string?> GetPasswordHashAsync(Person user, CancellationToken cancellationToken) => inner.GetPasswordHashAsync(user, cancellationToken);
    public Task<bool> HasPasswordAsync(Person user, CancellationToken cancellationToken) => inner.HasPasswordAsync(user, cancellationToken);
    public Task<string?> GetSecurityStampAsync(Person user, CancellationToken cancellationToken) => inner.GetSecurityStampAsync(user, cancellationToken);
    public Task SetPasswordHashAsync(Person user, string? passwordHash, CancellationToken cancellationToken) => Task.CompletedTask;
    public Task SetSecurityStampAsync(Person user, string stamp, CancellationToken cancellationToken) => Task.CompletedTask;
    public Task SetUserNameAsync(Person user, string? userName, CancellationToken cancellationToken) => Task.CompletedTask;
    public Task SetNormalizedUserNameAsync(Person user, string? normalizedName, CancellationToken cancellationToken) => Task.CompletedTask;
    public Task<IdentityResult> CreateAsync(Person user, CancellationToken cancellationToken) => inner.CreateAsync(user, cancellationToken);
    public Task<IdentityResult> UpdateAsync(Person user, CancellationToken cancellationToken) => Task.FromResult(IdentityResult.Success);
    public Task<IdentityResult> DeleteAsync(Person user, CancellationToken cancellationToken) => inner.DeleteAsync(user, cancellationToken);
    public void Dispose() => inner.Dispose();

    private static Person? Without(Person? person) => person is null ? null : new(person.Account with { TotpSince = null, Passkeys = 0 });
}
