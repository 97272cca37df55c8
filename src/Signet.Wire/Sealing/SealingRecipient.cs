using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>The public key a message is sealed to, pinned to its owner. The suite follows from the key: RSA or P-256. Safe for concurrent use.</summary>
public sealed class SealingRecipient : IDisposable
{
    private readonly RSA? _rsa;
    private readonly ECDiffieHellman? _ecdh;
    private readonly Lock _one = new();

    private SealingRecipient(SealingSuite suite, string owner, string keyId, RSA? rsa, ECDiffieHellman? ecdh)
    {
        if (!Topics.IsPartyName(owner)) throw new ArgumentException($"'{owner}' is not a name", nameof(owner));
        (Suite, Owner, KeyId, _rsa, _ecdh) = (suite, owner, keyId, rsa, ecdh);
    }

    /// <exception cref="ArgumentException">The certificate's key is neither RSA of 2048 to 4096 bits nor P-256, or its usage forbids it.</exception>
    public static SealingRecipient FromCertificate(X509Certificate2 certificate, string owner)
    {
        if (certificate.GetRSAPublicKey() is { KeySize: >= WireLimits.RsaBitsLeast and <= WireLimits.RsaBitsMost } rsa)
            return new(SealingSuite.RsaOaep256, owner, Thumbprint.Of(certificate), rsa, null);
        if (certificate.GetECDiffieHellmanPublicKey() is { } ecdh && P256.Is(ecdh))
            return new(SealingSuite.EcdhEs, owner, Thumbprint.Of(certificate), null, ecdh);
        throw new ArgumentException($"nothing can be sealed to the key of {certificate.Subject}", nameof(certificate));
    }

    public SealingSuite Suite { get; }

    /// <summary>The only receiver it is used for: the <c>aud</c> of the messages inside.</summary>
    public string Owner { get; }

    public string KeyId { get; }

    /// <summary>Makes a content key for one message: the key itself, and what the receiver needs to find it again.</summary>
    internal byte[] MakeContentKey(Span<byte> contentKey, RandomNumberGenerator random, out JsonObject? ephemeral)
    {
        ephemeral = null;
        if (_rsa is not null)
        {
            random.GetBytes(contentKey);
            lock (_one) return _rsa.Encrypt(contentKey, RSAEncryptionPadding.OaepSHA256);
        }
        using var own = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        byte[] secret;
        lock (_one) secret = own.DeriveRawSecretAgreement(_ecdh!.PublicKey);
        ConcatKdf.Derive(secret, SealedMessage.Encryption, [], [], contentKey);
        CryptographicOperations.ZeroMemory(secret);
        var point = own.ExportParameters(includePrivateParameters: false).Q;
        ephemeral = new() { ["crv"] = "P-256", ["kty"] = "EC", ["x"] = Base64Url.EncodeToString(point.X), ["y"] = Base64Url.EncodeToString(point.Y) };
        return [];
    }

    public void Dispose()
    {
        _rsa?.Dispose();
        _ecdh?.Dispose();
    }

    public override string ToString() => $"{Suite.Name} key {KeyId} of {Owner}";
}
