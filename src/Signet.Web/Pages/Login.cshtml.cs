using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages;

[Public]
internal sealed class LoginModel(SignInDesk desk, WebOptions options) : PageModel
{
    [BindProperty]
    public string? Name { get; set; }

    [BindProperty]
    public string? Password { get; set; }

    /// <summary>Where to go afterwards; only places of this console.</summary>
    [BindProperty(SupportsGet = true)]
    public string? Next { get; set; }

    public string Message { get; private set; } = "";

    /// <summary>Anybody may make an account.</summary>
    public bool IsOpen => options.Registration == Registration.Open;

    public IActionResult OnGet() => HttpContext.IsSignedIn() ? Onward() : Page();

    public async Task<IActionResult> OnPostAsync()
    {
        var outcome = await desk.SignInAsync(HttpContext, (Name ?? "").Trim(), Password ?? "");
        if (outcome.NeedsSecond) return Redirect("/login/second" + Microsoft.AspNetCore.Http.QueryString.Create("next", Next ?? "/"));
        if (outcome.Account is not null) return Onward();
        Message = outcome.Message;
        Password = null;
        return Page();
    }

    private IActionResult Onward() => Url.IsLocalUrl(Next) ? LocalRedirect(Next!) : Redirect("/");
}
