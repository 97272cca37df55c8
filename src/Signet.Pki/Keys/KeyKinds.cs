using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>Makes keys and tells what kind one is.</summary>
public static class KeyKinds
{
    private const string P256Oid = "1.2.840.10045.3.1.7";
    private const string P384Oid = "1.3.132.0.34";

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
            using var ec = key.GetECDsaPublicKey();
            if (ec is not null)
            {
                return ec.ExportParameters(false).Curve.Oid.Value switch { P256Oid => KeyKind.P256, P384Oid => KeyKind.P384, _ => null };
            }

            using var rsa = key.GetRSAPublicKey();
            return rsa?.KeySize switch { 2048 => KeyKind.Rsa2048, 3072 => KeyKind.Rsa3072, 4096 => KeyKind.Rsa4096, _ => null };
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    internal static PublicKey PublicOf(AsymmetricAlgorithm key) => key switch
    {
        ECDsa ec => new PublicKey(ec),
        RSA rsa => new PublicKey(rsa),
        _ => throw new ArgumentException("only RSA and elliptic-curve keys", nameof(key)),
    };
}
