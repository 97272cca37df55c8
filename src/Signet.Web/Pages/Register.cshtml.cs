using System.Net;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Access;
using Signet.Control;
using Signet.Web.Looks;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages;

/// <summary>Where an invitation or a reset link leads, and where everybody may make an account when registration is open.</summary>
[Public]
internal sealed class RegisterModel(CommandCenter center, WebOptions options, SignInDesk desk, LoginThrottle throttle, Trail trail, BreachedPasswords breaches, Phrases phrases) : PageModel
{
    [BindProperty(SupportsGet = true)]
    public string? Token { get; set; }

    [BindProperty]
    public string? Name { get; set; }

    [BindProperty]
    public string? Password { get; set; }

    public bool MayRegister { get; private set; }

    /// <summary>Name of the account that gets a new password; null: a new account.</summary>
    public string? Reset { get; private set; }

    /// <summary>What a new account will be. Never taken from the form.</summary>
    public Role Role { get; private set; } = Role.Viewer;

    public string Message { get; private set; } = "";

    public Task OnGetAsync(CancellationToken stop) => LookAsync(stop);

    public async Task<IActionResult> OnPostAsync(CancellationToken stop)
    {
        var link = await LookAsync(stop);
        var from = HttpContext.Connection.RemoteIpAddress;
        if (!MayRegister)
        {
            if (Token is not null) await BadLinkAsync(from);
            return Page();
        }
        var name = Reset ?? (Name ?? "").Trim();
        if (link is null && throttle.Wait(Tally(from), from, "register").Duration > TimeSpan.Zero) return Again(phrases["Too many accounts were made from your address. Try again later."]);
        if (Passwords.Fault(Password ?? "", name, breaches) is { } fault) return Again(phrases.Said(fault));
        if (link is { Account: null } or null && await center.Accounts.FindByNameAsync(name.ToUpperInvariant(), stop) is not null) return Again(phrases["This name is taken."]);
        var hash = await Task.Run(() => Passwords.Hash(Password!), stop);
        if (link is { Account: { } id })
        {
            if (!await center.Links.TryUseAsync(Token!, stop)) return Again(phrases["The link has just been used."]);
            var set = await center.Accounts.SetPasswordAsync(id, hash, "reset-link", new(name, Role, Actor.User, HttpContext.Address()), stop);
            // Not signed in by it: the second factor is still asked for.
            return set.Refusal is { } why ? Again(phrases.Said(why.Message)) : Redirect("/login");
        }
        if (link is null) throttle.Failed(Tally(from), from, "register");
        var made = await center.Accounts.RegisterAsync(name, hash, Role, link?.By, HttpContext.Address(), link?.Groups,
            link is null ? null : () => center.Links.TryUseAsync(Token!, stop), stop); // used up last: a name that is taken costs nobody the invitation
        if (!made.TryGet(out var account, out var refusal)) return Again(refusal.Code == RefusalCode.Conflict ? phrases["The link has just been used."] : phrases.Said(refusal.Message));
        var inside = await desk.AdmitAsync(HttpContext, account, link is null ? "registration" : "invitation");
        return inside.Account is null ? Again(inside.Message) : Redirect("/");
    }

    private static string Tally(IPAddress? from) => $"register from {from}";

    private async Task<PersonLink?> LookAsync(CancellationToken stop)
    {
        var link = await center.Links.FindAsync(Token, stop);
        MayRegister = link is not null || (Token is null && options.Registration == Registration.Open);
        Role = link?.Role ?? Role.Viewer;
        if (link is { Account: { } id }) Reset = (await center.Accounts.FindAsync(id, stop))?.Name;
        return link;
    }

    private async Task BadLinkAsync(IPAddress? from)
    {
        if (throttle.Wait("", from, "link").Duration > TimeSpan.Zero) return;
        throttle.Failed("", from, "link");
        await trail.SignInFailedAsync(HttpContext, "link", "bad-link");
    }

    private PageResult Again(string message)
    {
        (Message, Password) = (message, null);
        return Page();
    }
}
