using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Signet.Wire;

/// <summary>
/// A key that signs, bound to one suite and one key id. Owns the key it is given and disposes it. One thread at a time signs (the platform's
/// key handles demand it for RSA and ECDSA); callers share it freely, the lock is inside.
/// </summary>
public sealed class SigningKey : IDisposable
{
    private readonly RSA? _rsa;
    private readonly ECDsa? _ecdsa;
    private readonly byte[]? _secret;
    private readonly Lock _one = new();
    private readonly ConcurrentDictionary<string, byte[]> _headers = new(StringComparer.Ordinal); // as many as there are kinds of messages

    private SigningKey(Suite suite, string keyId, RSA? rsa = null, ECDsa? ecdsa = null, byte[]? secret = null)
    {
        Suite = suite;
        KeyId = Signet.Wire.KeyId.Require(keyId);
        (_rsa, _ecdsa, _secret) = (rsa, ecdsa, secret);
    }

    /// <exception cref="ArgumentException">Fewer than 2048 or more than 4096 bits.</exception>
    public static SigningKey Ps256(RSA key, string keyId)
    {
        if (key.KeySize is < WireLimits.RsaBitsLeast or > WireLimits.RsaBitsMost)
            throw new ArgumentException($"PS256 needs an RSA key of {WireLimits.RsaBitsLeast} to {WireLimits.RsaBitsMost} bits, this one has {key.KeySize}", nameof(key));
        return new(Suite.Ps256, keyId, rsa: key);
    }

    /// <exception cref="ArgumentException">Not a P-256 key.</exception>
    public static SigningKey Es256(ECDsa key, string keyId)
    {
        if (!P256.Is(key)) throw new ArgumentException("ES256 needs a P-256 key", nameof(key));
        return new(Suite.Es256, keyId, ecdsa: key);
    }

    /// <summary>A shared key. Use one for each direction: whoever verifies with it can also sign with it.</summary>
    /// <exception cref="ArgumentException">Fewer than 32 or more than 64 bytes.</exception>
    public static SigningKey Hs256(ReadOnlySpan<byte> key, string keyId)
    {
        SharedKey.RequireLength(key);
        return new(Suite.Hs256, keyId, secret: key.ToArray());
    }

    public Suite Suite { get; }
    public string KeyId { get; }
    public string Algorithm => Suite.Algorithm;

    internal int SignatureBytes => _secret is not null ? HMACSHA256.HashSizeInBytes : _rsa is not null ? (_rsa.KeySize + 7) / 8 : LowS.SignatureBytes;

    /// <summary>The header of every message of this kind under this key, encoded, with the dot behind it. Written by hand in canonical order; its values need no escaping.</summary>
    internal ReadOnlySpan<byte> HeaderOf(string type) => _headers.GetOrAdd(type, static (type, key) =>
        Encoding.ASCII.GetBytes(Base64Url.EncodeToString(Encoding.ASCII.GetBytes($$"""{"alg":"{{key.Algorithm}}","kid":"{{key.KeyId}}","typ":"{{type}}"}""")) + "."), this);

    /// <summary>The signature over <paramref name="data"/> as JWS carries it.</summary>
    internal byte[] Sign(ReadOnlySpan<byte> data)
    {
        if (_secret is not null) return HMACSHA256.HashData(_secret, data);
        lock (_one)
        {
            if (_rsa is not null) return _rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);
            var signature = _ecdsa!.SignData(data, HashAlgorithmName.SHA256);
            LowS.Normalise(signature);
            return signature;
        }
    }

    public void Dispose()
    {
        _rsa?.Dispose();
        _ecdsa?.Dispose();
        CryptographicOperations.ZeroMemory(_secret);
    }

    public override string ToString() => $"{Suite.Name} key {KeyId}";
}

/// <summary>Rules for HMAC keys that signer and verifier share.</summary>
internal static class SharedKey
{
    public static void RequireLength(ReadOnlySpan<byte> key)
    {
        if (key.Length is < WireLimits.HmacKeyBytesLeast or > WireLimits.HmacKeyBytesMost)
            throw new ArgumentException($"HS256 needs a key of {WireLimits.HmacKeyBytesLeast} to {WireLimits.HmacKeyBytesMost} bytes, this one has {key.Length}", nameof(key));
    }
}

internal static class P256
{
    // The platform names the curve by OID, or by a friendly name that depends on the operating system.
    public static bool Is(ECDsa key) => Is(key.ExportParameters(includePrivateParameters: false).Curve);

    public static bool Is(ECDiffieHellman key) => Is(key.ExportParameters(includePrivateParameters: false).Curve);

    private static bool Is(ECCurve curve) =>
        curve.IsNamed && (curve.Oid.Value ?? ECCurve.CreateFromFriendlyName(curve.Oid.FriendlyName!).Oid.Value) == ECCurve.NamedCurves.nistP256.Oid.Value;
}
