using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Web;

/// <summary>Arguments as a person types them: a JSON object, or one <c>name=value</c> a line. A value that reads as JSON is that; any other is text.</summary>
public static class CommandArguments
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    /// <summary>Arguments, or what is wrong with them in one line. Never throws on any text.</summary>
    public static (JsonObject? Arguments, string? Fault) Parse(string? text)
    {
        text = (text ?? "").Trim();
        if (text.Length == 0) return (null, null);
        if (text[0] == '{') return TryJson(text) is JsonObject whole ? (whole, null) : (null, "The arguments begin like a JSON object and are none.");
        var arguments = new JsonObject();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var (name, equals, value) = (line.Split('=')[0].Trim(), line.IndexOf('=', StringComparison.Ordinal), line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..].Trim());
            if (equals < 1 || name.Length == 0) return (null, "Write each argument as name=value on a line of its own, or all as one JSON object.");
            if (arguments.ContainsKey(name)) return (null, $"The argument {name} is given twice.");
            arguments[name] = TryJson(value) ?? JsonValue.Create(value);
        }
        return (arguments, null);
    }

    private static JsonNode? TryJson(string text)
    {
        try
        {
            return JsonNode.Parse(text, null, Strict);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
