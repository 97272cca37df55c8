using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages;

[Public]
internal sealed class LoginModel(SignInDesk desk, CertificatePeople certificates, WebOptions options) : PageModel
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

    /// <summary>Name of the provider people may sign in with; null: none.</summary>
    public string? Provider => options.Provider?.Name;

    /// <summary>Whom the browser's certificate names; null: nobody here.</summary>
    public string? CertificateOf { get; private set; }

    /// <summary>That certificate is enough.</summary>
    public bool IsEnough => options.CertificateSignIn == CertificateSignIn.Alone;

    public async Task<IActionResult> OnGetAsync() => HttpContext.IsSignedIn() ? Onward() : await ShowAsync();

    public async Task<IActionResult> OnPostCertificateAsync()
    {
        var outcome = await desk.SignInByCertificateAsync(HttpContext);
        if (outcome.Account is not null) return Onward();
        Message = outcome.Message;
        return await ShowAsync();
    }

    public async Task<IActionResult> OnPostAsync()
    {
        var outcome = await desk.SignInAsync(HttpContext, (Name ?? "").Trim(), Password ?? "");
        if (outcome.NeedsSecond) return Redirect("/login/second" + Microsoft.AspNetCore.Http.QueryString.Create("next", Next ?? "/"));
        if (outcome.Account is not null) return Onward();
        Message = outcome.Message;
        Password = null;
        return await ShowAsync();
    }

    private async Task<IActionResult> ShowAsync()
    {
        CertificateOf = (await certificates.FindAsync(HttpContext))?.Account.Name;
        return Page();
    }

    private IActionResult Onward() => Url.IsLocalUrl(Next) ? LocalRedirect(Next!) : Redirect("/");
}
