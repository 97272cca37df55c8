using System.Buffers.Text;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>An attacker's tool for sealed messages (compact JWE): the five parts of one, changed without any key. Parts: 0 header, 1 encrypted key, 2 nonce, 3 ciphertext, 4 tag.</summary>
internal static class SealedForge
{
    /// <summary>One bit of a part, anywhere in it.</summary>
    public static byte[] Flip(byte[] message, int part, Random random) => Change(message, part, bytes => bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8)));

    /// <summary>A part of one message in the place of the same part of another.</summary>
    public static byte[] Swap(byte[] into, byte[] from, int part)
    {
        var parts = Parts(into);
        parts[part] = Parts(from)[part];
        return Join(parts);
    }

    public static byte[] Header(byte[] message, Action<JsonObject> change)
    {
        var parts = Parts(message);
        var header = JsonNode.Parse(Base64Url.DecodeFromChars(parts[0]))!.AsObject();
        change(header);
        parts[0] = Base64Url.EncodeToString(CanonicalJson.Write(header));
        return Join(parts);
    }

    private static byte[] Change(byte[] message, int part, Action<byte[]> change)
    {
        var parts = Parts(message);
        var bytes = Base64Url.DecodeFromChars(parts[part]);
        change(bytes);
        parts[part] = Base64Url.EncodeToString(bytes);
        return Join(parts);
    }

    private static string[] Parts(byte[] message) => Encoding.ASCII.GetString(message).Split('.');

    private static byte[] Join(string[] parts) => Encoding.ASCII.GetBytes(string.Join('.', parts));
}
