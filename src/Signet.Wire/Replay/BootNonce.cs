using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Signet.Wire;

/// <summary>128 random bits, base64url (22 characters): what a device without a trustworthy clock announces at each start and wants to see in every command.</summary>
public static class BootNonce
{
    public const int Characters = 22;

    public static string New(RandomNumberGenerator random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.GetBytes(bytes);
        return Base64Url.EncodeToString(bytes);
    }

    public static bool IsValid([NotNullWhen(true)] string? nonce) =>
        nonce is { Length: Characters } && StrictBase64Url.TryDecode(System.Text.Encoding.UTF8.GetBytes(nonce), out _);
}
