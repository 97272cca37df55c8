using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Lab;

/// <summary>
/// JSON as Python's <c>json.dumps</c> writes it by default: members in the order given, <c>", "</c> and <c>": "</c> between, everything beyond ASCII escaped,
/// floats as <c>repr</c> prints them. The paper's programs meet these bytes on the wire, so its faithful suite writes the same.
/// </summary>
internal static class PythonJson
{
    public static string Write(JsonNode? node, int? indent = null)
    {
        var text = new StringBuilder();
        Write(text, node, indent, 0);
        return text.ToString();
    }

    /// <summary>As <c>json.loads</c> reads an object: of members with the same name the last counts.</summary>
    /// <exception cref="JsonException">Not JSON.</exception>
    public static JsonNode? Parse(ReadOnlySpan<byte> text)
    {
        using var document = JsonDocument.Parse(text.ToArray());
        return LastOfEach(document.RootElement.Clone());
    }

    private static JsonNode? LastOfEach(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                var o = new JsonObject();
                foreach (var member in element.EnumerateObject()) o[member.Name] = LastOfEach(member.Value);
                return o;
            case JsonValueKind.Array:
                return new JsonArray([.. element.EnumerateArray().Select(LastOfEach)]);
            case JsonValueKind.Null:
                return null;
            default:
                return JsonValue.Create(element);
        }
    }

    private static void Write(StringBuilder text, JsonNode? node, int? indent, int depth)
    {
        switch (node)
        {
            case null:
                text.Append("null");
                break;
            case JsonObject o:
                Members(text, '{', '}', o, indent, depth, m =>
                {
                    Quote(text, m.Key);
                    text.Append(": ");
                    Write(text, m.Value, indent, depth + 1);
                });
                break;
            case JsonArray a:
                Members(text, '[', ']', a, indent, depth, m => Write(text, m, indent, depth + 1));
                break;
            default:
                Scalar(text, node.AsValue());
                break;
        }
    }

    private static void Members<T>(StringBuilder text, char open, char close, IEnumerable<T> members, int? indent, int depth, Action<T> write)
    {
        text.Append(open);
        var first = true;
        foreach (var member in members)
        {
            if (!first) text.Append(indent is null ? ", " : ",");
            if (indent is { } width) text.Append('\n').Append(' ', width * (depth + 1));
            write(member);
            first = false;
        }
        if (!first && indent is { } outer) text.Append('\n').Append(' ', outer * depth);
        text.Append(close);
    }

    private static void Scalar(StringBuilder text, JsonValue value)
    {
        switch (value.GetValueKind())
        {
            case JsonValueKind.String:
                Quote(text, value.GetValue<string>());
                break;
            case JsonValueKind.True or JsonValueKind.False:
                text.Append(value.GetValue<bool>() ? "true" : "false");
                break;
            default:
                // A number that was made here is a long or a double; one that was read keeps its text.
                text.Append(value.TryGetValue<double>(out var d) && value.TryGetValue<JsonElement>(out _) == false && value.TryGetValue<long>(out _) == false ? Float(d) : value.ToJsonString());
                break;
        }
    }

    private static string Float(double value)
    {
        var digits = value.ToString("R", CultureInfo.InvariantCulture);
        return digits.AsSpan().ContainsAny('.', 'E') ? digits : digits + ".0";
    }

    private static void Quote(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var c in value)
        {
            _ = c switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append("\\\\"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                '\b' => text.Append("\\b"),
                '\f' => text.Append("\\f"),
                < ' ' or > '~' => text.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture)),
                _ => text.Append(c),
            };
        }
        text.Append('"');
    }
}
