using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>The writing half of <see cref="CanonicalJson"/>.</summary>
internal static class CanonicalWriter
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static void Write(ArrayBufferWriter<byte> output, JsonNode? node, int depth)
    {
        var items = 0;
        Write(output, node, depth, ref items);
    }

    private static void Write(ArrayBufferWriter<byte> output, JsonNode? node, int depth, ref int items)
    {
        if (depth > WireLimits.JsonDepth) throw new ArgumentException($"deeper than {WireLimits.JsonDepth} levels", nameof(node));
        switch (node)
        {
            case null: output.Write("null"u8); break;
            case JsonObject members: WriteObject(output, members, depth + 1, ref items); break;
            case JsonArray elements: WriteArray(output, elements, depth + 1, ref items); break;
            case JsonValue value: WriteValue(output, value); break;
        }
    }

    private static void WriteObject(ArrayBufferWriter<byte> output, JsonObject members, int depth, ref int items)
    {
        Count(members.Count, ref items);
        var sorted = members.ToArray();
        Array.Sort(sorted, static (a, b) => string.CompareOrdinal(a.Key, b.Key)); // ordinal = by UTF-16 code units
        var separator = (byte)'{';
        if (sorted.Length == 0) output.Write("{"u8);
        foreach (var (name, value) in sorted)
        {
            output.Write([separator]);
            WriteString(output, name);
            output.Write(":"u8);
            Write(output, value, depth, ref items);
            separator = (byte)',';
        }
        output.Write("}"u8);
    }

    private static void WriteArray(ArrayBufferWriter<byte> output, JsonArray elements, int depth, ref int items)
    {
        Count(elements.Count, ref items);
        output.Write("["u8);
        for (var i = 0; i < elements.Count; i++)
        {
            if (i > 0) output.Write(","u8);
            Write(output, elements[i], depth, ref items);
        }
        output.Write("]"u8);
    }

    private static void Count(int more, ref int items)
    {
        if ((items += more) > WireLimits.JsonItems) throw new ArgumentException($"more than {WireLimits.JsonItems} members and elements");
    }

    private static void WriteValue(ArrayBufferWriter<byte> output, JsonValue value)
    {
        switch (value.GetValueKind())
        {
            case JsonValueKind.True: output.Write("true"u8); break;
            case JsonValueKind.False: output.Write("false"u8); break;
            case JsonValueKind.String: WriteString(output, TextOf(value)); break;
            case JsonValueKind.Number when value.TryGetValue<long>(out var whole) && whole is >= -WireLimits.Integer and <= WireLimits.Integer:
                System.Buffers.Text.Utf8Formatter.TryFormat(whole, output.GetSpan(20), out var written);
                output.Advance(written);
                break;
            case JsonValueKind.Number: output.Write(Encoding.ASCII.GetBytes(NumberText(value))); break;
            default: throw new ArgumentException($"cannot write a {value.GetValueKind()}", nameof(value));
        }
    }

    // A JsonValue may hold a date, a Guid or an enum: what its JSON text says is what counts.
    private static string TextOf(JsonValue value) =>
        value.TryGetValue<string>(out var text) ? text : JsonSerializer.Deserialize<string>(value.ToJsonString())!;

    private static string NumberText(JsonValue value)
    {
        // A number that was read is a double when it is too large for an integer, although its text has digits only.
        if (value.TryGetValue<JsonElement>(out var read))
            return read.TryGetInt64(out var exact) && exact is >= -WireLimits.Integer and <= WireLimits.Integer ? IntegerText(exact) : EcmaNumber.Format(read.GetDouble());
        if (value.TryGetValue<long>(out var whole)) return IntegerText(whole);
        if (value.TryGetValue<double>(out var real)) return EcmaNumber.Format(real);
        // Other backing types (int, decimal, a parsed document): go by the text they print.
        var text = value.ToJsonString();
        if (text.AsSpan().IndexOfAny(".eE") >= 0) return EcmaNumber.Format(double.Parse(text, CultureInfo.InvariantCulture));
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out whole)
            ? IntegerText(whole)
            : throw new ArgumentException($"the integer {text} is beyond 2^53 - 1", nameof(value));
    }

    private static string IntegerText(long value) =>
        Math.Abs((decimal)value) <= WireLimits.Integer
            ? value.ToString(CultureInfo.InvariantCulture)
            : throw new ArgumentException($"the integer {value} is beyond 2^53 - 1", nameof(value));

    private static void WriteString(ArrayBufferWriter<byte> output, string text)
    {
        output.Write("\""u8);
        var rest = text.AsSpan();
        while (!rest.IsEmpty)
        {
            var plain = rest.IndexOfAny(MustEscape);
            if (plain < 0) plain = rest.Length;
            WriteUtf8(output, rest[..plain]);
            if (plain == rest.Length) break;
            output.Write(Encoding.ASCII.GetBytes(EscapeOf(rest[plain])));
            rest = rest[(plain + 1)..];
        }
        output.Write("\""u8);
    }

    private static void WriteUtf8(ArrayBufferWriter<byte> output, ReadOnlySpan<char> text)
    {
        try
        {
            var room = output.GetSpan(StrictUtf8.GetMaxByteCount(text.Length));
            output.Advance(StrictUtf8.GetBytes(text, room));
        }
        catch (EncoderFallbackException half)
        {
            throw new ArgumentException("the text holds half a surrogate pair", nameof(text), half);
        }
    }

    /// <summary>RFC 8785 section 3.2.2.2: the five short escapes, quote and backslash, and lower-case \u00xx for the other control characters. Nothing else.</summary>
    internal static string EscapeOf(char c) => c switch
    {
        '\b' => "\\b",
        '\t' => "\\t",
        '\n' => "\\n",
        '\f' => "\\f",
        '\r' => "\\r",
        '"' => "\\\"",
        '\\' => "\\\\",
        _ => $"\\u{(int)c:x4}",
    };

    internal static readonly SearchValues<char> MustEscape =
        SearchValues.Create([.. Enumerable.Range(0, 32).Select(i => (char)i), '"', '\\']);
}
