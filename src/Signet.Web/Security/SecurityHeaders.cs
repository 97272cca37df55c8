using System.Net;
using Microsoft.AspNetCore.Http;

namespace Signet.Web.Security;

/// <summary>The headers of every console response (OWASP Secure Headers). No inline script or style is allowed anywhere: pages must not need one.</summary>
public sealed class SecurityHeaders(RequestDelegate next)
{
    public const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    private const string Permissions =
        "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()";

    public Task InvokeAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers["Referrer-Policy"] = "no-referrer";
        headers["Permissions-Policy"] = Permissions;
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        // What a page shows is for this reader, now. The files under /assets say otherwise for themselves. no-cache says no more, but antiforgery warns where it is missing.
        headers.CacheControl = "no-cache, no-store";
        if (!IsLoopback(context.Request.Host)) headers.StrictTransportSecurity = "max-age=31536000; includeSubDomains";
        return next(context);
    }

    // Other programs of this machine share the name localhost; pinning it to HTTPS would break them.
    private static bool IsLoopback(HostString host)
        => host.Host is "localhost" || host.Host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
           || (IPAddress.TryParse(host.Host, out var address) && IPAddress.IsLoopback(address));
}
