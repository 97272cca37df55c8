using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>Checks a signature inside an ASN.1 structure (request, revocation list) whose AlgorithmIdentifier others wrote.</summary>
internal static class PublicSignature
{
    internal enum Outcome
    {
        Good = 0,
        Wrong = 1,

        /// <summary>Not an algorithm this house takes; MD5 and SHA-1 among them.</summary>
        NotTaken = 2,
    }

    public static Outcome Check(PublicKey key, ReadOnlyMemory<byte> algorithmIdentifier, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        try
        {
            var reader = new AsnReader(algorithmIdentifier, AsnEncodingRules.DER).ReadSequence();
            var algorithm = reader.ReadObjectIdentifier();
            var (hash, padding) = algorithm == "1.2.840.113549.1.1.10" ? (PssHash(reader), RSASignaturePadding.Pss) : HashOf(algorithm);
            if (hash is null) return Outcome.NotTaken;
            return Verify(key, hash.Value, padding, data, signature) ? Outcome.Good : Outcome.Wrong;
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            return Outcome.Wrong;
        }
    }

    private static bool Verify(PublicKey key, HashAlgorithmName hash, RSASignaturePadding? padding, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (padding is null)
        {
            using var ec = key.GetECDsaPublicKey();
            return ec is not null && ec.VerifyData(data, signature, hash, DSASignatureFormat.Rfc3279DerSequence);
        }

        using var rsa = key.GetRSAPublicKey();
        return rsa is not null && rsa.VerifyData(data, signature, hash, padding);
    }

    private static (HashAlgorithmName? Hash, RSASignaturePadding? Padding) HashOf(string algorithm) => algorithm switch
    {
        "1.2.840.10045.4.3.2" => (HashAlgorithmName.SHA256, null),
        "1.2.840.10045.4.3.3" => (HashAlgorithmName.SHA384, null),
        "1.2.840.10045.4.3.4" => (HashAlgorithmName.SHA512, null),
        "1.2.840.113549.1.1.11" => (HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        "1.2.840.113549.1.1.12" => (HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1),
        "1.2.840.113549.1.1.13" => (HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1),
        _ => (null, null),
    };

    // RSASSA-PSS-params (RFC 4055, section 3.1): the hash is [0]; absent means SHA-1.
    private static HashAlgorithmName? PssHash(AsnReader algorithm)
    {
        var parameters = algorithm.ReadSequence();
        var tag = new Asn1Tag(TagClass.ContextSpecific, 0, isConstructed: true);
        if (!parameters.HasData || !parameters.PeekTag().HasSameClassAndValue(tag)) return null;
        return parameters.ReadSequence(tag).ReadSequence().ReadObjectIdentifier() switch
        {
            "2.16.840.1.101.3.4.2.1" => HashAlgorithmName.SHA256,
            "2.16.840.1.101.3.4.2.2" => HashAlgorithmName.SHA384,
            "2.16.840.1.101.3.4.2.3" => HashAlgorithmName.SHA512,
            _ => null,
        };
    }
}
