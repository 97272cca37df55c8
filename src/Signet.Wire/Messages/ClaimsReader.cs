using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>
/// Takes the members of a canonical object by name and remembers the first thing wrong: a missing member, a wrong type, a value out of bounds, and at
/// the end any member nobody asked for. Values read after a problem are empty and must not be used; <see cref="Problem"/> says so.
/// </summary>
internal sealed class ClaimsReader(JsonObject members)
{
    private string? _problem;

    /// <summary>The first problem, or that unknown members are left; null when everything fits. Ask once all members were read.</summary>
    public string? Problem => _problem ?? (members.Count == 0 ? null : "it has members this kind of message does not have");

    public string Text(string name, int longest, Func<string?, bool>? shape = null)
    {
        if (Take(name) is JsonValue value && value.GetValueKind() == JsonValueKind.String && value.GetValue<string>() is { } text
            && text.Length <= longest && (shape is null || shape(text))) return text;
        Wrong(name, "must be a text of the right form");
        return "";
    }

    public string? OptionalText(string name, int longest) => members.ContainsKey(name) ? Text(name, longest, t => t!.Length > 0) : null;

    public long Integer(string name, long least, long most = WireLimits.Integer)
    {
        if (Take(name) is JsonValue value && value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<long>(out var number) && number >= least && number <= most) return number;
        Wrong(name, $"must be an integer from {least} to {most}");
        return least;
    }

    public DateTimeOffset Time(string name) => DateTimeOffset.FromUnixTimeSeconds(Integer(name, 0, WireLimits.UnixSeconds));

    public JsonObject Object(string name)
    {
        if (Take(name) is JsonObject value) return value;
        Wrong(name, "must be an object");
        return [];
    }

    /// <summary>A finite number, a bounded text, or true/false.</summary>
    public JsonNode Scalar(string name)
    {
        if (Take(name) is JsonValue value && (value.GetValueKind() != JsonValueKind.String || value.GetValue<string>().Length <= WireLimits.TextValueCharacters)) return value;
        Wrong(name, "must be a number, a text or a truth value");
        return JsonValue.Create(false);
    }

    public void Wrong(string name, string what) => _problem ??= $"'{name}' {what}";

    private JsonNode? Take(string name)
    {
        if (!members.TryGetPropertyValue(name, out var value))
        {
            _problem ??= $"'{name}' is missing";
            return null;
        }
        members.Remove(name); // what is left at the end is unknown; and the value gets no parent, so it can be put elsewhere
        return value;
    }
}
