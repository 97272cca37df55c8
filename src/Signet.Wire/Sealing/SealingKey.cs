using System.Security.Cryptography;

namespace Signet.Wire;

/// <summary>The private key that opens what was sealed to its owner, pinned to one suite. Owns the key it is given. Safe for concurrent use.</summary>
public sealed class SealingKey : IDisposable
{
    private readonly RSA? _rsa;
    private readonly ECDiffieHellman? _ecdh;
    private readonly Lock _one = new();

    private SealingKey(SealingSuite suite, string keyId, RSA? rsa, ECDiffieHellman? ecdh) =>
        (Suite, KeyId, _rsa, _ecdh) = (suite, Signet.Wire.KeyId.Require(keyId), rsa, ecdh);

    /// <exception cref="ArgumentException">Fewer than 2048 or more than 4096 bits.</exception>
    public static SealingKey RsaOaep256(RSA key, string keyId) => key.KeySize is >= WireLimits.RsaBitsLeast and <= WireLimits.RsaBitsMost
        ? new(SealingSuite.RsaOaep256, keyId, key, null)
        : throw new ArgumentException($"RSA-OAEP-256 needs a key of {WireLimits.RsaBitsLeast} to {WireLimits.RsaBitsMost} bits, this one has {key.KeySize}", nameof(key));

    /// <exception cref="ArgumentException">Not a P-256 key.</exception>
    public static SealingKey EcdhEs(ECDiffieHellman key, string keyId) => P256.Is(key)
        ? new(SealingSuite.EcdhEs, keyId, null, key)
        : throw new ArgumentException("ECDH-ES needs a P-256 key", nameof(key));

    public SealingSuite Suite { get; }
    public string KeyId { get; }

    /// <summary>Finds the content key again; false when the bytes are not one that was made for this key.</summary>
    internal bool TryRecover(ReadOnlySpan<byte> encryptedKey, ECPoint? ephemeral, Span<byte> contentKey)
    {
        try
        {
            if (_rsa is not null)
            {
                byte[] opened;
                lock (_one) opened = _rsa.Decrypt(encryptedKey, RSAEncryptionPadding.OaepSHA256);
                var fits = opened.AsSpan().TryCopyTo(contentKey) && opened.Length == contentKey.Length;
                CryptographicOperations.ZeroMemory(opened);
                return fits;
            }
            // Importing checks that the point is on the curve; P-256 has no smaller subgroups.
            using var other = ECDiffieHellman.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = ephemeral!.Value });
            byte[] secret;
            lock (_one) secret = _ecdh!.DeriveRawSecretAgreement(other.PublicKey);
            ConcatKdf.Derive(secret, SealedMessage.Encryption, [], [], contentKey);
            CryptographicOperations.ZeroMemory(secret);
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _rsa?.Dispose();
        _ecdh?.Dispose();
    }

    public override string ToString() => $"{Suite.Name} key {KeyId}";
}
