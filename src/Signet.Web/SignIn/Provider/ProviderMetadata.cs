using System.Net;

namespace Signet.Web.SignIn;

/// <summary>What of a provider's discovery document is used here (OpenID Connect Discovery 1.0, section 3).</summary>
/// <param name="UserInfo">Null: it has none.</param>
/// <param name="EndSession">Where people sign out at the provider; null: nowhere.</param>
/// <param name="SaysIssuer">Every authorization response names its issuer (RFC 9207).</param>
/// <param name="TakesBasic">The client's secret goes in the Authorization header; else in the body.</param>
public sealed record ProviderMetadata(Uri Authorization, Uri Token, Uri Keys, Uri? UserInfo, Uri? EndSession, bool SaysIssuer, bool TakesBasic)
{
    private const string WellKnown = "/.well-known/openid-configuration";

    public static Uri AddressOf(string issuer) => new(issuer.TrimEnd('/') + WellKnown);

    /// <summary>What is wrong with an issuer, in one line; null when it will do.</summary>
    public static string? WhyNot(string issuer)
        => Uri.TryCreate(issuer, UriKind.Absolute, out var url) && IsSafe(url, true) && url is { UserInfo.Length: 0, Query.Length: 0, Fragment.Length: 0 } && !issuer.EndsWith(WellKnown, StringComparison.Ordinal)
            ? null : "an https:// address (http:// on this machine only) without query, as the provider writes it itself";

    /// <summary>Null: not a document of this issuer, or an address in it is not safe.</summary>
    /// <param name="utf8">As it was fetched.</param>
    public static ProviderMetadata? Read(ReadOnlySpan<byte> utf8, string issuer)
    {
        if (ProviderJson.ReadObject(utf8) is not { } document || document.Text("issuer") != issuer) return null;
        var plain = Uri.TryCreate(issuer, UriKind.Absolute, out var home) && home.Scheme == Uri.UriSchemeHttp;
        if (Address("authorization_endpoint") is not { } authorization || Address("token_endpoint") is not { } token || Address("jwks_uri") is not { } keys) return null;
        var ways = document.TryGetProperty("token_endpoint_auth_methods_supported", out var list) ? list.Texts() : ["client_secret_basic"];
        var says = document.TryGetProperty("authorization_response_iss_parameter_supported", out var flag) && flag.ValueKind == System.Text.Json.JsonValueKind.True;
        return new(authorization, token, keys, Address("userinfo_endpoint"), Address("end_session_endpoint"), says, ways.Contains("client_secret_basic") || !ways.Contains("client_secret_post"));

        Uri? Address(string name) => document.Text(name) is { } text && Uri.TryCreate(text, UriKind.Absolute, out var url) && IsSafe(url, plain) && url is { UserInfo.Length: 0, Fragment.Length: 0 } ? url : null;
    }

    // Plain HTTP is for a provider on this machine, and only when the issuer itself is one.
    private static bool IsSafe(Uri url, bool plain) => url.Scheme == Uri.UriSchemeHttps || (plain && url.Scheme == Uri.UriSchemeHttp && IsLoopback(url));

    internal static bool IsLoopback(Uri url) => url.Host == "localhost" || (IPAddress.TryParse(url.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
