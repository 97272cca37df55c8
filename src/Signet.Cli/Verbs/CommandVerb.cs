using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet command send|list|show</c>: ask devices to act, through a running command center.</summary>
internal static class CommandVerb
{
    private const int DefaultWaitSeconds = 20;
    private static readonly Argument<string> Id = new("ID") { Description = "The command's id, as `command send` printed it" };

    public static Command Build() => Verb.Noun("command", "Send signed commands to devices, and see what became of them", Send(), List(), Show());

    private static Command Send()
    {
        var device = new Argument<string>("DEVICE") { Description = "The device's name" };
        var name = new Argument<string>("NAME") { Description = "The command, such as read-temperature" };
        var arguments = new Argument<string[]>("key=value") { Description = "Arguments; numbers, true, false and null are taken as such, key=\"text\" keeps a text", Arity = ArgumentArity.ZeroOrMore };
        var wait = new Option<string?>("--wait")
        {
            Description = $"Wait for the device's signed receipt, {DefaultWaitSeconds}s unless told; exit 0 only when it was executed",
            HelpName = "20s",
            Arity = ArgumentArity.ZeroOrOne,
        };
        return Verb.Make("send", "Send one command, for example: signet command send thermostat-1 read-temperature --wait", [device, name, arguments, wait], async (parsed, printer, cancellation) =>
        {
            var waiting = parsed.GetResult(wait) is not null;
            var seconds = waiting ? Seconds(parsed.GetValue(wait)) : 0;
            var body = new JsonObject
            {
                ["device"] = parsed.GetValue(device),
                ["command"] = parsed.GetValue(name),
                ["arguments"] = Arguments(parsed.GetValue(arguments) ?? []),
            };
            using var center = CenterClient.Connect(parsed);
            // One key per run: should the connection break and be tried again, the command is not sent twice.
            var key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
            var view = await center.PostAsync($"/api/v1/commands?wait={seconds.ToString(CultureInfo.InvariantCulture)}", body, cancellation, key);
            Print(printer, view);
            var state = (string?)view["state"];
            return !waiting || state == "executed" ? ExitCode.Done : ExitCode.Refused;
        });
    }

    private static Command List()
    {
        var device = new Option<string?>("--device") { Description = "Only of this device", HelpName = "NAME" };
        var state = new Option<string?>("--state") { Description = "Only in this state", HelpName = "STATE" };
        var limit = new Option<int>("--limit") { Description = "How many, newest first", DefaultValueFactory = _ => 20 };
        return Verb.Make("list", "The latest commands", [device, state, limit], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var query = Query.Of(("device", parsed.GetValue(device)), ("state", parsed.GetValue(state)), ("limit", parsed.GetValue(limit).ToString(CultureInfo.InvariantCulture)));
            var page = await center.GetAsync("/api/v1/commands" + query, cancellation);
            if (printer.Json)
                printer.Object(page);
            printer.Table(["id", "device", "command", "state", "reason", "by", "created"], Query.Rows(page, "commands", "id", "device", "command", "state", "reason", "by", "created"));
            return ExitCode.Done;
        });
    }

    private static Command Show() => Verb.Make("show", "One command with its state, result and receipt", [Id], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        Print(printer, await center.GetAsync("/api/v1/commands/" + Uri.EscapeDataString(parsed.GetValue(Id)!), cancellation));
        return ExitCode.Done;
    });

    private static void Print(Printer printer, JsonObject view)
    {
        if (printer.Json)
        {
            printer.Object(view);
            return;
        }

        var state = (string?)view["state"] ?? "unknown";
        var colour = state switch { "executed" => "green", "rejected" or "failed" or "unanswered" or "expired" or "interrupted" => "red", _ => "yellow" };
        printer.Markup($"{Spectre.Console.Markup.Escape(Printer.Inert($"{view["device"]} {view["command"]}"))}: [{colour}]{state}[/]");
        foreach (var key in new[] { "reason", "result", "id" })
        {
            if (view[key] is { } value && value.GetValueKind() != JsonValueKind.Null)
                printer.Line($"  {key,-7} {Printer.Inert(value.GetValueKind() == JsonValueKind.String ? (string)value! : value.ToJsonString())}");
        }

        if (view["receipt"] is not null)
            printer.Line($"  receipt signed by {view["device"]}; keep it with `signet receipt export {view["id"]} --out FILE`");
    }

    private static int Seconds(string? given)
    {
        if (string.IsNullOrEmpty(given))
            return DefaultWaitSeconds;
        var digits = given.EndsWith('s') ? given[..^1] : given;
        return int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 1 and <= 300
            ? seconds
            : throw new CliException(ExitCode.WrongUsage, $"--wait takes seconds from 1s to 300s, and \"{given}\" is none.");
    }

    /// <summary>Turns <c>key=value</c> words into a JSON object.</summary>
    internal static JsonObject Arguments(IEnumerable<string> words)
    {
        var arguments = new JsonObject();
        foreach (var word in words)
        {
            var at = word.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0)
                throw new CliException(ExitCode.WrongUsage, $"An argument looks like key=value, and \"{word}\" does not.");
            if (!arguments.TryAdd(word[..at], Value(word[(at + 1)..])))
                throw new CliException(ExitCode.WrongUsage, $"The argument {word[..at]} is given twice.");
        }

        return arguments;
    }

    private static JsonNode? Value(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text);
        }
    }
}
