using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Signet.Control;
using Signet.Web.Api;
using Signet.Web.Security;

namespace Signet.Web.SignIn;

/// <summary>The API with a person's client certificate and nothing else (<see cref="CertificateSignIn.Alone"/>). It dies with the connection, which a revocation ends.</summary>
internal sealed class CertificateAuthentication(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, CertificatePeople certificates)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string SchemeName = "certificate";

    /// <summary>
    /// For programs only. A browser sends its certificate along with whatever another site makes it ask, so a request that a page has caused (Fetch Metadata: every browser says so) goes the way of sessions,
    /// which are guarded against that.
    /// </summary>
    public static bool Applies(HttpContext context)
        => ApiRoutes.IsApi(context) && context.Connection.ClientCertificate is not null && !context.Request.Cookies.ContainsKey(Sessions.Cookie) && !context.Request.Headers.ContainsKey("Sec-Fetch-Site") && !context.Request.Headers.ContainsKey("Origin")
           && context.RequestServices.GetRequiredService<WebOptions>().CertificateSignIn == CertificateSignIn.Alone;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // A device's certificate signs nobody in: it goes on as nobody, to the routes that look at certificates themselves.
        if (await certificates.FindAsync(Context) is not var (account, serial)) return AuthenticateResult.NoResult();
        Context.Items[typeof(Account)] = account;
        return AuthenticateResult.Success(new(new ClaimsPrincipal(Who.Identity(account.As(Context.Address()), SchemeName, new Claim(Who.Certificate, serial))), SchemeName));
    }
}
