using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Identity;
using Signet.Audit;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.SignIn;

/// <summary>What came of an attempt to sign in. The message tells a stranger nothing about which accounts exist.</summary>
public readonly record struct SignInOutcome(Account? Account, string Message);

/// <summary>Where people sign in and out.</summary>
internal sealed class SignInDesk(UserManager<Person> people, Sessions sessions, LoginThrottle throttle, KnownBrowser browsers, Trail trail, CommandCenter center, TimeProvider time)
{
    private const string Wrong = "Name or password is wrong.";
    private static readonly SemaphoreSlim Hashing = new(WebLimits.PasswordHashesAtOnce);

    public async Task<SignInOutcome> SignInAsync(HttpContext context, string name, string password)
    {
        var from = context.Connection.RemoteIpAddress;
        var mark = browsers.Mark(context, name);
        // 1 Slow down guessing, before anything costly is done.
        var wait = throttle.Wait(name, from, mark);
        if (wait.Duration > TimeSpan.Zero)
        {
            if (wait.First) await trail.SignInFailedAsync(context, name, "too-many-attempts");
            return new(null, $"Too many failed attempts. Try again in {Words(wait.Duration)}.");
        }
        // 2 The password. Unknown names cost as much time as known ones.
        var person = name.Length is > 0 and <= 128 ? await people.FindByNameAsync(name) : null;
        var right = await CheckAsync(person, password, context.RequestAborted);
        if (!right || person is not { Account.Enabled: true })
        {
            throttle.Failed(name, from, mark);
            await trail.SignInFailedAsync(context, name, right ? "disabled" : "bad-credentials");
            return new(null, Wrong);
        }
        // 3 On record first, then inside.
        throttle.Succeeded(name, mark);
        return await AdmitAsync(context, person.Account, "password");
    }

    /// <summary>Lets somebody in whose credentials were just checked or set.</summary>
    public async Task<SignInOutcome> AdmitAsync(HttpContext context, Account account, string with)
    {
        try
        {
            await trail.SignedInAsync(context, account, with);
        }
        catch (AuditUnavailableException e)
        {
            return new(null, $"Nobody can sign in while the audit log cannot be written: {e.Message}");
        }
        await sessions.BeginAsync(context, account);
        browsers.Remember(context, account.Name);
        // Only for people to read; a lost race over it matters to nobody.
        await center.Accounts.UpdateAsync(account with { LastSignIn = time.GetUtcNow() });
        return new(account, "");
    }

    public async Task SignOutAsync(HttpContext context)
    {
        await trail.SignedOutAsync(context, context.Actor().Name);
        await context.SignOutAsync(Sessions.Scheme);
    }

    private async Task<bool> CheckAsync(Person? person, string password, CancellationToken cancellationToken)
    {
        if (password.Length > WebLimits.PasswordLongest) return false;
        await Hashing.WaitAsync(cancellationToken);
        try
        {
            if (person?.Account.PasswordHash is not null) return await people.CheckPasswordAsync(person, password);
            await Task.Run(() => Passwords.Hasher.VerifyHashedPassword(null!, Passwords.NobodysHash.Value, password), cancellationToken);
            return false;
        }
        finally
        {
            Hashing.Release();
        }
    }

    private static string Words(TimeSpan wait)
        => wait.TotalSeconds < 90 ? $"{Math.Ceiling(wait.TotalSeconds):0} seconds" : $"{Math.Ceiling(wait.TotalMinutes):0} minutes";
}
