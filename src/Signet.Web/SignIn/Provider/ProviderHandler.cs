using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OAuth;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Signet.Web.SignIn;

/// <summary>Addresses come from the provider's document and the secret is optional, so the platform's own checks of the options do not apply.</summary>
internal sealed class ProviderSchemeOptions : OAuthOptions
{
    public override void Validate() { }
}

/// <summary>
/// OpenID Connect's authorization code flow on the platform's OAuth handler, which makes and checks the sealed state, the correlation cookie (one browser, one attempt) and PKCE (S256). Added here:
/// <list type="number">
/// <item>leave: addresses out of the discovery document, a nonce, how fresh the sign-in must be;</item>
/// <item>come back: the state is taken once and not for long, the issuer parameter (RFC 9207) is ours;</item>
/// <item>code for tokens, bounded;</item>
/// <item>the ID token: algorithm, key, signature, claims (<see cref="IdToken"/>); user information where the token lacks a claim that is asked for.</item>
/// </list>
/// What comes out is a <see cref="ProviderWord"/> in the request's items. Who that is here is <see cref="ProviderDesk"/>'s part.
/// </summary>
internal sealed class ProviderHandler(
    IOptionsMonitor<ProviderSchemeOptions> scheme, ILoggerFactory loggers, UrlEncoder encoder, WebOptions options, ProviderClient client, ShortMemory memory, OnceOnly once)
    : OAuthHandler<ProviderSchemeOptions>(scheme, loggers, encoder)
{
    public const string SchemeName = "provider", CallbackPath = "/login/provider/callback";
    private ProviderMetadata? metadata;
    private ProviderRefusal? why;

    private ProviderOptions Provider => options.Provider!;

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        (metadata, var refusal) = await client.MetadataAsync(Context.RequestAborted);
        if (metadata is null)
        {
            await ProviderDesk.RefuseAsync(Context, refusal);
            return;
        }
        ProviderVisit.Begin(properties, memory.NewKey(), options.Time.GetUtcNow());
        await base.HandleChallengeAsync(properties);
    }

    protected override string BuildChallengeUrl(AuthenticationProperties properties, string redirectUri)
    {
        // The platform writes client id, scope, state and the PKCE challenge behind an address that is not known before the document is read.
        var query = QueryHelpers.ParseQuery(new Uri(base.BuildChallengeUrl(properties, redirectUri)).Query).ToDictionary(pair => pair.Key, pair => (string?)pair.Value.ToString(), StringComparer.Ordinal);
        query["nonce"] = ProviderVisit.NonceOf(properties);
        if (ProviderVisit.Of(properties).Purpose == ProviderPurpose.SignIn) query["max_age"] = $"{WebLimits.SessionLongest.TotalSeconds:0}";
        else (query["prompt"], query["max_age"]) = ("login", "0");
        if (Provider.FactorAcr.Count > 0) query["acr_values"] = string.Join(' ', Provider.FactorAcr);
        return QueryHelpers.AddQueryString(metadata!.Authorization.AbsoluteUri, query);
    }

    protected override async Task<HandleRequestResult> HandleRemoteAuthenticateAsync()
    {
        why = ProviderRefusal.BadState;
        if (Options.StateDataFormat.Unprotect(Request.Query["state"]) is null) return Refused();
        why = null;
        var result = await base.HandleRemoteAuthenticateAsync();
        if (result.Failure is null) return result;
        why ??= Request.Query["error"] == "access_denied" ? ProviderRefusal.AccessDenied : Request.Query.ContainsKey("error") ? ProviderRefusal.ProviderError : ProviderRefusal.NoCode;
        return Refused();
    }

    protected override bool ValidateCorrelationId(AuthenticationProperties properties)
    {
        var ours = base.ValidateCorrelationId(properties);
        if (!ours) why = ProviderRefusal.OtherBrowser;
        return ours;
    }

    protected override async Task<OAuthTokenResponse> ExchangeCodeAsync(OAuthCodeExchangeContext context)
    {
        if (options.Time.GetUtcNow() - ProviderVisit.BeganAt(context.Properties) > WebLimits.ProviderVisit) return Failed(ProviderRefusal.StateTooOld);
        if (!once.TryUse(ProviderVisit.NonceOf(context.Properties), WebLimits.ProviderVisit)) return Failed(ProviderRefusal.StateUsed);
        (metadata, var refusal) = await client.MetadataAsync(Context.RequestAborted);
        if (metadata is null) return Failed(refusal);
        if (Request.Query.TryGetValue("iss", out var issuer) ? issuer != Provider.Issuer : metadata.SaysIssuer) return Failed(ProviderRefusal.WrongIssuerParameter);
        context.Properties.Items.Remove(OAuthConstants.CodeVerifierKey, out var verifier);
        (var tokens, refusal) = await client.ExchangeAsync(metadata, context.Code, context.RedirectUri, verifier, Context.RequestAborted);
        return tokens is { } given ? OAuthTokenResponse.Success(JsonDocument.Parse(given.GetRawText())) : Failed(refusal);
    }

    protected override async Task<AuthenticationTicket> CreateTicketAsync(ClaimsIdentity identity, AuthenticationProperties properties, OAuthTokenResponse tokens)
    {
        why = await VerifyAsync(properties, tokens);
        // The base class takes null for a failure, whatever the type says.
        return why is null ? new(new ClaimsPrincipal(identity), properties, Scheme.Name) : null!;
    }

    private async Task<ProviderRefusal?> VerifyAsync(AuthenticationProperties properties, OAuthTokenResponse tokens)
    {
        if (tokens.Response!.RootElement.Text("id_token", WebLimits.ProviderAnswer) is not { } text) return ProviderRefusal.NoIdToken;
        var (token, malformed) = IdToken.Read(text);
        if (token is null) return malformed;
        if (await client.VerifyAsync(token, Context.RequestAborted) is { } unsigned) return unsigned;
        var (visit, now) = (ProviderVisit.Of(properties), options.Time.GetUtcNow());
        var again = visit.Purpose != ProviderPurpose.SignIn;
        var expected = new ExpectedIdToken(Provider.Issuer, Provider.ClientId, ProviderVisit.NonceOf(properties), tokens.AccessToken!, again ? now - ProviderVisit.BeganAt(properties) : WebLimits.SessionLongest);
        if (token.Check(expected, now) is { } wrong) return wrong;
        var (claims, subject) = (token.Claims, token.Claims.Text("sub", 255)!);
        var more = claims;
        if (metadata!.UserInfo is { } address && Lacks(claims))
        {
            if (await client.UserInfoAsync(address, tokens.AccessToken!, Context.RequestAborted) is not { } said) return ProviderRefusal.UserInfoFailed;
            if (said.Text("sub", 255) != subject) return ProviderRefusal.UserInfoOtherSubject;
            more = said;
        }
        var role = ProviderRoles.Of(Provider.RoleClaim is { } name && ProviderRoles.Find(claims, name) is not null ? claims : more, Provider);
        Context.Items[typeof(ProviderWord)] = new ProviderWord(visit, Provider.Issuer, subject, claims.Text(Provider.NameClaim) ?? more.Text(Provider.NameClaim), role, ProviderRoles.HasFactor(claims, Provider), claims.Time("auth_time"));
        return null;
    }

    private bool Lacks(JsonElement claims) => !claims.TryGetProperty(Provider.NameClaim, out _) || (Provider.RoleClaim is { } name && ProviderRoles.Find(claims, name) is null);

    private OAuthTokenResponse Failed(ProviderRefusal refusal)
    {
        why = refusal;
        return OAuthTokenResponse.Failed(new ProviderRefusedException(refusal));
    }

    private HandleRequestResult Refused() => HandleRequestResult.Fail(new ProviderRefusedException(why!.Value));

    public static void Configure(ProviderSchemeOptions scheme, ProviderOptions provider)
    {
        scheme.ClientId = provider.ClientId;
        scheme.ClientSecret = "-"; // the client sends the real one
        scheme.CallbackPath = CallbackPath;
        scheme.AuthorizationEndpoint = "https://not-read-yet.invalid/";
        scheme.TokenEndpoint = scheme.AuthorizationEndpoint;
        scheme.SignInScheme = Sessions.Scheme; // never used: the word goes to the desk instead
        scheme.UsePkce = true;
        scheme.Scope.Clear();
        foreach (var scope in provider.Scopes) scheme.Scope.Add(scope);
        scheme.RemoteAuthenticationTimeout = WebLimits.ProviderVisit;
        // Lax: the answer is a link from another site. A cookie of the strict kind would not come along.
        scheme.CorrelationCookie.Name = "__Host-signet-visit.";
        scheme.CorrelationCookie.Path = "/";
        scheme.CorrelationCookie.SameSite = SameSiteMode.Lax;
        scheme.CorrelationCookie.SecurePolicy = CookieSecurePolicy.Always;
        scheme.Events.OnRedirectToAuthorizationEndpoint = context => Onward.LeaveAsync(context.HttpContext, context.RedirectUri, provider.Name);
        scheme.Events.OnTicketReceived = ProviderDesk.TakeAsync;
        scheme.Events.OnRemoteFailure = ProviderDesk.FailedAsync;
    }
}
