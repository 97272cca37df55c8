using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>An attacker's tool for compact JWS: takes genuine ones apart and puts anything together, legal or not. What the house's own signer refuses to make is made here.</summary>
public static class JwsForge
{
    /// <summary>Header and claims of a genuine message, unverified, and its signature.</summary>
    public static (JsonObject Header, JsonObject Claims, byte[] Signature) Open(ReadOnlySpan<byte> message)
    {
        var parts = Encoding.ASCII.GetString(message).Split('.');
        return (JsonNode.Parse(Base64Url.DecodeFromChars(parts[0]))!.AsObject(), JsonNode.Parse(Base64Url.DecodeFromChars(parts[1]))!.AsObject(), Base64Url.DecodeFromChars(parts[2]));
    }

    /// <summary>Any header and payload bytes under any signature.</summary>
    public static byte[] Make(byte[] header, byte[] payload, Func<byte[], byte[]> sign)
    {
        var signed = $"{Base64Url.EncodeToString(header)}.{Base64Url.EncodeToString(payload)}";
        return Encoding.ASCII.GetBytes($"{signed}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signed)))}");
    }

    public static byte[] Make(JsonObject header, JsonObject claims, Func<byte[], byte[]> sign) => Make(CanonicalJson.Write(header), CanonicalJson.Write(claims), sign);

    public static Func<byte[], byte[]> Ps256(RSA key) => data => key.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pss);

    public static Func<byte[], byte[]> Es256(ECDsa key) => data => key.SignData(data, HashAlgorithmName.SHA256);

    public static Func<byte[], byte[]> Hs256(byte[] key) => data => HMACSHA256.HashData(key, data);

    /// <summary>Signed with ES256, with S in the lower half as the house wants it.</summary>
    public static byte[] MakeEs256(JsonObject header, JsonObject claims, ECDsa key)
    {
        while (true)
        {
            var message = Make(header, claims, Es256(key));
            if (Open(message).Signature[32] < 0x7f) return message;
        }
    }

    public static JsonObject Header(string algorithm, string keyId, string type) => new() { ["alg"] = algorithm, ["kid"] = keyId, ["typ"] = type };

    /// <summary>Another spelling of the same signature: the last base64url character has bits no decoder uses; one of them is set.</summary>
    public static byte[] SecondSpelling(ReadOnlySpan<byte> message)
    {
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        byte[] other = [.. message];
        other[^1] = (byte)alphabet[alphabet.IndexOf((char)other[^1], StringComparison.Ordinal) ^ 1];
        return other;
    }
}
