using System.Text.Json;

namespace Signet.Access;

/// <summary>Reads one JSON object strictly: every complaint is collected with its place, and a field nobody asked for is one of them.</summary>
internal sealed class StrictObject
{
    private readonly JsonElement _element;
    private readonly string _place;
    private readonly List<PolicyFault> _errors;
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    public StrictObject(JsonElement element, string place, List<PolicyFault> errors)
    {
        (_element, _place, _errors) = (element, place, errors);
        if (element.ValueKind != JsonValueKind.Object) errors.Add(new(place, "is not an object"));
    }

    public bool Has(string name) => TryGet(name, out _);

    public string? Text(string name)
    {
        if (Required(name) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.String) return value.GetString();
        Complain(name, "is not a string");
        return null;
    }

    public long? Number(string name)
    {
        if (Required(name) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)) return number;
        Complain(name, "is not a whole number");
        return null;
    }

    /// <summary>A list that is not empty; empty here when something was wrong.</summary>
    public IReadOnlyList<JsonElement> List(string name)
    {
        if (Required(name) is not { } value) return [];
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() > 0) return [.. value.EnumerateArray()];
        Complain(name, value.ValueKind == JsonValueKind.Array ? "is empty" : "is not a list");
        return [];
    }

    public IReadOnlyList<string> Texts(string name)
    {
        var texts = new List<string>();
        foreach (var item in List(name))
        {
            if (item.ValueKind == JsonValueKind.String) texts.Add(item.GetString()!);
            else Complain(name, "holds something that is not a string");
        }

        return texts;
    }

    public StrictObject? Object(string name) => Required(name) is { } value ? new(value, $"{_place}.{name}", _errors) : null;

    public void Complain(string name, string what) => _errors.Add(new($"{_place}.{name}", what));

    /// <summary>Call when everything was asked for.</summary>
    public void RefuseOthers()
    {
        if (_element.ValueKind != JsonValueKind.Object) return;
        foreach (var property in _element.EnumerateObject())
        {
            if (!_asked.Contains(property.Name)) _errors.Add(new(_place, $"has an unknown field \"{property.Name}\""));
        }
    }

    private JsonElement? Required(string name)
    {
        if (TryGet(name, out var value)) return value;
        if (_element.ValueKind == JsonValueKind.Object) Complain(name, "is missing");
        return null;
    }

    private bool TryGet(string name, out JsonElement value)
    {
        _asked.Add(name);
        value = default;
        return _element.ValueKind == JsonValueKind.Object && _element.TryGetProperty(name, out value);
    }
}
