using System.Buffers.Text;
using System.Security.Cryptography;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;

namespace Signet.Web.SignIn;

/// <summary>A mark in browsers that have signed in to an account, so that failures elsewhere cannot slow its owner down. It opens nothing.</summary>
internal sealed class KnownBrowser(IDataProtectionProvider protection, RandomNumberGenerator random)
{
    private const string Cookie = "__Host-signet-known";
    private readonly ITimeLimitedDataProtector protector = protection.CreateProtector("known-browser").ToTimeLimitedDataProtector();

    /// <summary>The mark of this browser for this account; null for a stranger.</summary>
    public string? Mark(HttpContext context, string account)
    {
        if (context.Request.Cookies[Cookie] is not { Length: < 1024 } cookie) return null;
        try
        {
            var parts = protector.Unprotect(cookie).Split('\n');
            return parts.Length == 2 && string.Equals(parts[0], account, StringComparison.OrdinalIgnoreCase) ? parts[1] : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    public void Remember(HttpContext context, string account)
    {
        Span<byte> mark = stackalloc byte[16];
        random.GetBytes(mark);
        context.Response.Cookies.Append(Cookie, protector.Protect($"{account}\n{Base64Url.EncodeToString(mark)}", WebLimits.KnownBrowser),
            new() { Secure = true, HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/", MaxAge = WebLimits.KnownBrowser });
    }
}
