using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>How this house writes down the names of a certificate.</summary>
public static class CertificateFacts
{
    /// <summary>Serial number, lower-case hexadecimal, two digits a byte, as in the DER (no sign byte).</summary>
    public static string Serial(X509Certificate2 certificate) => SerialText(certificate.SerialNumberBytes.Span);

    /// <summary>SHA-256 of the DER, base64url without padding (43 characters).</summary>
    public static string Thumbprint(X509Certificate2 certificate) => Base64Url.EncodeToString(SHA256.HashData(certificate.RawDataMemory.Span));

    /// <summary>SHA-256 of the public key's SubjectPublicKeyInfo, base64url: the same for every certificate of one key.</summary>
    public static string KeyThumbprint(PublicKey key) => Base64Url.EncodeToString(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));

    /// <summary>SHA-256 of the DER as people compare it: capital hexadecimal pairs with colons, as <c>openssl x509 -fingerprint -sha256</c> prints it.</summary>
    public static string Fingerprint(X509Certificate2 certificate)
        => string.Join(':', SHA256.HashData(certificate.RawDataMemory.Span).Select(b => b.ToString("X2")));

    /// <summary>How the ledger names an authority: SHA-256 of its subject's DER, lower-case hexadecimal.</summary>
    public static string NameId(X500DistinguishedName name) => DistinguishedNames.Id(name);

    internal static DateTimeOffset NotBefore(X509Certificate2 certificate) => new(certificate.NotBefore.ToUniversalTime());

    internal static DateTimeOffset NotAfter(X509Certificate2 certificate) => new(certificate.NotAfter.ToUniversalTime());

    internal static string SerialText(ReadOnlySpan<byte> bigEndian)
    {
        while (bigEndian.Length > 1 && bigEndian[0] == 0) bigEndian = bigEndian[1..];
        return Convert.ToHexStringLower(bigEndian);
    }
}
