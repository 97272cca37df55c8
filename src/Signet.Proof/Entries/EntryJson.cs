using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Proof;

/// <summary>
/// RFC 8785 (JSON Canonicalization Scheme) for the bodies of log entries: no spaces, members sorted by UTF-16 code units, the shortest escapes, numbers as ECMAScript prints them.
/// Writing never fails for data a caller may honestly hold: half a surrogate pair becomes U+FFFD, a number that JSON cannot say becomes text.
/// </summary>
public static class EntryJson
{
    /// <summary>Deepest nesting that is written or read. A guess; deeper values become text when written and are refused when read.</summary>
    public const int MaximumDepth = 32;

    // Members up to which insertion beats a sort with its objects.
    private const int FewMembers = 16;

    public static byte[] Write(JsonNode? value)
    {
        var output = new ArrayBufferWriter<byte>(256);
        Write(value, output);
        return output.WrittenSpan.ToArray();
    }

    public static void Write(JsonNode? value, IBufferWriter<byte> output) => Write(value, output, 0);

    /// <summary>A JSON string with its quotes.</summary>
    public static void WriteString(ReadOnlySpan<char> text, IBufferWriter<byte> output)
    {
        output.Write("\""u8);
        while (true)
        {
            var plain = text.IndexOfAny(Escaped);
            Encode(plain < 0 ? text : text[..plain], output);
            if (plain < 0) break;
            WriteEscape(text[plain], output);
            text = text[(plain + 1)..];
        }
        output.Write("\""u8);
    }

