using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.SignIn;

/// <summary>Who somebody is here whom a provider vouches for, and what follows: a session, a second step, a link, a confirmation, or a refusal that says what to do next.</summary>
internal sealed class ProviderDesk(CommandCenter center, SignInDesk desk, Sessions sessions, SecondStep second, ShortMemory memory, Trail trail, WebOptions options)
{
    private const string Cookie = "__Host-signet-provider";
    public const string DonePath = "/login/provider/done";

    /// <summary>The handler has verified everything; the browser takes one step on our own site before anything comes of it.</summary>
    public static async Task TakeAsync(TicketReceivedContext context)
    {
        context.HandleResponse();
        var (http, services) = (context.HttpContext, context.HttpContext.RequestServices);
        var memory = services.GetRequiredService<ShortMemory>();
        var key = memory.NewKey();
        memory.Put(key, (ProviderWord)http.Items[typeof(ProviderWord)]!, WebLimits.ProviderStep);
        http.Response.Cookies.Append(Cookie, key, Locked(WebLimits.ProviderStep));
        await Onward.ReturnAsync(http, DonePath);
    }

    public static Task FailedAsync(RemoteFailureContext context)
    {
        context.HandleResponse();
        return RefuseAsync(context.HttpContext, (context.Failure as ProviderRefusedException)?.Refusal ?? ProviderRefusal.NotDone);
    }

    /// <summary>On record, then to the page that says so.</summary>
    public static Task RefuseAsync(HttpContext context, ProviderRefusal refusal)
    {
        context.RequestServices.GetRequiredService<Trail>().ProviderRefused(context, "provider", refusal.Name());
        return Onward.ReturnAsync(context, DonePath + QueryString.Create("reason", refusal.Name()));
    }

    /// <summary>Sends a browser to the provider.</summary>
    public static Task LeaveAsync(HttpContext context, ProviderPurpose purpose, string? next)
        => context.ChallengeAsync(ProviderHandler.SchemeName, new ProviderVisit(purpose, next is { Length: <= 1024 } ? next : "/", context.Account()?.Id ?? "", context.SessionMark() ?? "").ToProperties());

    /// <summary>What this browser's visit came to. Takes it: it counts once.</summary>
    public async Task<ProviderOutcome> FinishAsync(HttpContext context)
    {
        var word = memory.Take<ProviderWord>(context.Request.Cookies[Cookie]);
        context.Response.Cookies.Delete(Cookie, Locked(null));
        if (word is null) return new(ProviderRefusal.TooLate, "");
        var outcome = word.Visit.Purpose switch
        {
            ProviderPurpose.Link => await LinkAsync(context, word),
            ProviderPurpose.Confirm => await ConfirmAsync(context, word),
            _ => await SignInAsync(context, word),
        };
        if (outcome.Why is { } refusal) trail.ProviderRefused(context, context.IsSignedIn() ? context.Actor().Name : word.Name ?? "provider", refusal.Name());
        return outcome;
    }

