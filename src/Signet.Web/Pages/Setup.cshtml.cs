using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Access;
using Signet.Control;
using Signet.Web.Looks;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages;

/// <summary>Where the one-time link leads: the first administrator chooses a name and a password.</summary>
[Public]
internal sealed class SetupModel(CommandCenter center, SetupLink link, SignInDesk desk, LoginThrottle throttle, Trail trail, BreachedPasswords breaches, Phrases phrases) : PageModel
{
    [BindProperty(SupportsGet = true)]
    public string? Token { get; set; }

    [BindProperty]
    public string Name { get; set; } = "admin";

    [BindProperty]
    public string? Password { get; set; }

    public string Message { get; private set; } = "";
    public bool IsGood { get; private set; }

    public void OnGet() => IsGood = link.IsValid(Token);

    public async Task<IActionResult> OnPostAsync(CancellationToken stop)
    {
        IsGood = link.IsValid(Token);
        if (!IsGood)
        {
            var from = HttpContext.Connection.RemoteIpAddress;
            if (throttle.Wait("", from, "setup").Duration == TimeSpan.Zero)
            {
                throttle.Failed("", from, "setup");
                await trail.SignInFailedAsync(HttpContext, "setup", "bad-setup-link");
            }
            return Page();
        }
        if (Passwords.Fault(Password ?? "", Name, breaches) is { } fault) return Again(phrases.Said(fault));
        var hash = await Task.Run(() => Passwords.Hash(Password!), stop);
        if (!link.TryUse(Token)) return Again(phrases["The link has just been used."]);
        if (await center.Accounts.AnyAdministratorAsync(stop)) return Again(phrases["There is an administrator already: sign in, or ask them."]);
        var made = await center.Accounts.CreateAsync(Name.Trim(), hash, Role.Admin, Actor.Terminal, cancellationToken: stop);
        if (!made.TryGet(out var account, out var refusal))
        {
            IsGood = false;
            return Again(phrases["{0} Restart Signet for a new link.", phrases.Said(refusal.Message)]);
        }
        await desk.AdmitAsync(HttpContext, account, "setup-link");
        return Redirect("/");
    }

    private PageResult Again(string message)
    {
        (Message, Password) = (message, null);
        return Page();
    }
}
