using System.Security.Cryptography;
using System.Text;

namespace Signet.Control;

internal sealed partial class AccountSeal
{
    /// <summary>Hexadecimal HMAC-SHA-256 of a secret for one purpose, under a key derived for that (RFC 5869): what is compared, where the secret itself need not be read again.</summary>
    public string Tag(string purpose, ReadOnlySpan<byte> secret)
    {
        var key = HKDF.DeriveKey(HashAlgorithmName.SHA256, _key, 32, info: Encoding.UTF8.GetBytes(purpose));
        return Convert.ToHexStringLower(HMACSHA256.HashData(key, secret));
    }
}
