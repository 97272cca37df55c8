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
    private int _taken; // of those that are still in members

    /// <summary>The first problem, or that unknown members are left; null when everything fits. Ask once all members were read.</summary>
    public string? Problem => _problem ?? (members.Count == _taken ? null : "it has members this kind of message does not have");

    public string Text(string name, int longest, Func<string?, bool>? shape = null)
    {
        if (Take(name) is JsonValue value && value.GetValueKind() == JsonValueKind.String && value.GetValue<string>() is { } text
            && text.Length <= longest && (shape is null || shape(text))) return text;
        Wrong(name, "must be a text of the right form");
        return "";
    }

    public bool Has(string name) => members.ContainsKey(name);

    public bool Flag(string name)
    {
        if (Take(name) is JsonValue value && value.GetValueKind() is JsonValueKind.True or JsonValueKind.False) return value.GetValue<bool>();
        Wrong(name, "must be true or false");
        return false;
    }

    /// <summary>A list of texts.</summary>
    public IReadOnlyList<string> Texts(string name, int fewest, int most, int longest, Func<string?, bool>? shape = null)
    {
        var texts = new List<string>();
        foreach (var element in Elements(name, fewest, most))
        {
            if (element is JsonValue value && value.GetValueKind() == JsonValueKind.String && value.GetValue<string>() is { } text && text.Length <= longest && shape?.Invoke(text) != false) texts.Add(text);
            else Wrong(name, "must hold texts of the right form");
        }
        return texts;
    }

    /// <summary>A list of texts in ordinal order, each once: there is one way to write a set.</summary>
    public IReadOnlyList<string> TextSet(string name, int fewest, int most, int longest, Func<string?, bool>? shape = null)
    {
        var texts = Texts(name, fewest, most, longest, shape);
        for (var i = 1; i < texts.Count; i++)
            if (string.CompareOrdinal(texts[i - 1], texts[i]) >= 0) Wrong(name, "must be sorted, without repetition");
        return texts;
    }

    /// <summary>A list of objects.</summary>
    public IReadOnlyList<ClaimsReader> Objects(string name, int fewest, int most)
    {
        var readers = new List<ClaimsReader>();
        foreach (var element in Elements(name, fewest, most))
        {
            if (element is JsonObject item) readers.Add(new ClaimsReader(item));
            else Wrong(name, "must hold objects");
        }
        return readers;
    }

    public string? OptionalText(string name, int longest) => members.ContainsKey(name) ? Text(name, longest, t => t!.Length > 0) : null;

    public long Integer(string name, long least, long most = WireLimits.Integer)
    {
        if (Take(name) is JsonValue value && value.GetValueKind() == JsonValueKind.Number && TryGetInteger(value, out var number) && number >= least && number <= most) return number;
        Wrong(name, $"must be an integer from {least} to {most}");
        return least;
    }

    // A message that was read holds longs or text, one that is being written what its maker put in.
    private static bool TryGetInteger(JsonValue value, out long number)
    {
        if (value.TryGetValue(out number)) return true;
        var isInt = value.TryGetValue<int>(out var small);
        number = small;
        return isInt;
    }

    public DateTimeOffset Time(string name) => DateTimeOffset.FromUnixTimeSeconds(Integer(name, 0, WireLimits.UnixSeconds));

    public JsonObject Object(string name)
    {
        if (Take(name, detach: true) is JsonObject value) return value;
        Wrong(name, "must be an object");
        return [];
    }

    /// <summary>A finite number, a bounded text, or true/false.</summary>
    public JsonNode Scalar(string name)
    {
        if (Take(name, detach: true) is JsonValue value && (value.GetValueKind() != JsonValueKind.String || value.GetValue<string>().Length <= WireLimits.TextValueCharacters)) return value;
        Wrong(name, "must be a number, a text or a truth value");
        return JsonValue.Create(false);
    }

    /// <summary>Something read so far was wrong.</summary>
    public bool HasProblem => _problem is not null;

    public void Wrong(string name, string what) => _problem ??= $"'{name}' {what}";

    private JsonArray Elements(string name, int fewest, int most)
    {
        if (Take(name, detach: true) is JsonArray elements && elements.Count >= fewest && elements.Count <= most) return elements;
        Wrong(name, $"must be a list of {fewest} to {most} elements");
        return [];
    }

    private JsonNode? Take(string name, bool detach = false)
    {
        if (!members.TryGetPropertyValue(name, out var value))
        {
            _problem ??= $"'{name}' is missing";
            return null;
        }
        // What nobody took is unknown. What is taken out has no parent, so it can be put elsewhere; that costs, so plain values stay.
        if (detach) members.Remove(name);
        else _taken++;
        return value;
    }
}
