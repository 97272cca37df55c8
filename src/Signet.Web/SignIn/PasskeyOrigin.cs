using Microsoft.AspNetCore.Identity;

namespace Signet.Web.SignIn;

/// <summary>Where a passkey's answer may come from.</summary>
public static class PasskeyOrigin
{
    /// <summary>An answer counts for the origin it was given to: ours, on the host that was asked (host filtering knows its names), and in no frame of another. The request's own
    /// <c>Origin</c> header is no help: with <c>Referrer-Policy: no-referrer</c> browsers send <c>null</c> with forms.</summary>
    public static ValueTask<bool> IsOursAsync(PasskeyOriginValidationContext asked)
        => ValueTask.FromResult(!asked.CrossOrigin && string.IsNullOrEmpty(asked.TopOrigin) && asked.Origin == $"https://{asked.HttpContext.Request.Host}");
}
