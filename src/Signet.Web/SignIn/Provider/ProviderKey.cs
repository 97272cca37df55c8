using System.Security.Cryptography;
using System.Text.Json;

namespace Signet.Web.SignIn;

/// <summary>
/// A public key that a provider signs ID tokens with (RFC 7517).
/// <list type="bullet">
/// <item>RS256, PS256 (RFC 7518, sections 3.3 and 3.5): RSA of 2048 to 8192 bits, SHA-256; PS256 with MGF1-SHA-256 and 32 bytes of salt.</item>
/// <item>ES256 (section 3.4): P-256, SHA-256, signature of 64 bytes R || S.</item>
/// </list>
/// A key fits the algorithms of its own type only, so a token's header cannot turn an RSA key into an HMAC secret.
/// </summary>
public sealed class ProviderKey : IDisposable
{
    /// <summary>What may stand in a token's <c>alg</c>.</summary>
    public static readonly IReadOnlyList<string> Algorithms = ["RS256", "PS256", "ES256"];

    private readonly RSA? rsa;
    private readonly ECDsa? curve;
    private readonly string? only;

    private ProviderKey(string? id, string? only, RSA? rsa, ECDsa? curve) => (Id, this.only, this.rsa, this.curve) = (id, only, rsa, curve);

    /// <summary><c>kid</c>; null when it has none.</summary>
    public string? Id { get; }

    public bool Fits(string algorithm) => (only is null || only == algorithm) && algorithm switch { "RS256" or "PS256" => rsa is not null, "ES256" => curve is not null, _ => false };

    /// <summary>False for any other algorithm, too. Takes any bytes.</summary>
    public bool Verifies(string algorithm, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        if (!Fits(algorithm)) return false;
        try
        {
            return algorithm switch
            {
                "RS256" => rsa!.VerifyData(signed, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
                "PS256" => rsa!.VerifyData(signed, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
                _ => signature.Length == 64 && curve!.VerifyData(signed, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation),
            };
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>The keys of a JWK set that can verify here; others are passed over. Null: it is no set, holds too many, or none of use.</summary>
    public static IReadOnlyList<ProviderKey>? ReadSet(ReadOnlySpan<byte> utf8)
    {
        if (ProviderJson.ReadObject(utf8) is not { } set || !set.TryGetProperty("keys", out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > WebLimits.ProviderKeys) return null;
        var keys = list.EnumerateArray().Select(Read).OfType<ProviderKey>().ToList();
        return keys.Count == 0 ? null : keys;
    }

    private static ProviderKey? Read(JsonElement key)
    {
        if (key.ValueKind != JsonValueKind.Object) return null;
        if (key.TryGetProperty("use", out _) && key.Text("use") != "sig") return null;
        if (key.TryGetProperty("key_ops", out var operations) && !operations.Texts().Contains("verify")) return null;
        var (id, only) = (key.Text("kid", 256), key.Text("alg", 16));
        if ((key.TryGetProperty("kid", out _) && id is null) || (key.TryGetProperty("alg", out _) && (only is null || !Algorithms.Contains(only)))) return null;
        try
        {
            return key.Text("kty", 16) switch
            {
                "RSA" when ProviderJson.Bytes(key.Text("n", 4096)) is { } modulus && ProviderJson.Bytes(key.Text("e", 16)) is { } exponent => OfRsa(id, only, modulus, exponent),
                "EC" when key.Text("crv", 16) == "P-256" && ProviderJson.Bytes(key.Text("x", 64)) is { Length: 32 } x && ProviderJson.Bytes(key.Text("y", 64)) is { Length: 32 } y
                    => new(id, only, null, ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = { X = x, Y = y } })),
                _ => null,
            };
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static ProviderKey? OfRsa(string? id, string? only, byte[] modulus, byte[] exponent)
    {
        var key = RSA.Create(new RSAParameters { Modulus = modulus, Exponent = exponent });
        if (key.KeySize is >= 2048 and <= WebLimits.ProviderKeyBits) return new(id, only, key, null);
        key.Dispose();
        return null;
    }

    public void Dispose()
    {
        rsa?.Dispose();
        curve?.Dispose();
    }
}
