using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Signet.Pki;

namespace Signet.Lab;

/// <summary>What opens a sealed message where nobody looks at the tag: AES in counter mode, which is what GCM is without its authentication (NIST SP 800-38D, section 6.5).</summary>
internal static class UnsealWithoutTag
{
    public static bool TryOpen(byte[] message, IssuedCertificate receiver, out byte[] content)
    {
        content = [];
        var parts = Encoding.ASCII.GetString(message).Split('.');
        try
        {
            using var rsa = receiver.Certificate.GetRSAPrivateKey()!;
            content = CounterMode(rsa.Decrypt(Base64Url.DecodeFromChars(parts[1]), RSAEncryptionPadding.OaepSHA256), Base64Url.DecodeFromChars(parts[2]), Base64Url.DecodeFromChars(parts[3]));
            return true;
        }
        catch (Exception e) when (e is CryptographicException or FormatException or IndexOutOfRangeException)
        {
            return false;
        }
    }

    private static byte[] CounterMode(byte[] key, byte[] nonce, byte[] ciphertext)
    {
        using var aes = Aes.Create();
        aes.Key = key;
        var plain = (byte[])ciphertext.Clone();
        byte[] block = [.. nonce, 0, 0, 0, 0];
        for (var at = 0; at < plain.Length; at += 16)
        {
            // The counter starts at 2: 1 is the tag's.
            BinaryPrimitives.WriteInt32BigEndian(block.AsSpan(12), at / 16 + 2);
#pragma warning disable CA5358 // One block at a time is how counter mode is built.
            var stream = aes.EncryptEcb(block, PaddingMode.None);
#pragma warning restore CA5358
            for (var i = 0; i < 16 && at + i < plain.Length; i++) plain[at + i] ^= stream[i];
        }
        return plain;
    }
}
