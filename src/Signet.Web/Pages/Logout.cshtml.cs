using System.Security.Claims;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Signet.Web.Security;
using Signet.Web.SignIn;

namespace Signet.Web.Pages;

[SignedIn]
internal sealed class LogoutModel(SignInDesk desk, WebOptions options) : PageModel
{
    public IActionResult OnGet() => Redirect("/");

    public async Task<IActionResult> OnPostAsync()
    {
        var withProvider = HttpContext.User.FindFirstValue(Who.With)?.StartsWith("provider", StringComparison.Ordinal) == true;
        await desk.SignOutAsync(HttpContext);
        if (!withProvider || options.Provider is not { SignOut: true } provider || await AtProviderAsync(provider) is not { } address) return Redirect("/login");
        await Onward.LeaveAsync(HttpContext, address, provider.Name);
        return new EmptyResult();
    }

    // RP-Initiated Logout 1.0. The client id names us; an id_token_hint would carry the person's data in an address.
    private async Task<string?> AtProviderAsync(ProviderOptions provider)
        => (await HttpContext.RequestServices.GetRequiredService<ProviderClient>().MetadataAsync(HttpContext.RequestAborted)).Metadata?.EndSession is { } end
            ? QueryHelpers.AddQueryString(end.AbsoluteUri, new Dictionary<string, string?> { ["client_id"] = provider.ClientId, ["post_logout_redirect_uri"] = $"https://{Request.Host}/login" })
            : null;
}
