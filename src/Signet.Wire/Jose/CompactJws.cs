using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Signet.Wire;

/// <summary>The three parts of a compact JWS (RFC 7515 section 7.1), split and decoded strictly. Nothing in it is verified yet.</summary>
internal sealed class CompactJws
{
    private CompactJws(string algorithm, string keyId, string type, byte[] payload, byte[] signature, int signedLength) =>
        (Algorithm, KeyId, Type, Payload, Signature, SignedLength) = (algorithm, keyId, type, payload, signature, signedLength);

    public string Algorithm { get; }
    public string KeyId { get; }
    public string Type { get; }
    public byte[] Payload { get; }
    public byte[] Signature { get; }

    /// <summary>How many bytes of the message the signature covers: header, dot, payload.</summary>
    public int SignedLength { get; }

    public static byte[] Sign(string type, ReadOnlySpan<byte> payload, SigningKey key)
    {
        var header = key.HeaderOf(type);
        var signed = header.Length + Base64Url.GetEncodedLength(payload.Length);
        var message = new byte[signed + 1 + Base64Url.GetEncodedLength(key.SignatureBytes)];
        header.CopyTo(message);
        Base64Url.EncodeToUtf8(payload, message.AsSpan(header.Length));
        message[signed] = (byte)'.';
        Base64Url.EncodeToUtf8(key.Sign(message.AsSpan(0, signed)), message.AsSpan(signed + 1));
        return message;
    }

    /// <summary>Header, dot and payload: what is signed.</summary>
    public static byte[] SignedPart(string type, ReadOnlySpan<byte> payload, Suite suite, string keyId)
        => Encoding.ASCII.GetBytes($"{Base64Url.EncodeToString(Encoding.ASCII.GetBytes($$"""{"alg":"{{suite.Algorithm}}","kid":"{{Signet.Wire.KeyId.Require(keyId)}}","typ":"{{type}}"}"""))}.{Base64Url.EncodeToString(payload)}");

    public static bool TrySplit(ReadOnlySpan<byte> message, [NotNullWhen(true)] out CompactJws? jws, out Rejection rejection)
    {
        jws = null;
        if (message.Length > WireLimits.MessageBytes)
        {
            rejection = new(RejectReason.TooLarge, $"{message.Length} bytes, the limit is {WireLimits.MessageBytes}");
            return false;
        }
        var first = message.IndexOf((byte)'.');
        var second = first < 0 ? -1 : message[(first + 1)..].IndexOf((byte)'.') + first + 1;
        if (second <= first || message[(second + 1)..].Contains((byte)'.'))
            return Malformed("not three parts with a dot between", out rejection);
        if (!StrictBase64Url.TryDecode(message[..first], out var headerBytes)
            || !StrictBase64Url.TryDecode(message[(first + 1)..second], out var payload)
            || !StrictBase64Url.TryDecode(message[(second + 1)..], out var signature))
            return Malformed("a part is not base64url in its one spelling", out rejection);
        if (headerBytes.Length > WireLimits.HeaderBytes)
            return Malformed($"a header of more than {WireLimits.HeaderBytes} bytes", out rejection);
        rejection = default;
        if (TryReadPlain(headerBytes, out var plain))
        {
            jws = new CompactJws(plain.Algorithm, plain.KeyId, plain.Type, payload, signature, second);
            return true;
        }
        if (!CanonicalJson.TryParse(headerBytes, out var header, out var why))
            return Malformed($"header: {why}", out rejection);
        var claims = new ClaimsReader(header);
        var algorithm = claims.Text("alg", 16);
        var keyId = claims.Text("kid", WireLimits.KeyIdCharacters, Signet.Wire.KeyId.IsValid);
        var type = claims.Text("typ", 64);
        if (claims.Problem is { } problem) return Malformed($"header: {problem}", out rejection);
        rejection = default;
        jws = new CompactJws(algorithm, keyId, type, payload, signature, second);
        return true;
    }

    /// <summary>The header as every signer writes it: three members in their order, nothing escaped. Whatever differs is read by the long way, which says what is wrong.</summary>
    private static bool TryReadPlain(ReadOnlySpan<byte> header, out (string Algorithm, string KeyId, string Type) plain)
    {
        plain = default;
        if (!TryTake(ref header, "{\"alg\":\""u8, 16, out var algorithm) || !TryTake(ref header, "\",\"kid\":\""u8, WireLimits.KeyIdCharacters, out var keyId) || !TryTake(ref header, "\",\"typ\":\""u8, 64, out var type)
            || !header.SequenceEqual("\"}"u8) || !Signet.Wire.KeyId.IsValid(keyId)) return false;
        plain = (algorithm, keyId, type);
        return true;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> rest, ReadOnlySpan<byte> before, int longest, out string value)
    {
        value = "";
        if (!rest.StartsWith(before)) return false;
        rest = rest[before.Length..];
        var end = rest.IndexOfAnyExcept(Unescaped);
        if (end < 0 || end > longest) return false;
        value = Encoding.ASCII.GetString(rest[..end]);
        rest = rest[end..];
        return true;
    }

    private static readonly SearchValues<byte> Unescaped = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:+-"u8);

    private static bool Malformed(string detail, out Rejection rejection)
    {
        rejection = new(RejectReason.Malformed, detail);
        return false;
    }
}
