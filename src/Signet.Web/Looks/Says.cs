using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Web.Looks;

/// <summary>JSON of devices in words for a table: <c>temperature 21.4, unit C</c>. Plain text; the page escapes it.</summary>
public static class Says
{
    private const int Longest = 80;
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static string Result(JsonObject? result)
    {
        if (result is null || result.Count == 0) return "";
        var text = string.Join(", ", result.Select(pair => $"{pair.Key} {Value(pair.Value)}"));
        return text.Length <= Longest ? text : text[..Longest] + "\u2026";
    }

    public static string Value(JsonNode? value) => value switch
    {
        null => "null",
        JsonValue plain when plain.GetValueKind() == JsonValueKind.String => plain.GetValue<string>(),
        _ => value.ToJsonString(),
    };

    /// <summary>A reading's JSON value without the quotes of a string.</summary>
    public static string Reading(string json) => Value(JsonNode.Parse(json));

    /// <summary>The members of a JSON object, for a list of facts. Anything else: none.</summary>
    public static IEnumerable<(string Name, string Value)> Facts(string json)
        => JsonNode.Parse(json) is JsonObject facts ? facts.Select(pair => (pair.Key, Value(pair.Value))) : [];

    public static string Pretty(JsonNode? node) => node?.ToJsonString(Indented) ?? "";

    /// <summary>Groups of two for the eye: <c>AB CD EF</c>.</summary>
    public static string Fingerprint(ReadOnlySpan<byte> bytes)
    {
        var hex = Convert.ToHexString(bytes);
        return string.Join(':', hex.Chunk(2).Select(pair => new string(pair)));
    }
}
