using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Web.Looks;

/// <summary>JSON of devices in words for a table: <c>temperature 21.4, unit C</c>. Plain text; the page escapes it.</summary>
public static class Says
{
    private const int Longest = 80;

    // For people: base64 keeps its +, names keep their letters. What is dangerous in HTML is the page's to escape, and it does.
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Result(JsonObject? result)
    {
        if (result is null || result.Count == 0) return "";
        // A value with its unit beside it reads as people write it.
        var unit = result["unit"] is JsonValue word && word.GetValueKind() == JsonValueKind.String ? " " + Unit(word.GetValue<string>()) : "";
        var text = string.Join(", ", result.Where(pair => unit.Length == 0 || pair.Key != "unit")
            .Select(pair => $"{pair.Key} {Value(pair.Value)}{(pair.Value is JsonValue number && number.GetValueKind() == JsonValueKind.Number ? unit : "")}"));
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

    /// <summary>The members of a JSON object, for a list of facts, without those the page shows already. Anything else: none.</summary>
    public static IEnumerable<(string Name, string Value)> Facts(string json)
        => JsonNode.Parse(json) is JsonObject facts
            ? facts.Where(pair => pair.Key is not ("commands" or "kind" or "name")).Select(pair => (pair.Key, Value(pair.Value)))
            : [];

    /// <summary>Indented. Signs that cannot be seen or that turn the direction of reading stay written out (<c>\u202E</c>): a line must not seem to say something else.</summary>
    public static string Pretty(JsonNode? node)
    {
        var text = node?.ToJsonString(Indented) ?? "";
        return text.Any(IsHidden) ? string.Concat(text.Select(c => IsHidden(c) ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}") : c.ToString())) : text;
    }

    private static bool IsHidden(char c) => char.GetUnicodeCategory(c) == UnicodeCategory.Format;

    /// <summary>Units as people write them; devices send the codes of UCUM.</summary>
    public static string Unit(string? code) => code switch { null => "", "Cel" => "\u00b0C", "[degF]" => "\u00b0F", "1" => "", _ => code };

    /// <summary>The name of an enumeration's value in words: <c>checkpoint signer</c>.</summary>
    public static string Words<T>(T value)
        where T : struct, Enum => InWords<T>.Known.GetValueOrDefault(value) ?? value.ToString();

    // Made once: lists say them in every row.
    private static class InWords<T>
        where T : struct, Enum
    {
        public static readonly Dictionary<T, string> Known = Enum.GetValues<T>().Distinct().ToDictionary(
            value => value, value => string.Concat(value.ToString().Select((c, i) => i > 0 && char.IsUpper(c) ? $" {char.ToLowerInvariant(c)}" : char.ToLowerInvariant(c).ToString())));
    }

    /// <summary>How somebody signed in, in the reader's language: <c>password + passkey</c>.</summary>
    public static string SignedInWith(string with, Phrases phrases) => string.Join(" + ", with.Split('+').Select(step => step switch
    {
        "password" => phrases["password"],
        "certificate" => phrases["certificate"],
        "passkey" => phrases["passkey"],
        "totp" => phrases["one-time code"],
        "backup-code" => phrases["backup code"],
        "provider" => phrases["provider"],
        "factor" => phrases["second factor"],
        "password-change" => phrases["password change"],
        "provider-unlinked" => phrases["provider unlinked"],
        _ => step,
    }));

    public static string Tls(string protocol) => protocol switch { "Tls13" => "TLS 1.3", "Tls12" => "TLS 1.2", _ => protocol };

    /// <summary>Groups of two for the eye: <c>AB CD EF</c>.</summary>
    public static string Fingerprint(ReadOnlySpan<byte> bytes)
    {
        var hex = Convert.ToHexString(bytes);
        return string.Join(':', hex.Chunk(2).Select(pair => new string(pair)));
    }
}
