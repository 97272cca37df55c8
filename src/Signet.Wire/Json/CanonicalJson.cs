using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>
/// JSON in its one canonical encoding (RFC 8785, JCS): no white space, members sorted by UTF-16 code units, shortest escapes, numbers as
/// ECMAScript prints them. Reading is strict: a text parses only if writing it again gives the same bytes, so there is nothing to normalise
/// and nothing two parsers could see differently. Integers stay within plus or minus 2^53 - 1; larger magnitudes exist only as doubles.
/// </summary>
public static class CanonicalJson
{
    /// <summary>Encodes a value (null is the JSON literal).</summary>
    /// <exception cref="ArgumentException">Not representable: NaN, infinity, an integer beyond 2^53 - 1, half a surrogate pair, too deep.</exception>
    public static byte[] Write(JsonNode? node)
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>(256);
        CanonicalWriter.Write(output, node, depth: 0);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads a canonical object. Never throws; <paramref name="why"/> names the first problem and its offset. Numbers can be read as any type that holds them.</summary>
    public static bool TryParse(ReadOnlySpan<byte> json, [NotNullWhen(true)] out JsonObject? value, out string why)
    {
        if (json.Length > WireLimits.MessageBytes)
        {
            (value, why) = (null, $"longer than {WireLimits.MessageBytes} bytes");
            return false;
        }
        return CanonicalReader.TryRead(json, isClaims: false, out value, out why);
    }

    /// <summary>As <see cref="TryParse"/>, for a <see cref="ClaimsReader"/>: the outermost integers are longs.</summary>
    internal static bool TryParseClaims(ReadOnlySpan<byte> json, [NotNullWhen(true)] out JsonObject? value, out string why)
    {
        if (json.Length <= WireLimits.MessageBytes) return CanonicalReader.TryRead(json, isClaims: true, out value, out why);
        (value, why) = (null, $"longer than {WireLimits.MessageBytes} bytes");
        return false;
    }
}
