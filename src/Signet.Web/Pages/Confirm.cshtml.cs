using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Control;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages;

/// <summary>Re-authentication before a dangerous act.</summary>
[SignedIn]
internal sealed class ConfirmModel(SignInDesk desk, CommandCenter center, WebOptions options) : PageModel
{
    [BindProperty(SupportsGet = true)]
    public string? Next { get; set; }

    public string Message { get; private set; } = "";

    /// <summary>Name of the provider that can be asked instead of the password; null: none.</summary>
    public string? Provider { get; private set; }

    public bool HasPassword { get; private set; } = true;

    public async Task<IActionResult> OnGetAsync() => HttpContext.Account() is { } account ? await ShowAsync(account) : Redirect("/");

    public async Task<IActionResult> OnPostProviderAsync()
    {
        if (HttpContext.Account() is null || options.Provider is null) return Redirect("/");
        await ProviderDesk.LeaveAsync(HttpContext, ProviderPurpose.Confirm, Next);
        return new EmptyResult();
    }

    public async Task<IActionResult> OnPostAsync([FromForm] string? password)
    {
        if (HttpContext.Account() is not { } account) return Redirect("/");
        var outcome = await desk.ConfirmAsync(HttpContext, account, password ?? "");
        if (outcome.Account is not null) return Url.IsLocalUrl(Next) ? LocalRedirect(Next!) : Redirect("/");
        Message = outcome.Message;
        return await ShowAsync(account);
    }

    private async Task<IActionResult> ShowAsync(Account account)
    {
        var linked = options.Provider is { } provider && (await center.ProviderLinks.OfAsync(account.Id, HttpContext.RequestAborted)).Any(link => link.Issuer == provider.Issuer);
        Provider = linked ? options.Provider!.Name : null;
        // A form that cannot succeed helps nobody; with no other way it stays, and an administrator's link brings a password.
        HasPassword = account.PasswordHash is not null || !linked;
        return Page();
    }
}
