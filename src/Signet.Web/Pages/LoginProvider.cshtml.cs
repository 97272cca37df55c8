using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages;

/// <summary>Leaves for the provider. A link and no form: a form may not lead to another site.</summary>
[Public]
internal sealed class LoginProviderModel(WebOptions options) : PageModel
{
    public async Task<IActionResult> OnGetAsync(string? next)
    {
        if (options.Provider is null) return NotFound();
        if (HttpContext.IsSignedIn()) return Url.IsLocalUrl(next) ? LocalRedirect(next) : Redirect("/");
        await ProviderDesk.LeaveAsync(HttpContext, ProviderPurpose.SignIn, next);
        return new EmptyResult();
    }
}
