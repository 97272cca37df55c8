using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages;

/// <summary>Re-authentication before a dangerous act.</summary>
[SignedIn]
internal sealed class ConfirmModel(SignInDesk desk) : PageModel
{
    [BindProperty(SupportsGet = true)]
    public string? Next { get; set; }

    public string Message { get; private set; } = "";

    public IActionResult OnGet() => HttpContext.Account() is null ? Redirect("/") : Page();

    public async Task<IActionResult> OnPostAsync([FromForm] string? password)
    {
        if (HttpContext.Account() is not { } account) return Redirect("/");
        var outcome = await desk.ConfirmAsync(HttpContext, account, password ?? "");
        if (outcome.Account is not null) return Url.IsLocalUrl(Next) ? LocalRedirect(Next!) : Redirect("/");
        Message = outcome.Message;
        return Page();
    }
}
