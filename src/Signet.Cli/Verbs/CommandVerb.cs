using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Control;

namespace Signet.Cli.Verbs;

/// <summary><c>signet command send|list|show|cancel|approve</c>: ask devices to act, now or later, one or many, through a running command center.</summary>
internal static class CommandVerb
{
    private const int DefaultWaitSeconds = 20;
    private static readonly Argument<string> Id = new("ID") { Description = "The id of a command or a rollout, as `command send` printed it" };

    public static Command Build() => Verb.Noun("command", "Send signed commands to devices, and see what became of them", Send(), List(), Show(), Cancel(), ApproveVerb.Build());

    private static Command Send()
    {
        var devices = new Argument<string>("DEVICE") { Description = "A device's name; for many: group:NAME, tag:NAME, kind:KIND, search:WORD or all, several with commas between" };
        var name = new Argument<string>("NAME") { Description = "The command, such as read-temperature" };
        var arguments = new Argument<string[]>("key=value") { Description = "Arguments; numbers, true, false and null are taken as such, key=\"text\" keeps a text", Arity = ArgumentArity.ZeroOrMore };
        var wait = new Option<string?>("--wait")
        {
            Description = $"Wait for the signed receipt, {DefaultWaitSeconds}s unless told; exit 0 only when it was executed (of many: by all)",
            HelpName = "20s",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var queue = new Option<string?>("--queue") { Description = "Keep it for a device that is away, 1d unless told (s, m, h, d; at most 30d); it is signed when the device is there", HelpName = "1d", Arity = ArgumentArity.ZeroOrOne };
        var at = new Option<string?>("--at") { Description = "Not before this time: 2026-11-25T22:00Z, or from now: +10m", HelpName = "TIME" };
        var rate = new Option<int?>("--rate") { Description = "Of many: so many devices a minute (default: all at once)", HelpName = "N" };
        var stopAt = new Option<string?>("--stop-at") { Description = "Of many: withdraw the rest when more than this share of the answers are errors", HelpName = "20%" };
        return Verb.Make("send", "Send one command, for example: signet command send thermostat-1 read-temperature --wait", [devices, name, arguments, wait, queue, at, rate, stopAt], async (parsed, printer, cancellation) =>
        {
            var waiting = parsed.GetResult(wait) is not null;
            var seconds = waiting ? Seconds(parsed.GetValue(wait)) : 0;
            var body = new JsonObject { ["command"] = parsed.GetValue(name), ["arguments"] = Arguments(parsed.GetValue(arguments) ?? []) };
            if (parsed.GetResult(queue) is not null)
                body["waitSeconds"] = (long)Durations.Parse("--queue", parsed.GetValue(queue) is { Length: > 0 } given ? given : "1d").TotalSeconds;
            if (parsed.GetValue(at) is { } time)
                body["notBefore"] = Durations.Moment("--at", time, TimeProvider.System.GetUtcNow()).ToString("O", CultureInfo.InvariantCulture);
            using var center = CenterClient.Connect(parsed);
            // One key per run: should the connection break and be tried again, the command is not sent twice.
            var key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
            var target = parsed.GetValue(devices)!;
            if (!DeviceSelection.TryParse(target, out var selection, out var why))
                throw new CliException(ExitCode.WrongUsage, $"\"{target}\": {why}.");
            if (selection.SingleName is null || parsed.GetValue(rate) is not null || parsed.GetValue(stopAt) is not null)
            {
                body["devices"] = target;
                body["perMinute"] = parsed.GetValue(rate) ?? 0;
                body["stopShare"] = parsed.GetValue(stopAt) is { } share ? Share(share) : 1;
                return await RolloutProgress.StartAsync(center, body, key, waiting ? TimeSpan.FromSeconds(seconds) : null, printer, cancellation);
            }

            body["device"] = selection.SingleName;
            var view = await center.PostAsync($"/api/v1/commands?wait={Math.Min(seconds, 60).ToString(CultureInfo.InvariantCulture)}", body, cancellation, key);
            for (var left = seconds - 60; left > 0 && !IsSettled(view); left -= 60)
                view = await center.GetAsync($"/api/v1/commands/{view["id"]}?wait={Math.Min(left, 60).ToString(CultureInfo.InvariantCulture)}", cancellation);
            Print(printer, view);
            return !waiting || (string?)view["state"] == "executed" ? ExitCode.Done : ExitCode.Refused;
        });
    }

    private static bool IsSettled(JsonObject view) => CommandStates.TryParse((string?)view["state"] ?? "", out var state) && state.IsSettled();

    private static Command List()
    {
        var device = new Option<string?>("--device") { Description = "Only of this device", HelpName = "NAME" };
        var state = new Option<string?>("--state") { Description = "Only in this state", HelpName = "STATE" };
        var rollout = new Option<string?>("--rollout") { Description = "Only of this rollout", HelpName = "ID" };
        var rollouts = new Option<bool>("--rollouts") { Description = "The rollouts instead: one command to many devices each" };
        var limit = new Option<int>("--limit") { Description = "How many, newest first", DefaultValueFactory = _ => 20 };
        return Verb.Make("list", "The latest commands", [device, state, rollout, rollouts, limit], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var count = parsed.GetValue(limit).ToString(CultureInfo.InvariantCulture);
            if (parsed.GetValue(rollouts))
            {
                var all = await center.GetAsync("/api/v1/rollouts" + Query.Of(("limit", count)), cancellation);
                if (printer.Json)
                    printer.Object(all);
                printer.Table(["id", "devices", "command", "state", "settled", "executed", "failures", "by", "created"],
                    Query.Rows(all, "rollouts", "id", "selection", "command", "state", "settled", "executed", "failures", "by", "created"));
                return ExitCode.Done;
            }

            var query = Query.Of(("device", parsed.GetValue(device)), ("state", parsed.GetValue(state)), ("rollout", parsed.GetValue(rollout)), ("limit", count));
            var page = await center.GetAsync("/api/v1/commands" + query, cancellation);
            if (printer.Json)
                printer.Object(page);
            printer.Table(["id", "device", "command", "state", "reason", "by", "created", "not before"], Query.Rows(page, "commands", "id", "device", "command", "state", "reason", "by", "created", "notBefore"));
            return ExitCode.Done;
        });
    }

