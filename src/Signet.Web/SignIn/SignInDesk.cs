using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Identity;
using Signet.Audit;
using Signet.Control;
using Signet.Web.Looks;
using Signet.Web.Security;

namespace Signet.Web.SignIn;

/// <summary>What came of an attempt to sign in. The message tells a stranger nothing about which accounts exist.</summary>
/// <param name="NeedsSecond">The password was right; the second factor is still to come.</param>
public readonly record struct SignInOutcome(Account? Account, string Message, bool NeedsSecond = false);

/// <summary>Where people sign in and out.</summary>
internal sealed class SignInDesk(
    UserManager<Person> people, Sessions sessions, SecondStep second, LoginThrottle throttle, AttemptTurns attempts, KnownBrowser browsers, Trail trail, CommandCenter center, CertificatePeople certificates, WebOptions options, TimeProvider time, Phrases phrases)
{
    private static readonly SemaphoreSlim Hashing = new(WebLimits.PasswordHashesAtOnce);

    public async Task<SignInOutcome> SignInAsync(HttpContext context, string name, string password)
    {
        var from = context.Connection.RemoteIpAddress;
        var mark = browsers.Mark(context, name);
        // Letters that are written in two ways (U+212A for K) find the same account, and count together.
        var tally = name.Length is > 0 and <= 128 ? people.NormalizeName(name) : name;
        // 1 Slow down guessing, before anything costly is done. Attempts at one account come one after the other: each knows of the failures before it.
        using var turn = await attempts.TakeAsync(tally, mark, context.RequestAborted);
        if (await HeldBackAsync(context, tally, name, mark) is { } wait) return new(null, wait);
        // 2 The password. Unknown names cost as much time as known ones.
        var person = name.Length is > 0 and <= 128 ? await people.FindByNameAsync(name) : null;
        var right = await CheckAsync(person, password, context.RequestAborted);
        if (!right || person is not { Account.Enabled: true })
        {
            throttle.Failed(tally, from, mark);
            await trail.SignInFailedAsync(context, name, right ? "disabled" : "bad-credentials");
            return new(null, phrases["Name or password is wrong."]);
        }
        throttle.Succeeded(tally, mark);
        // 3 The second factor, where there is one. Nothing is open yet. A certificate of that very person is one.
        if (await certificates.FindAsync(context) is var (owner, serial) && owner.Id == person.Account.Id) return await AdmitAsync(context, person.Account, "password+certificate", serial);
        if (person.Account.HasSecondFactor)
        {
            second.Begin(context, person.Account, "password");
            return new(null, "", NeedsSecond: true);
        }
        // 4 On record first, then inside.
        return await AdmitAsync(context, person.Account, "password");
    }

    /// <summary>With the certificate of the connection and nothing else, where that is enough.</summary>
    public async Task<SignInOutcome> SignInByCertificateAsync(HttpContext context)
    {
        if (options.CertificateSignIn != CertificateSignIn.Alone) return new(null, phrases["A certificate alone is not enough here."]);
        if (await certificates.FindAsync(context) is var (account, serial)) return await AdmitAsync(context, account, "certificate", serial);
        await trail.SignInFailedAsync(context, "certificate", "certificate-of-nobody");
        return new(null, phrases["The certificate of this browser belongs to no account here."]);
    }

    /// <summary>A one-time code or a backup code of somebody whose password was right.</summary>
    public async Task<SignInOutcome> SecondAsync(HttpContext context, string code)
    {
        if (await HalfAsync(context) is not var (half, account)) return Late();
        var mark = browsers.Mark(context, half.Name);
        using var turn = await attempts.TakeAsync(CodeTally(half.Name), mark, context.RequestAborted);
        if (await HeldBackAsync(context, CodeTally(half.Name), half.Name, mark) is { } wait) return new(null, wait);
        code = code.Trim();
        var looksLikeTotp = code.Count(char.IsAsciiDigit) == OneTimeCode.Digits && code.All(c => char.IsAsciiDigit(c) || c is ' ' or '-');
        var verdict = looksLikeTotp ? await center.SecondFactors.UseTotpAsync(account, code, context.RequestAborted) : await center.SecondFactors.UseBackupCodeAsync(account, code, context.RequestAborted);
        if (verdict != CodeVerdict.Accepted)
        {
            throttle.Failed(CodeTally(half.Name), context.Connection.RemoteIpAddress, mark);
            await trail.SignInFailedAsync(context, half.Name, verdict == CodeVerdict.Used ? "totp-used" : "bad-code");
            return new(null, verdict == CodeVerdict.Used ? phrases["This code was used already. Wait for the next one."] : phrases["The code is not right."]);
        }
        throttle.Succeeded(CodeTally(half.Name), mark);
        return await FinishAsync(context, account, $"{half.With}+{(looksLikeTotp ? "totp" : "backup-code")}", half.Certificate);
    }

    /// <summary>A passkey was just checked for the half-made sign-in.</summary>
    public async Task<SignInOutcome> SecondByPasskeyAsync(HttpContext context, Account account)
        => await HalfAsync(context) is var (half, waiting) && waiting.Id == account.Id ? await FinishAsync(context, waiting, half.With + "+passkey", half.Certificate) : Late();

    /// <summary>A passkey that did not fit.</summary>
    public async Task<SignInOutcome> PasskeyFailedAsync(HttpContext context, string name)
    {
        throttle.Failed(CodeTally(name), context.Connection.RemoteIpAddress, browsers.Mark(context, name));
        await trail.SignInFailedAsync(context, name, "bad-passkey");
        return new(null, phrases["The passkey was not accepted."]);
    }

    /// <summary>The half-made sign-in of this browser, if it still holds.</summary>
    public async Task<(HalfSignIn Half, Account Account)?> HalfAsync(HttpContext context)
        => second.Find(context) is { } half && await center.Accounts.FindAsync(half.Account, context.RequestAborted) is { Enabled: true } account && account.SecurityStamp == half.Stamp
            ? (half, account) : null;

    /// <summary>Asks the password again of somebody who is signed in.</summary>
    public async Task<SignInOutcome> ConfirmAsync(HttpContext context, Account account, string password)
    {
        var mark = browsers.Mark(context, account.Name);
        using var turn = await attempts.TakeAsync(account.NormalizedName, mark, context.RequestAborted);
        if (await HeldBackAsync(context, account.NormalizedName, account.Name, mark) is { } wait) return new(null, wait);
        if (!await CheckAsync(new(account), password, context.RequestAborted))
        {
            throttle.Failed(account.NormalizedName, context.Connection.RemoteIpAddress, mark);
            await trail.SignInFailedAsync(context, account.Name, "bad-credentials");
            return new(null, phrases["The password is wrong."]);
        }
        throttle.Succeeded(account.NormalizedName, mark);
        await sessions.ConfirmAsync(context);
        return new(account, "");
    }

    /// <summary>Lets somebody in whose credentials were just checked or set.</summary>
    public async Task<SignInOutcome> AdmitAsync(HttpContext context, Account account, string with, string? certificate = null, IReadOnlyList<Claim>? more = null)
    {
        try
        {
            await trail.SignedInAsync(context, account, with);
        }
        catch (AuditUnavailableException e)
        {
            return new(null, phrases["Nobody can sign in while the audit log cannot be written: {0}", phrases.Said(e.Message)]);
        }
        await sessions.BeginAsync(context, account, with, certificate, more);
        browsers.Remember(context, account.Name);
        // Only for people to read; a lost race over it matters to nobody.
        await center.Accounts.UpdateAsync(account with { LastSignIn = time.GetUtcNow() });
        return new(account, "");
    }

    /// <summary>Lets somebody in whom a provider vouches for. A role that it raises acts from now on; acts that want a confirmation get one only if the person was asked there just now.</summary>
    public async Task<SignInOutcome> AdmitAsync(HttpContext context, Account account, ProviderHalf provider, string with)
    {
        var (word, stop) = (provider.Word, context.RequestAborted);
        if (provider.Raised is { } role && role > account.Role)
        {
            var raised = await center.Accounts.SetRoleByProviderAsync(account.Id, role, word.Issuer, context.Address(), stop);
            if (!raised.TryGet(out var higher, out var refusal)) return new(null, phrases.Said(refusal.Message));
            account = higher;
        }
        List<Claim> claims = [new(Who.Provider, word.Issuer), new(Who.ShownAt, (word.ShownAt ?? DateTimeOffset.UnixEpoch).ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture))];
        if (word.HasFactor) claims.Add(new(Who.Factor, "provider"));
        var inside = await AdmitAsync(context, account, with, more: claims);
        if (inside.Account is not null) await center.ProviderLinks.MarkUsedAsync(word.Issuer, word.Subject, stop);
        return inside;
    }

    public async Task SignOutAsync(HttpContext context)
    {
        await trail.SignedOutAsync(context, context.Actor().Name);
        // By its mark: another request may just have taken it to a new key.
        if (context.Account() is { } account && context.SessionMark() is { } mark) sessions.End(account.Id, mark);
        await context.SignOutAsync(Sessions.Scheme);
    }

    private async Task<SignInOutcome> FinishAsync(HttpContext context, Account account, string with, string? certificate)
        => second.Take(context) is not { } half ? Late() : half.Provider is { } provider ? await AdmitAsync(context, account, provider, with) : await AdmitAsync(context, account, with, certificate);

    private SignInOutcome Late() => new(null, phrases["That took too long. Sign in again."]);

    private static string CodeTally(string name) => "code of " + name;

    private async Task<string?> HeldBackAsync(HttpContext context, string tally, string name, string? mark)
    {
        var wait = throttle.Wait(tally, context.Connection.RemoteIpAddress, mark);
        if (wait.Duration == TimeSpan.Zero) return null;
        if (wait.First) await trail.SignInFailedAsync(context, name, "too-many-attempts");
        return wait.Duration.TotalSeconds < 90
            ? phrases["Too many failed attempts. Try again in {0} seconds.", (int)Math.Ceiling(wait.Duration.TotalSeconds)]
            : phrases["Too many failed attempts. Try again in {0} minutes.", (int)Math.Ceiling(wait.Duration.TotalMinutes)];
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
}
