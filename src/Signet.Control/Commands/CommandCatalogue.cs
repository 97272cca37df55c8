using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// The arguments of commands the house knows, so that an operator's slip is told at once instead of by the device.
/// Commands of one's own take any object: there only the device knows what it means. The device checks again in either case.
/// </summary>
public static class CommandCatalogue
{
    /// <summary>One argument of a known command.</summary>
    /// <param name="Type">What a form shows; <c>number</c> is the only one so far.</param>
    public sealed record Argument(string Name, string Type, double Least, double Most, string Unit);

    private static readonly Dictionary<string, Argument[]> Known = new(StringComparer.Ordinal)
    {
        ["read-temperature"] = [],
        ["activate"] = [],
        ["deactivate"] = [],
        ["restart"] = [],
        ["check-status"] = [],
        ["open"] = [],
        ["close"] = [],
        ["set-point"] = [new("celsius", "number", 5, 35, "°C")],
        ["set-position"] = [new("percent", "number", 0, 100, "%")],
    };

    /// <summary>The arguments of a known command; null when the command is one's own.</summary>
    public static IReadOnlyList<Argument>? ArgumentsOf(string command) => Known.GetValueOrDefault(command);

    /// <summary>What is wrong with the arguments, in words for the operator; null when they fit.</summary>
    public static string? WhyNot(string command, JsonObject arguments)
    {
        byte[] encoded;
        try
        {
            encoded = CanonicalJson.Write(arguments);
        }
        catch (ArgumentException e)
        {
            return $"the arguments cannot be written down: {e.Message}";
        }

        if (encoded.Length > ControlLimits.ArgumentBytes) return $"the arguments have {encoded.Length} bytes; at most {ControlLimits.ArgumentBytes} are taken";
        if (ArgumentsOf(command) is not { } wanted) return null;
        foreach (var (name, _) in arguments)
            if (!wanted.Any(w => w.Name == name))
                return wanted.Count == 0 ? $"{command} takes no arguments" : $"{command} takes no argument '{name}', only {string.Join(", ", wanted.Select(w => w.Name))}";
        foreach (var argument in wanted)
        {
            if (arguments[argument.Name] is not JsonValue value || value.GetValueKind() != JsonValueKind.Number) return $"{command} needs the number '{argument.Name}'";
            var number = value.Deserialize<double>();
            if (number < argument.Least || number > argument.Most) return $"'{argument.Name}' is {number}; {command} takes {argument.Least} to {argument.Most} {argument.Unit}";
        }

        return null;
    }
}
