using Microsoft.AspNetCore.Http;
using Signet.Control;

namespace Signet.Web.SignIn;

/// <summary>Somebody whose password was right and whose second factor is still to come.</summary>
/// <param name="Stamp">The account's security stamp by then: whatever changes it voids this.</param>
/// <param name="Provider">Of a sign-in with the provider.</param>
internal sealed record HalfSignIn(string Account, string Name, string Stamp, string With, string? Certificate, ProviderHalf? Provider = null)
{
    /// <summary>Of the passkey question on the page that is open.</summary>
    public string? PasskeyState { get; set; }
}

/// <summary>Keeps the half-made sign-in of a browser under a random key in a cookie that lives five minutes.</summary>
internal sealed class SecondStep(ShortMemory memory)
{
    private const string Cookie = "__Host-signet-step";

    public void Begin(HttpContext context, Account account, string with, string? certificate = null, ProviderHalf? provider = null)
    {
        var key = memory.NewKey();
        memory.Put(key, new HalfSignIn(account.Id, account.Name, account.SecurityStamp, with, certificate, provider), WebLimits.SecondStep);
        context.Response.Cookies.Append(Cookie, key, new() { Secure = true, HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/", MaxAge = WebLimits.SecondStep });
    }

    public HalfSignIn? Find(HttpContext context) => memory.Find<HalfSignIn>(context.Request.Cookies[Cookie]);

    /// <summary>Ends it: of two requests that finish it at once, one gets it.</summary>
    public HalfSignIn? Take(HttpContext context)
    {
        context.Response.Cookies.Delete(Cookie, new() { Secure = true, HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/" });
        return memory.Take<HalfSignIn>(context.Request.Cookies[Cookie]);
    }
}
