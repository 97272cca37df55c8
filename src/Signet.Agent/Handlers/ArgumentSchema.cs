using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Agent;

/// <summary>One argument a command takes.</summary>
public sealed class Argument
{
    private readonly Func<JsonValue, bool> _fits;

    private Argument(string name, string must, Func<JsonValue, bool> fits) => (Name, Must, _fits) = (name, must, fits);

    public string Name { get; }

    /// <summary><c>must be a number from 5 to 35</c>.</summary>
    public string Must { get; }

    /// <summary>May be left out.</summary>
    public bool IsOptional { get; private init; }

    public static Argument Number(string name, double least, double most) =>
        new(name, $"must be a number from {least} to {most}", v => NumberOf(v) is { } n && n >= least && n <= most);

    public static Argument Integer(string name, long least, long most) =>
        new(name, $"must be an integer from {least} to {most}", v => NumberOf(v) is { } n && n == Math.Floor(n) && n >= least && n <= most);

    public static Argument Flag(string name) => new(name, "must be true or false", v => v.GetValueKind() is JsonValueKind.True or JsonValueKind.False);

    public static Argument Text(string name, int longest) =>
        new(name, $"must be a text of at most {longest} characters", v => v.GetValueKind() == JsonValueKind.String && v.GetValue<string>().Length <= longest);

    public static Argument OneOf(string name, params string[] choices) =>
        new(name, $"must be one of {string.Join(", ", choices)}", v => v.GetValueKind() == JsonValueKind.String && choices.Contains(v.GetValue<string>(), StringComparer.Ordinal));

    public Argument Optional() => new(Name, Must, _fits) { IsOptional = true };

    internal bool Fits(JsonNode? value) => value is JsonValue scalar && _fits(scalar);

    internal static double? NumberOf(JsonValue value) => value.GetValueKind() != JsonValueKind.Number ? null
        : value.TryGetValue<long>(out var whole) ? whole : value.TryGetValue<double>(out var real) ? real : null;
}

/// <summary>The arguments a command takes: exactly these, each within its bounds.</summary>
public sealed class ArgumentSchema
{
    private readonly IReadOnlyList<Argument>? _arguments;

    private ArgumentSchema(IReadOnlyList<Argument>? arguments) => _arguments = arguments;

    /// <summary>No arguments.</summary>
    public static readonly ArgumentSchema None = new([]);

    /// <summary>Any object: the handler looks for itself.</summary>
    public static readonly ArgumentSchema Any = new(null);

    public static ArgumentSchema Of(params Argument[] arguments) => new(arguments);

    internal bool TryCheck(JsonObject given, out string why)
    {
        why = "";
        if (_arguments is null) return true;
        foreach (var argument in _arguments)
        {
            if (!given.TryGetPropertyValue(argument.Name, out var value))
            {
                if (argument.IsOptional) continue;
                why = $"'{argument.Name}' is missing: it {argument.Must}";
                return false;
            }
            if (argument.Fits(value)) continue;
            why = $"'{argument.Name}' {argument.Must}";
            return false;
        }
        var unknown = given.Select(a => a.Key).FirstOrDefault(name => _arguments.All(a => a.Name != name));
        if (unknown is null) return true;
        why = _arguments.Count == 0 ? "the command takes no arguments" : $"it takes only {string.Join(", ", _arguments.Select(a => a.Name))}";
        return false;
    }
}
