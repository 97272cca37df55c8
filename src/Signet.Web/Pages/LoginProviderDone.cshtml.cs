using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages;

/// <summary>The step on our own site after the provider's answer: in, or why not and what to do next.</summary>
[Public]
internal sealed class LoginProviderDoneModel(ProviderDesk desk, WebOptions options) : PageModel
{
    public string Provider => options.Provider!.Name;
    public ProviderRefusal Why { get; private set; }

    public async Task<IActionResult> OnGetAsync(string? reason)
    {
        if (options.Provider is null) return NotFound();
        if (ProviderRefusals.Find(reason) is { } told)
        {
            Why = told;
            return Page();
        }
        var outcome = await desk.FinishAsync(HttpContext);
        if (outcome.Why is not { } why) return Url.IsLocalUrl(outcome.Next) ? LocalRedirect(outcome.Next) : Redirect("/");
        Why = why;
        return Page();
    }
}