    /// <summary>Reads an object; succeeds only when writing it again gives the same bytes. Never throws.</summary>
    public static bool TryParse(ReadOnlySpan<byte> json, [NotNullWhen(true)] out JsonObject? value)
    {
        value = null;
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaximumDepth });
            value = JsonNode.Parse(ref reader) as JsonObject;
            if (value is null || reader.BytesConsumed != json.Length || !json.SequenceEqual(Write(value))) value = null;
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException or FormatException)
        {
            value = null;   // not JSON, a duplicate member, or half a surrogate pair
        }
        return value is not null;
    }

    private static readonly SearchValues<char> Escaped = SearchValues.Create([.. Enumerable.Range(0, 32).Select(c => (char)c), '"', '\\']);

    private static void Write(JsonNode? value, IBufferWriter<byte> output, int depth)
    {
        switch (value)
        {
            case null:
                output.Write("null"u8);
                break;
            case JsonObject or JsonArray when depth == MaximumDepth:
                WriteString("(too deep)", output);
                break;
            case JsonObject members:
                WriteObject(members, output, depth);
                break;
            case JsonArray items:
                output.Write("["u8);
                for (var i = 0; i < items.Count; i++)
                {
                    if (i > 0) output.Write(","u8);
                    Write(items[i], output, depth + 1);
                }
                output.Write("]"u8);
                break;
            default:
                WriteValue(value.AsValue(), output);
                break;
        }
    }

    private static void WriteObject(JsonObject members, IBufferWriter<byte> output, int depth)
    {
        output.Write("{"u8);
        // By place: no enumerator on the heap.
        if (IsSorted(members))
            for (var i = 0; i < members.Count; i++) WriteMember(members.GetAt(i), i == 0, output, depth);
        else if (members.Count <= FewMembers)
            WriteFewSorted(members, output, depth);
        else
            foreach (var (i, member) in members.OrderBy(m => m.Key, StringComparer.Ordinal).Index()) WriteMember(member, i == 0, output, depth);
        output.Write("}"u8);
    }

    // Sorts places instead of members, by insertion: details of an entry have a handful.
    private static void WriteFewSorted(JsonObject members, IBufferWriter<byte> output, int depth)
    {
        Span<int> order = stackalloc int[members.Count];
        for (var i = 0; i < order.Length; i++)
        {
            var key = members.GetAt(i).Key;
            var at = i;
            for (; at > 0 && string.CompareOrdinal(members.GetAt(order[at - 1]).Key, key) > 0; at--) order[at] = order[at - 1];
            order[at] = i;
        }
        for (var i = 0; i < order.Length; i++) WriteMember(members.GetAt(order[i]), i == 0, output, depth);
    }

    private static void WriteMember(KeyValuePair<string, JsonNode?> member, bool isFirst, IBufferWriter<byte> output, int depth)
    {
        if (!isFirst) output.Write(","u8);
        WriteString(member.Key, output);
        output.Write(":"u8);
        Write(member.Value, output, depth + 1);
    }

    private static bool IsSorted(JsonObject members)
    {
        for (var i = 1; i < members.Count; i++)
            if (string.CompareOrdinal(members.GetAt(i - 1).Key, members.GetAt(i).Key) > 0)
                return false;
        return true;
    }

    // Whole numbers that a double holds exactly are written as they are, which is what ECMAScript prints.
    private static bool TryWriteWhole(JsonValue value, IBufferWriter<byte> output)
    {
        const long exact = 1L << 53;
        if (!value.TryGetValue<long>(out var whole))
        {
            if (!value.TryGetValue<int>(out var small)) return false;
            whole = small;
        }
        if (whole is < -exact or > exact) return false;
        System.Buffers.Text.Utf8Formatter.TryFormat(whole, output.GetSpan(20), out var length);
        output.Advance(length);
        return true;
    }

    private static void WriteValue(JsonValue value, IBufferWriter<byte> output)
    {
        switch (value.GetValueKind())
        {
            case JsonValueKind.True:
                output.Write("true"u8);
                break;
            case JsonValueKind.False:
                output.Write("false"u8);
                break;
            case JsonValueKind.Number when TryWriteWhole(value, output):
                break;
            case JsonValueKind.Number:
                WriteNumber(double.Parse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture), output);
                break;
            case JsonValueKind.String:
                WriteString(value.TryGetValue<string>(out var text) ? text : value.ToString(), output);
                break;
            default:
                WriteString(value.ToString(), output);
                break;
        }
    }

    private static void WriteNumber(double number, IBufferWriter<byte> output)
    {
        if (!double.IsFinite(number))
        {
            WriteString(number.ToString(CultureInfo.InvariantCulture), output);
            return;
        }
        Encode(FormatNumber(number), output);
    }

    // ECMA-262 Number::toString; k digits, the point behind the n-th.
    internal static string FormatNumber(double number)
    {
        if (number == 0) return "0";
        if (number < 0) return "-" + FormatNumber(-number);
        // .NET's "R" has the shortest digits too, but its own idea of where to put the point.
        var shortest = number.ToString("R", CultureInfo.InvariantCulture);
        var mark = shortest.IndexOf('E');
        var mantissa = mark < 0 ? shortest : shortest[..mark];
        var point = mantissa.IndexOf('.');
        var n = (point < 0 ? mantissa.Length : point) + (mark < 0 ? 0 : int.Parse(shortest.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        var zeros = digits.Length - digits.TrimStart('0').Length;
        (digits, n) = (digits.Trim('0'), n - zeros);
        var k = digits.Length;
        if (k <= n && n <= 21) return digits + new string('0', n - k);
        if (0 < n && n <= 21) return digits[..n] + "." + digits[n..];
        if (-6 < n && n <= 0) return "0." + new string('0', -n) + digits;
        var exponent = (n - 1 < 0 ? "-" : "+") + Math.Abs(n - 1).ToString(CultureInfo.InvariantCulture);
        return k == 1 ? $"{digits}e{exponent}" : $"{digits[0]}.{digits[1..]}e{exponent}";
    }

    // UTF-8; half a surrogate pair becomes U+FFFD.
    private static void Encode(ReadOnlySpan<char> text, IBufferWriter<byte> output)
    {
        if (text.IsEmpty) return;
        var span = output.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length));
        output.Advance(Encoding.UTF8.GetBytes(text, span));
    }

    private static void WriteEscape(char c, IBufferWriter<byte> output)
    {
        switch (c)
        {
            case '"': output.Write("\\\""u8); break;
            case '\\': output.Write("\\\\"u8); break;
            case '\b': output.Write("\\b"u8); break;
            case '\f': output.Write("\\f"u8); break;
            case '\n': output.Write("\\n"u8); break;
            case '\r': output.Write("\\r"u8); break;
            case '\t': output.Write("\\t"u8); break;
            default: Encode(string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"), output); break;
        }
    }
}
