using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages;

[SignedIn]
internal sealed class LogoutModel(SignInDesk desk) : PageModel
{
    public IActionResult OnGet() => Redirect("/");

    public async Task<IActionResult> OnPostAsync()
    {
        await desk.SignOutAsync(HttpContext);
        return Redirect("/login");
    }
}