    private async Task<ProviderOutcome> SignInAsync(HttpContext context, ProviderWord word)
    {
        var (provider, stop) = (options.Provider!, context.RequestAborted);
        // 1 The role that the provider says, where it is asked.
        var role = word.Role ?? (provider.ViewerWithoutRole ? Role.Viewer : null);
        if (provider.RoleClaim is not null && role is null) return ProviderRefusal.NoRole;
        // 2 The account: by issuer and subject. What somebody is called, or their e-mail address, links nothing.
        var link = await center.ProviderLinks.FindAsync(word.Issuer, word.Subject, stop);
        // A link on any site leads through here: it puts nobody else's session in the place of the one that is open.
        if (context.IsSignedIn()) return link is not null && link.Account == context.Account()?.Id ? new ProviderOutcome(null, word.Visit.Next) : ProviderRefusal.OtherPerson;
        Account account;
        Role? raised = null;
        if (link is not null && await center.Accounts.FindAsync(link.Account, stop) is { } known)
        {
            if (!known.Enabled) return ProviderRefusal.Disabled;
            account = known;
            // A lower role acts at once; a higher one when the person is inside, after their second factor.
            if (provider.RoleClaim is not null && role > account.Role) raised = role;
            else if (provider.RoleClaim is not null && role < account.Role)
            {
                var lowered = await center.Accounts.SetRoleByProviderAsync(account.Id, role!.Value, word.Issuer, context.Address(), stop);
                if (lowered.TryGet(out var after, out var refusal)) account = after;
                // The last administrator stays one; that it was asked for is on record.
                else if (refusal.Code != RefusalCode.LastAdministrator) return Of(refusal);
            }
        }
        else
        {
            if (!provider.NewAccounts) return ProviderRefusal.NoAccount;
            if (word.Name is not { Length: > 0 } name) return ProviderRefusal.NoName;
            var made = await center.Accounts.RegisterFromProviderAsync(name, (provider.RoleClaim is null ? null : role) ?? Role.Viewer, word.Issuer, word.Subject, context.Address(), provider.Groups, stop);
            if (!made.TryGet(out var fresh, out var refusal)) return Of(refusal);
            account = fresh;
        }
        // 3 The second factor: the provider's where a setting says that it counts, else our own where there is one.
        var half = new ProviderHalf(word, raised);
        if (!word.HasFactor && account.HasSecondFactor)
        {
            second.Begin(context, account, "provider", provider: half);
            return new(null, "/login/second" + QueryString.Create("next", word.Visit.Next));
        }
        // 4 On record first, then inside.
        var inside = await desk.AdmitAsync(context, account, half, word.HasFactor ? "provider+factor" : "provider");
        return inside.Account is null ? ProviderRefusal.AuditUnavailable : new ProviderOutcome(null, word.Visit.Next);
    }

    private async Task<ProviderOutcome> LinkAsync(HttpContext context, ProviderWord word)
    {
        if (Present(context, word) is not { } account || !sessions.IsConfirmed(context.User)) return ProviderRefusal.NotSignedIn;
        var linked = await center.ProviderLinks.LinkAsync(account, word.Issuer, word.Subject, context.Actor(), context.RequestAborted);
        return linked.Refusal is { } refusal ? (refusal.Code == RefusalCode.AlreadyExists ? ProviderRefusal.LinkedElsewhere : Of(refusal)) : new ProviderOutcome(null, "/account");
    }

    private async Task<ProviderOutcome> ConfirmAsync(HttpContext context, ProviderWord word)
    {
        if (Present(context, word) is not { } account) return ProviderRefusal.NotSignedIn;
        if (await center.ProviderLinks.FindAsync(word.Issuer, word.Subject, context.RequestAborted) is not { } link || link.Account != account.Id) return ProviderRefusal.OtherPerson;
        await sessions.ConfirmAsync(context);
        return new(null, word.Visit.Next);
    }

    // The very session that left for the provider.
    private static Account? Present(HttpContext context, ProviderWord word)
        => context.Account() is { } account && account.Id == word.Visit.Account && context.SessionMark() == word.Visit.Session ? account : null;

    private static ProviderRefusal Of(Refusal refusal) => refusal.Code switch
    {
        RefusalCode.AlreadyExists => ProviderRefusal.NameTaken,
        RefusalCode.NotAllowed => ProviderRefusal.Disabled,
        RefusalCode.BadInput => ProviderRefusal.NoName,
        RefusalCode.AuditUnavailable => ProviderRefusal.AuditUnavailable,
        _ => ProviderRefusal.NotDone,
    };

    private static CookieOptions Locked(TimeSpan? age) => new() { Secure = true, HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/", MaxAge = age };
}

/// <summary>Where to go, or why not.</summary>
/// <param name="Next">As it came along; judged where it is used.</param>
internal readonly record struct ProviderOutcome(ProviderRefusal? Why, string Next)
{
    public static implicit operator ProviderOutcome(ProviderRefusal refusal) => new(refusal, "");
}
