using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Wire;

/// <summary>The SHA-256 thumbprint of a certificate's DER, base64url, 43 characters: the key id of everything it signs (as <c>x5t#S256</c>, RFC 7515 section 4.1.8).</summary>
public static class Thumbprint
{
    public static string Of(X509Certificate2 certificate) => OfBytes(certificate.RawDataMemory.Span);

    /// <summary>The same digest of any bytes, for instance of a received message (<c>digest</c> in a receipt).</summary>
    public static string OfBytes(ReadOnlySpan<byte> bytes)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, digest);
        return Base64Url.EncodeToString(digest);
    }
}
