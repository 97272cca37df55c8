using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Signet.Pki;

/// <summary>The three ways in which a request arrives: DER, PEM, or base64 with line breaks (RFC 7030, section 4).</summary>
internal static class RequestBytes
{
    /// <summary>Null when it is none of them.</summary>
    public static byte[]? ToDer(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 0 && bytes[0] == 0x30) return bytes.ToArray();
        if (Ascii.IsValid(bytes) is false) return null;
        var text = Encoding.ASCII.GetString(bytes);
        ReadOnlySpan<char> base64 = text;
        if (PemEncoding.TryFind(text, out var fields))
        {
            if (text[fields.Label] is not ("CERTIFICATE REQUEST" or "NEW CERTIFICATE REQUEST")) return null;
            base64 = text.AsSpan()[fields.Base64Data];
        }

        var der = new byte[Base64.GetMaxDecodedFromUtf8Length(base64.Length)];
        return Convert.TryFromBase64Chars(base64, der, out var written) && written > 0 ? der[..written] : null;
    }
}
