using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Signet.Control;

/// <summary>Secrets that are proof by themselves (API tokens, one-time links): 256 random bits, shown once, kept as a hash. So many bits need no salt and no slow hash.</summary>
internal static class BearerSecret
{
    private const int SecretBytes = 32, IdBytes = 8;

    /// <summary>43 characters of base64url.</summary>
    public static string New(RandomNumberGenerator random) => Base64Url.EncodeToString(Bytes(random, SecretBytes));

    /// <summary>A name for the stored row: 16 hexadecimal characters, no secret.</summary>
    public static string NewId(RandomNumberGenerator random) => Convert.ToHexStringLower(Bytes(random, IdBytes));

    /// <summary>Lower-case hexadecimal SHA-256: what is stored, and looked up by.</summary>
    public static string HashOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    private static byte[] Bytes(RandomNumberGenerator random, int count)
    {
        var bytes = new byte[count];
        random.GetBytes(bytes);
        return bytes;
    }
}