    private static Command Show() => Verb.Make("show", "One command with its state, result and receipt, or one rollout with its progress", [Id], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        var id = Uri.EscapeDataString(parsed.GetValue(Id)!);
        if (await center.FindAsync("/api/v1/commands/" + id, cancellation) is { } command)
            Print(printer, command);
        else
            RolloutProgress.Print(printer, await center.GetAsync("/api/v1/rollouts/" + id, cancellation));
        return ExitCode.Done;
    });

    private static Command Cancel() => Verb.Make("cancel", "Take back a command, or the rest of a rollout, that has not left the center", [Id], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        var id = Uri.EscapeDataString(parsed.GetValue(Id)!);
        if (await center.FindAsync("/api/v1/commands/" + id, cancellation) is not null)
            Print(printer, await center.PostAsync($"/api/v1/commands/{id}/cancel", null, cancellation));
        else
            RolloutProgress.Print(printer, await center.PostAsync($"/api/v1/rollouts/{id}/cancel", null, cancellation));
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
        foreach (var key in new[] { "reason", "result", "notBefore", "until", "id" })
        {
            if (view[key] is { } value && value.GetValueKind() != JsonValueKind.Null)
                printer.Line($"  {key,-9} {Printer.Inert(Query.Text(value))}");
        }

        if (state is "queued" or "awaiting-approval")
            printer.Line($"  take it back with `signet command cancel {view["id"]}`");
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

    private static double Share(string given)
        => double.TryParse(given.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && percent is >= 0 and <= 100
            ? percent / 100
            : throw new CliException(ExitCode.WrongUsage, $"--stop-at takes a share from 0% to 100%, and \"{given}\" is none.");

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
