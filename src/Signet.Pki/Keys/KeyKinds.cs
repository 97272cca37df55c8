using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>Makes keys and tells what kind one is.</summary>
public static class KeyKinds
{
    private const string EllipticCurve = "1.2.840.10045.2.1", Rsa = "1.2.840.113549.1.1.1";

    // Parameters of an elliptic-curve key: the curve by name, in DER. Curves spelled out in numbers are not taken.
    private static readonly byte[] P256Name = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    private static readonly byte[] P384Name = [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];

    public static AsymmetricAlgorithm Create(KeyKind kind) => kind switch
    {
        KeyKind.P256 => ECDsa.Create(ECCurve.NamedCurves.nistP256),
        KeyKind.P384 => ECDsa.Create(ECCurve.NamedCurves.nistP384),
        KeyKind.Rsa2048 => RSA.Create(2048),
        KeyKind.Rsa3072 => RSA.Create(3072),
        KeyKind.Rsa4096 => RSA.Create(4096),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>Null for a key this house does not take: another curve, another size, another algorithm, or one that cannot be read.</summary>
    public static KeyKind? Of(PublicKey key)
    {
        try
        {
            return key.Oid.Value switch
            {
                EllipticCurve => OfCurve(key),
                Rsa => OfRsa(key),
                _ => null,
            };
        }
        catch (Exception e) when (e is CryptographicException or PlatformNotSupportedException) // the second for a curve the platform does not have
        {
            return null;
        }
    }

    private static KeyKind? OfCurve(PublicKey key)
    {
        ReadOnlySpan<byte> name = key.EncodedParameters?.RawData;
        KeyKind? kind = name.SequenceEqual(P256Name) ? KeyKind.P256 : name.SequenceEqual(P384Name) ? KeyKind.P384 : null;
        if (kind is null) return null;
        using var onCurve = key.GetECDsaPublicKey(); // throws for a point that is not on its curve
        return onCurve is null ? null : kind;
    }

    private static KeyKind? OfRsa(PublicKey key)
    {
        using var rsa = key.GetRSAPublicKey();
        return rsa?.KeySize switch { 2048 => KeyKind.Rsa2048, 3072 => KeyKind.Rsa3072, 4096 => KeyKind.Rsa4096, _ => null };
    }

    internal static PublicKey PublicOf(AsymmetricAlgorithm key) => key switch
    {
        ECDsa ec => new PublicKey(ec),
        RSA rsa => new PublicKey(rsa),
        _ => throw new ArgumentException("only RSA and elliptic-curve keys", nameof(key)),
    };
}
