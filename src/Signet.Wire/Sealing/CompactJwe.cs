using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Signet.Wire;

/// <summary>The five parts of a compact JWE (RFC 7516 section 7.1), split and decoded strictly. Nothing in it is authenticated yet.</summary>
internal sealed class CompactJwe
{
    public required string Algorithm { get; init; }
    public required string Audience { get; init; }
    public required string KeyId { get; init; }
    public required string Suite { get; init; }
    public required string Topic { get; init; }

    /// <summary>The other side's key of this message; null when the algorithm has none.</summary>
    public required ECPoint? Ephemeral { get; init; }

    public required byte[] EncryptedKey { get; init; }
    public required byte[] Nonce { get; init; }
    public required byte[] Ciphertext { get; init; }
    public required byte[] Tag { get; init; }

    /// <summary>Length of the first part, which is authenticated as it stands.</summary>
    public required int HeaderLength { get; init; }

    public static bool TrySplit(ReadOnlySpan<byte> message, [NotNullWhen(true)] out CompactJwe? jwe, out Rejection rejection)
    {
        jwe = null;
        rejection = default;
        if (message.Length > WireLimits.MessageBytes)
        {
            rejection = new(RejectReason.TooLarge, $"{message.Length} bytes, the limit is {WireLimits.MessageBytes}");
            return false;
        }
        Span<Range> ranges = stackalloc Range[6];
        if (message.Split(ranges) != 5) return Malformed("not five parts with a dot between", out rejection);
        var parts = new byte[5][];
        for (var i = 0; i < 5; i++)
            if (!StrictBase64Url.TryDecode(message[ranges[i]], out parts[i])) return Malformed("a part is not base64url in its one spelling", out rejection);
        if (parts[0].Length > WireLimits.SealedHeaderBytes) return Malformed($"a header of more than {WireLimits.SealedHeaderBytes} bytes", out rejection);
        if (parts[2].Length != SealedMessage.NonceBytes || parts[4].Length != SealedMessage.TagBytes) return Malformed("a nonce or tag of the wrong length", out rejection);
        if (!CanonicalJson.TryParse(parts[0], out var header, out var why)) return Malformed("header: " + why, out rejection);

        var reader = new ClaimsReader(header);
        var algorithm = reader.Text("alg", 16);
        reader.Text("cty", 8, t => t == SealedMessage.ContentType);
        reader.Text("enc", 16, t => t == SealedMessage.Encryption);
        reader.Text("typ", 64, t => t == SealedMessage.Type);
        ECPoint? ephemeral = algorithm == SealingSuite.EcdhEs.Algorithm ? ReadPoint(reader) : null;
        jwe = new()
        {
            Algorithm = algorithm, Audience = reader.Text("aud", WireLimits.NameCharacters, Topics.IsPartyName), KeyId = reader.Text("kid", WireLimits.KeyIdCharacters, Signet.Wire.KeyId.IsValid),
            Suite = reader.Text("suite", WireLimits.WordCharacters), Topic = reader.Text("topic", WireLimits.TopicCharacters), Ephemeral = ephemeral,
            EncryptedKey = parts[1], Nonce = parts[2], Ciphertext = parts[3], Tag = parts[4], HeaderLength = ranges[0].End.Value,
        };
        return reader.Problem is not { } problem || Malformed("header: " + problem, out rejection);
    }

    private static ECPoint ReadPoint(ClaimsReader header)
    {
        var key = new ClaimsReader(header.Object("epk"));
        key.Text("crv", 8, t => t == "P-256");
        key.Text("kty", 4, t => t == "EC");
        var point = new ECPoint { X = Coordinate("x"), Y = Coordinate("y") };
        if (key.Problem is { } problem) header.Wrong("epk", problem);
        return point;

        byte[] Coordinate(string name)
        {
            byte[] bytes = [];
            key.Text(name, 43, t => StrictBase64Url.TryDecode(System.Text.Encoding.UTF8.GetBytes(t!), out bytes) && bytes.Length == 32);
            return bytes.Length == 32 ? bytes : new byte[32];
        }
    }

    private static bool Malformed(string detail, out Rejection rejection)
    {
        rejection = new(RejectReason.Malformed, detail);
        return false;
    }
}

internal static class Parts
{
    /// <summary>Splits at dots into at most as many ranges as there is room for; more parts give one more than expected.</summary>
    public static int Split(this ReadOnlySpan<byte> message, Span<Range> ranges)
    {
        var (count, start) = (0, 0);
        while (count < ranges.Length)
        {
            var dot = message[start..].IndexOf((byte)'.');
            ranges[count++] = dot < 0 ? start..message.Length : start..(start + dot);
            if (dot < 0) break;
            start += dot + 1;
        }
        return count;
    }
}
