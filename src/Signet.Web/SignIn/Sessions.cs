using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.Extensions.DependencyInjection;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.SignIn;

/// <summary>The sessions of people. The cookie holds only a random key; everything else stays here, so signing out, disabling somebody or changing a role ends a
/// session at once and a stolen copy of an old cookie opens nothing. A restart ends them all.</summary>
internal sealed class Sessions(CommandCenter center, TimeProvider time, RandomNumberGenerator random) : ITicketStore
{
    public const string Scheme = "session", Cookie = "__Host-signet";
    private readonly ConcurrentDictionary<string, Entry> entries = new(StringComparer.Ordinal);

    public Task<string> StoreAsync(AuthenticationTicket ticket)
    {
        Span<byte> secret = stackalloc byte[32];
        random.GetBytes(secret);
        var key = Base64Url.EncodeToString(secret);
        Trim();
        entries[key] = new(ticket, time.GetUtcNow(), time.GetUtcNow());
        return Task.FromResult(key);
    }

    public Task RenewAsync(string key, AuthenticationTicket ticket) => Task.CompletedTask;

    public Task<AuthenticationTicket?> RetrieveAsync(string key)
    {
        var now = time.GetUtcNow();
        if (!entries.TryGetValue(key, out var entry)) return Task.FromResult<AuthenticationTicket?>(null);
        if (now - entry.LastUse > WebLimits.SessionIdle || now - entry.Began > WebLimits.SessionLongest)
        {
            entries.TryRemove(key, out _);
            return Task.FromResult<AuthenticationTicket?>(null);
        }
        entries[key] = entry with { LastUse = now };
        return Task.FromResult<AuthenticationTicket?>(entry.Ticket);
    }

    public Task RemoveAsync(string key)
    {
        entries.TryRemove(key, out _);
        return Task.CompletedTask;
    }

    /// <summary>The account is still there, enabled, and has the credentials and role the session began with.</summary>
    public async Task<bool> IsGoodAsync(ClaimsPrincipal person, CancellationToken cancellationToken)
        => person.FindFirstValue(Who.Id) is { } id
           && await center.Accounts.FindAsync(id, cancellationToken) is { Enabled: true } account
           && account.SecurityStamp == person.FindFirstValue(Who.Stamp);

    /// <summary>True while this person has any session: a live feed asks, since it outlives many requests.</summary>
    public async Task<bool> IsAliveAsync(ClaimsPrincipal person, CancellationToken cancellationToken)
        => entries.Values.Any(entry => entry.Ticket.Principal.FindFirstValue(Who.Session) == person.FindFirstValue(Who.Session)) && await IsGoodAsync(person, cancellationToken);

    /// <summary>Begins a session: a new key each time, so one fixed beforehand is worth nothing.</summary>
    public Task BeginAsync(Microsoft.AspNetCore.Http.HttpContext context, Account account)
    {
        Span<byte> mark = stackalloc byte[16];
        random.GetBytes(mark);
        var identity = Who.Identity(new(account.Name, account.Role, Actor.User, context.Address()), Scheme,
            new(Who.Id, account.Id), new(Who.Stamp, account.SecurityStamp), new(Who.Session, Convert.ToHexStringLower(mark)));
        return context.SignInAsync(Scheme, new(identity));
    }

    public static void Configure(CookieAuthenticationOptions cookie)
    {
        cookie.Cookie.Name = Cookie;
        cookie.Cookie.Path = "/";
        cookie.Cookie.HttpOnly = true;
        cookie.Cookie.SecurePolicy = Microsoft.AspNetCore.Http.CookieSecurePolicy.Always;
        cookie.Cookie.SameSite = Microsoft.AspNetCore.Http.SameSiteMode.Strict;
        cookie.ExpireTimeSpan = WebLimits.SessionLongest;
        cookie.SlidingExpiration = false; // idle time is counted here, not in the cookie
        cookie.Events.OnValidatePrincipal = async context =>
        {
            var sessions = context.HttpContext.RequestServices.GetRequiredService<Sessions>();
            if (await sessions.IsGoodAsync(context.Principal!, context.HttpContext.RequestAborted)) return;
            await context.HttpContext.RequestServices.GetRequiredService<Trail>().SessionEndedAsync(context.HttpContext, context.Principal!.Identity!.Name!, "account-changed");
            context.RejectPrincipal();
            await context.HttpContext.SignOutAsync(Scheme);
        };
    }

    private void Trim()
    {
        if (entries.Count < WebLimits.Sessions) return;
        foreach (var (key, _) in entries.OrderBy(pair => pair.Value.LastUse).Take(entries.Count / 10)) entries.TryRemove(key, out _);
    }

    private sealed record Entry(AuthenticationTicket Ticket, DateTimeOffset Began, DateTimeOffset LastUse);
}
