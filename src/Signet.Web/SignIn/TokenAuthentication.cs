using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.SignIn;

/// <summary>API tokens: <c>Authorization: Bearer sgt_...</c>.</summary>
internal sealed class TokenAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, CommandCenter center, LoginThrottle throttle, Trail trail)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "token";
    private const string Prefix = "Bearer ";

    /// <summary>The secret a request carries; null when it carries none.</summary>
    public static string? Secret(Microsoft.AspNetCore.Http.HttpRequest request)
        => request.Headers.Authorization.ToString() is var header && header.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? header[Prefix.Length..].Trim() : null;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Secret(Request) is not { } secret) return AuthenticateResult.NoResult();
        var from = Context.Connection.RemoteIpAddress;
        if (await center.Tokens.FindActorAsync(secret, Context.Address(), Context.RequestAborted) is { } actor)
            return AuthenticateResult.Success(new(new ClaimsPrincipal(Who.Identity(actor, SchemeName)), SchemeName));
        // 256 random bits cannot be guessed; the count only keeps a mistaken script from filling the audit log.
        if (throttle.Wait("", from, SchemeName).Duration == TimeSpan.Zero)
        {
            throttle.Failed("", from, SchemeName);
            await trail.SignInFailedAsync(Context, "token", "bad-token");
        }
        return AuthenticateResult.Fail("unknown, expired or revoked token");
    }
}
