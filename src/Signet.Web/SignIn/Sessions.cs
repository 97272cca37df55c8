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
    private const string NewKeyParameter = "new-key";
    private readonly ConcurrentDictionary<string, Entry> entries = new(StringComparer.Ordinal);

    // Sessions are ended, and take new keys, one at a time: one that is on its way to a new key is not overlooked.
    private readonly Lock moving = new();

    public Task<string> StoreAsync(AuthenticationTicket ticket)
    {
        if (ticket.Properties.GetParameter<string>(NewKeyParameter) is { } moved)
        {
            ticket.Properties.Parameters.Remove(NewKeyParameter);
            return StoreUnderAsync(moved, ticket);
        }
        var key = NewKey();
        Trim();
        var now = time.GetUtcNow();
        // Who came through a provider showed themselves when it says, which may be long ago.
        var shown = long.TryParse(ticket.Principal.FindFirstValue(Who.ShownAt), System.Globalization.CultureInfo.InvariantCulture, out var milliseconds) && DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) is var then && then < now ? then : now;
        entries[key] = new(ticket, now, now, shown);
        return Task.FromResult(key);
    }

    /// <summary>Keeps a changed ticket under its key; a session that has ended stays ended, and its times stay as they are.</summary>
    public Task RenewAsync(string key, AuthenticationTicket ticket) => StoreUnderAsync(key, ticket);

    private Task<string> StoreUnderAsync(string key, AuthenticationTicket ticket)
    {
        while (entries.TryGetValue(key, out var entry) && !entries.TryUpdate(key, entry with { Ticket = ticket }, entry)) { }
        return Task.FromResult(key);
    }

    private string NewKey()
    {
        Span<byte> secret = stackalloc byte[32];
        random.GetBytes(secret);
        return Base64Url.EncodeToString(secret);
    }

    public Task<AuthenticationTicket?> RetrieveAsync(string key)
    {
        var now = time.GetUtcNow();
        while (entries.TryGetValue(key, out var entry))
        {
            if (now - entry.LastUse > WebLimits.SessionIdle || now - entry.Began > WebLimits.SessionLongest)
            {
                entries.TryRemove(key, out _);
                break;
            }
            // Never stored anew: it may have ended this very moment.
            if (entries.TryUpdate(key, entry with { LastUse = now }, entry)) return Task.FromResult<AuthenticationTicket?>(entry.Ticket);
        }
        return Task.FromResult<AuthenticationTicket?>(null);
    }

    public Task RemoveAsync(string key)
    {
        entries.TryRemove(key, out _);
        return Task.CompletedTask;
    }

    /// <summary>The account, when it is still there, enabled, and has the credentials and role the session began with.</summary>
    public async Task<Account?> GoodAsync(ClaimsPrincipal person, CancellationToken cancellationToken)
        => person.FindFirstValue(Who.Id) is { } id
           && await center.Accounts.FindAsync(id, cancellationToken) is { Enabled: true } account
           && account.SecurityStamp == person.FindFirstValue(Who.Stamp) ? account : null;

    /// <summary>How many sessions each person has open, by the account's id; who has none is not in it.</summary>
    public IReadOnlyDictionary<string, int> Count() => entries.Values.Where(IsOpen).GroupBy(entry => entry.Ticket.Principal.FindFirstValue(Who.Id) ?? "", StringComparer.Ordinal).ToDictionary(one => one.Key, one => one.Count(), StringComparer.Ordinal);

    /// <summary>The sessions of one person, newest first.</summary>
    public IReadOnlyList<OpenSession> Of(string account) => [.. entries.Values.Where(entry => IsOpen(entry) && entry.Ticket.Principal.FindFirstValue(Who.Id) == account)
        .OrderByDescending(entry => entry.Began).Select(entry => new OpenSession(Mark(entry), entry.Began, entry.LastUse, entry.Ticket.Principal.FindFirstValue(Who.From) ?? "", entry.Ticket.Principal.FindFirstValue(Who.Browser) ?? "", entry.Ticket.Principal.FindFirstValue(Who.With) ?? ""))];

    /// <summary>Ends one session of a person. False: they have none with this mark.</summary>
    public bool End(string account, string mark) => End(entry => entry.Ticket.Principal.FindFirstValue(Who.Id) == account && Mark(entry) == mark) > 0;

    /// <summary>Ends all sessions of a person but one; returns how many.</summary>
    public int EndOthers(string account, string mark) => End(entry => entry.Ticket.Principal.FindFirstValue(Who.Id) == account && Mark(entry) != mark);

    /// <summary>Ends the sessions that were signed in to with one of these certificates.</summary>
    public int EndOfCertificates(IReadOnlyCollection<string> serials)
        => End(entry => entry.Ticket.Principal.FindFirstValue(Who.Certificate) is { } serial && serials.Contains(serial, StringComparer.OrdinalIgnoreCase));

    /// <summary>The person has just shown again that it is them: their session goes on under a new key, and the one before opens nothing any more (ASVS 7.2.4). Its beginning and its mark stay.</summary>
    public async Task ConfirmAsync(Microsoft.AspNetCore.Http.HttpContext context)
    {
        if (Confirm(context.User) is not { } key) return;
        var properties = new AuthenticationProperties();
        properties.SetParameter(NewKeyParameter, key);
        await WriteCookieAsync(context, properties);
    }

    /// <summary>Takes the session to a new key, as confirmed now. Null: it has ended.</summary>
    public string? Confirm(ClaimsPrincipal person)
    {
        var (mark, now) = (person.FindFirstValue(Who.Session), time.GetUtcNow());
        lock (moving)
        {
            foreach (var (before, seen) in entries)
            {
                if (Mark(seen) != mark || !entries.TryRemove(before, out var entry)) continue;
                var key = NewKey();
                entries[key] = entry with { Confirmed = now };
                return key;
            }
        }

        return null;
    }

    /// <summary>Did the person show within <see cref="WebLimits.Confirmation"/> that it is them?</summary>
    public bool IsConfirmed(ClaimsPrincipal person)
        => entries.Values.Any(entry => Mark(entry) == person.FindFirstValue(Who.Session) && time.GetUtcNow() - entry.Confirmed < WebLimits.Confirmation);

    private static string Mark(Entry entry) => entry.Ticket.Principal.FindFirstValue(Who.Session)!;

    private bool IsOpen(Entry entry) => time.GetUtcNow() is var now && now - entry.LastUse <= WebLimits.SessionIdle && now - entry.Began <= WebLimits.SessionLongest;

    private int End(Func<Entry, bool> which)
    {
        var ended = 0;
        lock (moving)
        {
            foreach (var (key, entry) in entries)
                if (which(entry) && entries.TryRemove(key, out _)) ended++;
        }

        return ended;
    }

    /// <summary>True while this person has any session: a live feed asks, since it outlives many requests.</summary>
    public async Task<bool> IsAliveAsync(ClaimsPrincipal person, CancellationToken cancellationToken)
        => entries.Values.Any(entry => IsOpen(entry) && Mark(entry) == person.FindFirstValue(Who.Session)) && await GoodAsync(person, cancellationToken) is not null;

    /// <summary>Begins a session: a new key each time, so one fixed beforehand is worth nothing.</summary>
    /// <param name="with">What was shown: <c>password</c>, <c>password+totp</c> ...</param>
    /// <param name="certificate">Serial of the client certificate, where one was part of it.</param>
    /// <param name="more">Further claims, of a sign-in with the provider.</param>
    public async Task BeginAsync(Microsoft.AspNetCore.Http.HttpContext context, Account account, string with, string? certificate = null, IReadOnlyList<Claim>? more = null)
    {
        Span<byte> mark = stackalloc byte[16];
        random.GetBytes(mark);
        var identity = Who.Identity(account.As(context.Address()), Scheme,
            [new(Who.Id, account.Id), new(Who.Stamp, account.SecurityStamp), new(Who.Session, Convert.ToHexStringLower(mark)), new(Who.From, context.Address()), new(Who.With, with),
                new(Who.Browser, Browsers.Name(context.Request.Headers.UserAgent.ToString())), .. certificate is null ? (Claim[])[] : [new(Who.Certificate, certificate)], .. more ?? []]);
        // The session that the request came with ends.
        if (context.SessionMark() is { } present) End(entry => Mark(entry) == present);
        context.User = new(identity);
        await WriteCookieAsync(context, null);
    }

    // The request's own handler would go on with the key it came with. A handler of our own finds no session there and takes a new key.
    private static async Task WriteCookieAsync(Microsoft.AspNetCore.Http.HttpContext context, AuthenticationProperties? properties)
    {
        var services = context.RequestServices;
        var handler = ActivatorUtilities.CreateInstance<CookieAuthenticationHandler>(services);
        await handler.InitializeAsync((await services.GetRequiredService<IAuthenticationSchemeProvider>().GetSchemeAsync(Scheme))!, context);
        await handler.SignInAsync(context.User, properties);
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
            // A session that began with a certificate is good only where that certificate is shown: a stolen cookie is worth nothing without the key.
            if (context.Principal!.FindFirstValue(Who.Certificate) is { } serial && context.HttpContext.RequestServices.GetRequiredService<CertificatePeople>().SerialOf(context.HttpContext) != serial)
            {
                await context.HttpContext.RequestServices.GetRequiredService<Trail>().SessionEndedAsync(context.HttpContext, context.Principal!.Identity!.Name!, "certificate-missing");
                context.RejectPrincipal();
                return;
            }

            if (await sessions.GoodAsync(context.Principal!, context.HttpContext.RequestAborted) is { } account)
            {
                context.HttpContext.Items[typeof(Account)] = account;
                return;
            }
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

    private sealed record Entry(AuthenticationTicket Ticket, DateTimeOffset Began, DateTimeOffset LastUse, DateTimeOffset Confirmed);
}

/// <summary>A session, as its owner and administrators see it.</summary>
/// <param name="Mark">Names it; opens nothing.</param>
/// <param name="With">What was shown at its start.</param>
public sealed record OpenSession(string Mark, DateTimeOffset Began, DateTimeOffset LastUse, string From, string Browser, string With);
