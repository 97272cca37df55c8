using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Web.Hosting;
using Signet.Web.Looks;
using Signet.Web.Security;

namespace Signet.Web.Pages;

/// <summary>The reader's choice of language.</summary>
[Public]
public sealed class LanguageModel : PageModel
{
    public IActionResult OnGet() => Redirect("/");

    public IActionResult OnPost([FromForm] string? language, [FromForm] string? next)
    {
        if (Phrases.Languages.Any(known => known.Code == language)) Languages.Choose(HttpContext, language!);
        return Url.IsLocalUrl(next) ? LocalRedirect(next!) : Redirect("/");
    }
}
