using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Signet.Web.SignIn;

/// <summary>
/// An ID token (OpenID Connect Core 1.0, section 2): JWS compact serialization of a JSON object. Reading proves nothing; <see cref="Check"/> after a key has verified it does.
/// Sizes: at most <see cref="WebLimits.IdTokenCharacters"/> characters.
/// </summary>
public sealed class IdToken
{
    private readonly byte[] signed;
    private readonly byte[] signature;

    private IdToken(string algorithm, string? keyId, JsonElement claims, byte[] signed, byte[] signature)
        => (Algorithm, KeyId, Claims, this.signed, this.signature) = (algorithm, keyId, claims, signed, signature);

    /// <summary>One of <see cref="ProviderKey.Algorithms"/>.</summary>
    public string Algorithm { get; }

    public string? KeyId { get; }

    public JsonElement Claims { get; }

    /// <summary>Takes any text.</summary>
    public static (IdToken? Token, ProviderRefusal Why) Read(string text)
    {
        var malformed = ((IdToken?)null, ProviderRefusal.Malformed);
        if (text.Length > WebLimits.IdTokenCharacters) return malformed;
        var parts = text.Split('.');
        if (parts.Length != 3 || ProviderJson.Bytes(parts[0]) is not { } head || ProviderJson.Bytes(parts[1]) is not { } body || ProviderJson.Bytes(parts[2]) is not { } signature) return malformed;
        if (ProviderJson.ReadObject(head) is not { } header || ProviderJson.ReadObject(body) is not { } claims) return malformed;
        // 1 The algorithm, before anything else is looked at: `none` and HMACs end here.
        if (header.Text("alg", 16) is not { } algorithm || !ProviderKey.Algorithms.Contains(algorithm)) return (null, ProviderRefusal.AlgorithmNotAllowed);
        // 2 Nothing that must be understood and is not; no other kind of token (RFC 8725, section 3.11).
        if (header.TryGetProperty("crit", out _) || (header.TryGetProperty("typ", out _) && !string.Equals(header.Text("typ", 64), "JWT", StringComparison.OrdinalIgnoreCase))) return malformed;
        if (header.TryGetProperty("kid", out _) && header.Text("kid", 256) is null) return malformed;
        return (new(algorithm, header.Text("kid", 256), claims, Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), signature), default);
    }

    public bool IsSignedBy(ProviderKey key) => key.Verifies(Algorithm, signed, signature);

    /// <summary>The claims of a token whose signature was verified (Core, section 3.1.3.7). Null: all is as it should be.</summary>
    public ProviderRefusal? Check(ExpectedIdToken expected, DateTimeOffset now)
    {
        if (Claims.Text("iss") != expected.Issuer) return ProviderRefusal.WrongIssuer;
        var audiences = Claims.TryGetProperty("aud", out var aud) ? aud.Texts() : [];
        if (!audiences.Contains(expected.ClientId)) return ProviderRefusal.WrongAudience;
        // Others may be named beside us only when we are the party it was made for.
        if (Claims.TryGetProperty("azp", out _) ? Claims.Text("azp") != expected.ClientId : audiences.Count > 1) return ProviderRefusal.WrongParty;
        if (Claims.Time("exp") is not { } end || now >= end + WebLimits.ProviderSkew) return ProviderRefusal.Expired;
        if (Claims.Time("iat") is not { } made) return ProviderRefusal.Malformed;
        if (made > now + WebLimits.ProviderSkew || (Claims.TryGetProperty("nbf", out _) && !(Claims.Time("nbf") <= now + WebLimits.ProviderSkew))) return ProviderRefusal.NotYetValid;
        if (made < now - WebLimits.IdTokenAge) return ProviderRefusal.TooOld;
        if (Claims.Text("nonce") is not { } nonce || !CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(nonce), Encoding.UTF8.GetBytes(expected.Nonce))) return ProviderRefusal.WrongNonce;
        if (Claims.TryGetProperty("at_hash", out _) && Claims.Text("at_hash") != HashOf(expected.AccessToken)) return ProviderRefusal.WrongAccessTokenHash;
        if (Claims.Text("sub", 255) is not { Length: > 0 } subject || !subject.All(c => c is > ' ' and <= '~')) return ProviderRefusal.NoSubject;
        if (expected.LongestAgo is { } longest && !(Claims.Time("auth_time") >= now - longest - WebLimits.ProviderSkew)) return ProviderRefusal.NotFresh;
        return null;
    }

    // Left half of the SHA-256 of the access token's ASCII (Core, section 3.1.3.6); every algorithm here hashes with SHA-256.
    private static string HashOf(string accessToken) => System.Buffers.Text.Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes(accessToken)).AsSpan(0, 16));
}

/// <summary>What an ID token must say.</summary>
/// <param name="LongestAgo">How long ago the person may have shown themselves to the provider (<c>max_age</c>, with which <c>auth_time</c> is a must: Core, section 2); null: whenever.</param>
public sealed record ExpectedIdToken(string Issuer, string ClientId, string Nonce, string AccessToken, TimeSpan? LongestAgo = null)
{
    public override string ToString() => Issuer; // never nonce and token
}
