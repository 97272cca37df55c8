using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>What an argument must be.</summary>
public enum ArgumentType
{
    Number,
    Integer,
    Flag,
    Text,
    Choice,
}

/// <summary>One argument that a <see cref="CommandRule"/> lets a command have. Bounds are those of its type; the others are null.</summary>
public sealed record ArgumentRule(string Name, ArgumentType Type)
{
    /// <summary>Of a number or an integer, both included.</summary>
    public double? Least { get; init; }

    /// <inheritdoc cref="Least"/>
    public double? Most { get; init; }

    /// <summary>Characters of a text at most.</summary>
    public int? Longest { get; init; }

    /// <summary>Of a choice, sorted.</summary>
    public IReadOnlyList<string>? Choices { get; init; }

    /// <summary>It may be left out.</summary>
    public bool IsOptional { get; init; }

    /// <summary><c>must be a number from 0 to 3000</c>.</summary>
    public string Must => Type switch
    {
        ArgumentType.Number => string.Create(CultureInfo.InvariantCulture, $"must be a number from {Least} to {Most}"),
        ArgumentType.Integer => string.Create(CultureInfo.InvariantCulture, $"must be an integer from {Least} to {Most}"),
        ArgumentType.Flag => "must be true or false",
        ArgumentType.Text => $"must be a text of at most {Longest} characters",
        _ => $"must be one of {string.Join(", ", Choices!)}",
    };

    internal static string WordOf(ArgumentType type) => type switch { ArgumentType.Number => "number", ArgumentType.Integer => "integer", ArgumentType.Flag => "flag", ArgumentType.Text => "text", _ => "choice" };

    internal bool Fits(JsonNode? given) => given is JsonValue value && Type switch
    {
        ArgumentType.Number => NumberOf(value) is { } number && number >= Least && number <= Most,
        ArgumentType.Integer => NumberOf(value) is { } number && number == Math.Floor(number) && number >= Least && number <= Most,
        ArgumentType.Flag => value.GetValueKind() is JsonValueKind.True or JsonValueKind.False,
        ArgumentType.Text => value.GetValueKind() == JsonValueKind.String && value.GetValue<string>().Length <= Longest,
        _ => value.GetValueKind() == JsonValueKind.String && Choices!.Contains(value.GetValue<string>(), StringComparer.Ordinal),
    };

    internal static double? NumberOf(JsonValue value) => value.GetValueKind() != JsonValueKind.Number ? null
        : value.TryGetValue<long>(out var whole) ? whole : value.TryGetValue<int>(out var small) ? small : value.TryGetValue<double>(out var real) ? real : null;

    internal static ArgumentRule Read(ClaimsReader reader)
    {
        var name = reader.Text("name", WireLimits.WordCharacters, Topics.IsWord);
        var word = reader.Text("type", WireLimits.WordCharacters, w => Enum.GetValues<ArgumentType>().Any(t => WordOf(t) == w));
        var type = Enum.GetValues<ArgumentType>().FirstOrDefault(t => WordOf(t) == word);
        var rule = new ArgumentRule(name, type)
        {
            Least = type is ArgumentType.Number or ArgumentType.Integer ? Bound(reader, "least") : null,
            Most = type is ArgumentType.Number or ArgumentType.Integer ? Bound(reader, "most") : null,
            Longest = type is ArgumentType.Text ? (int)reader.Integer("longest", 0, WireLimits.TextValueCharacters) : null,
            Choices = type is ArgumentType.Choice ? reader.TextSet("choices", 1, WireLimits.ManifestEntries, WireLimits.TextValueCharacters) : null,
            IsOptional = reader.Has("optional"),
        };
        // There is one way to say that it must be there: to say nothing.
        if (rule.IsOptional && !reader.Flag("optional")) reader.Wrong("optional", "must be true, or not be there");
        if (rule.Least > rule.Most) reader.Wrong("least", "is above most");
        return rule;
    }

    internal JsonObject Write()
    {
        var json = new JsonObject { ["name"] = Name, ["type"] = WordOf(Type) };
        if (Least is { } least) json["least"] = least;
        if (Most is { } most) json["most"] = most;
        if (Longest is { } longest) json["longest"] = longest;
        if (Choices is { } choices) json["choices"] = new JsonArray([.. choices.Select(c => JsonValue.Create(c))]);
        if (IsOptional) json["optional"] = true;
        return json;
    }

    private static double Bound(ClaimsReader reader, string name)
    {
        if (reader.Scalar(name) is JsonValue value && NumberOf(value) is { } number) return number;
        reader.Wrong(name, "must be a number");
        return 0;
    }
}

/// <summary>The arguments that policy lets a command have: exactly these, each within its bounds. The device holds a command against it, and so does the center before it signs.</summary>
public sealed record CommandRule(string Command, IReadOnlyList<ArgumentRule> Arguments)
{
    /// <summary>What is wrong with the arguments, in words; null when they fit.</summary>
    public string? WhyNot(JsonObject given)
    {
        foreach (var rule in Arguments)
        {
            if (!given.TryGetPropertyValue(rule.Name, out var value))
            {
                if (!rule.IsOptional) return $"policy: '{rule.Name}' is missing: it {rule.Must}";
            }
            else if (!rule.Fits(value))
            {
                return $"policy: '{rule.Name}' {rule.Must}";
            }
        }

        if (given.All(argument => Arguments.Any(rule => rule.Name == argument.Key))) return null;
        return Arguments.Count == 0 ? $"policy: {Command} takes no arguments" : $"policy: {Command} takes only {string.Join(", ", Arguments.Select(rule => rule.Name))}";
    }

    internal static CommandRule Read(ClaimsReader reader)
    {
        var command = reader.Text("command", WireLimits.WordCharacters, Topics.IsWord);
        var arguments = new List<ArgumentRule>();
        foreach (var item in reader.Objects("arguments", 0, WireLimits.ManifestArguments))
        {
            arguments.Add(ArgumentRule.Read(item));
            if (item.Problem is { } problem) reader.Wrong("arguments", problem);
        }

        if (arguments.Zip(arguments.Skip(1)).Any(pair => string.CompareOrdinal(pair.First.Name, pair.Second.Name) >= 0)) reader.Wrong("arguments", "must be sorted by name, each once");
        return new(command, arguments);
    }

    internal JsonObject Write() => new() { ["command"] = Command, ["arguments"] = new JsonArray([.. Arguments.Select(rule => rule.Write())]) };
}
