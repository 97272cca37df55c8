using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Wire;

/// <summary>
/// A key a receiver trusts: pinned to one algorithm (never read from the message), one key id and one owner, the only <c>iss</c> it may speak for.
/// Safe for concurrent use.
/// </summary>
public sealed class PinnedKey : IDisposable
{
    private readonly RSA? _rsa;
    private readonly ECDsa? _ecdsa;
    private readonly byte[]? _secret;
    private readonly PasskeyPlace? _place;
    private readonly Lock _one = new();

    private PinnedKey(Suite suite, string owner, string keyId, RSA? rsa = null, ECDsa? ecdsa = null, byte[]? secret = null, PasskeyPlace? place = null)
    {
        if (!PersonName.IsValid(owner)) throw new ArgumentException($"'{owner}' is not a name", nameof(owner));
        (Suite, Owner, KeyId) = (suite, owner, Signet.Wire.KeyId.Require(keyId));
        (_rsa, _ecdsa, _secret, _place) = (rsa, ecdsa, secret, place);
    }

    /// <summary>Pins a person's passkey under the thumbprint of its public key.</summary>
    /// <param name="subjectPublicKeyInfo">DER, P-256.</param>
    /// <param name="owner">The person.</param>
    /// <param name="place">Where it may be used.</param>
    /// <exception cref="ArgumentException">Not a P-256 key.</exception>
    public static PinnedKey Passkey(ReadOnlySpan<byte> subjectPublicKeyInfo, string owner, PasskeyPlace place)
    {
        var key = ECDsa.Create();
        if (TryImport(key, subjectPublicKeyInfo)) return new(Suite.WebAuthn, owner, Thumbprint.OfBytes(subjectPublicKeyInfo), ecdsa: key, place: place);
        key.Dispose();
        throw new ArgumentException("not a P-256 public key", nameof(subjectPublicKeyInfo));
    }

    private static bool TryImport(ECDsa key, ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        try
        {
            key.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out var read);
            return read == subjectPublicKeyInfo.Length && P256.Is(key);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>Pins the key of a certificate under its thumbprint. The certificate's chain is not judged here; its validity bounds the key's.</summary>
    /// <param name="certificate">RSA of 2048 to 4096 bits for PS256, P-256 for ES256. Not kept.</param>
    /// <param name="owner">The only <c>iss</c> this key may speak for.</param>
    /// <param name="algorithm"><c>PS256</c> or <c>ES256</c>.</param>
    /// <exception cref="ArgumentException">The certificate's key does not fit the algorithm.</exception>
    public static PinnedKey FromCertificate(X509Certificate2 certificate, string owner, string algorithm)
    {
        var id = Thumbprint.Of(certificate);
        PinnedKey pinned;
        if (algorithm == Suite.Ps256.Algorithm && certificate.GetRSAPublicKey() is { KeySize: >= WireLimits.RsaBitsLeast and <= WireLimits.RsaBitsMost } rsa)
            pinned = new(Suite.Ps256, owner, id, rsa: rsa);
        else if (algorithm == Suite.Es256.Algorithm && certificate.GetECDsaPublicKey() is { } ecdsa && P256.Is(ecdsa))
            pinned = new(Suite.Es256, owner, id, ecdsa: ecdsa);
        else
            throw new ArgumentException($"the key of {certificate.Subject} cannot verify {algorithm}", nameof(certificate));
        pinned.ValidFrom = new DateTimeOffset(certificate.NotBefore.ToUniversalTime());
        pinned.ValidUntil = new DateTimeOffset(certificate.NotAfter.ToUniversalTime());
        return pinned;
    }

    /// <summary>Pins a shared key for messages from <paramref name="owner"/>. The other direction needs another key.</summary>
    public static PinnedKey Hs256(ReadOnlySpan<byte> key, string owner, string keyId)
    {
        SharedKey.RequireLength(key);
        return new(Suite.Hs256, owner, keyId, secret: key.ToArray());
    }

    public Suite Suite { get; }
    public string Owner { get; }
    public string KeyId { get; }
    public string Algorithm => Suite.Algorithm;

    /// <summary>The certificate's validity; unbounded for a shared key.</summary>
    public DateTimeOffset ValidFrom { get; private set; } = DateTimeOffset.MinValue;
    public DateTimeOffset ValidUntil { get; private set; } = DateTimeOffset.MaxValue;

    internal bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (_secret is not null)
        {
            Span<byte> tag = stackalloc byte[HMACSHA256.HashSizeInBytes];
            HMACSHA256.HashData(_secret, data, tag);
            return CryptographicOperations.FixedTimeEquals(tag, signature);
        }
        lock (_one)
        {
            if (_place is not null) return WebAuthnProof.Verify(_ecdsa!, _place, data, signature);
            if (_rsa is not null)
                return signature.Length == _rsa.KeySize / 8 && _rsa.VerifyData(data, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);
            return signature.Length == LowS.SignatureBytes && LowS.IsLow(signature) && _ecdsa!.VerifyData(data, signature, HashAlgorithmName.SHA256);
        }
    }

    public void Dispose()
    {
        _rsa?.Dispose();
        _ecdsa?.Dispose();
        CryptographicOperations.ZeroMemory(_secret);
    }

    public override string ToString() => $"{Suite.Name} key {KeyId} of {Owner}";
}
