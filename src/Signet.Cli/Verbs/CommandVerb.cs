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
            var view = await StartAsync(center, $"/api/v1/commands?wait={Math.Min(seconds, 60).ToString(CultureInfo.InvariantCulture)}", body, key, cancellation);
            for (var left = seconds - 60; left > 0 && !IsSettled(view); left -= 60)
                view = await center.GetAsync($"/api/v1/commands/{view["id"]}?wait={Math.Min(left, 60).ToString(CultureInfo.InvariantCulture)}", cancellation);
            await PrintAsync(center, printer, view, cancellation);
            return !waiting || (string?)view["state"] == "executed" ? ExitCode.Done : ExitCode.Refused;
        });
    }

    private static async Task<JsonObject> StartAsync(CenterClient center, string path, JsonObject body, string key, CancellationToken cancellation)
    {
        try
        {
            return await center.PostAsync(path, body, cancellation, key);
        }
        catch (CliException refusal) when (refusal.Reason == "no-active-connection")
        {
            throw new CliException(refusal.Exit, $"{refusal.Message}; with --queue it waits for the device.") { Reason = refusal.Reason };
        }
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
            await PrintAsync(center, printer, command, cancellation, isWhole: true);
        else
            RolloutProgress.Print(printer, await center.FindAsync("/api/v1/rollouts/" + id, cancellation) ?? throw Unknown(parsed.GetValue(Id)!));
        return ExitCode.Done;
    });

    private static Command Cancel() => Verb.Make("cancel", "Take back a command, or the rest of a rollout, that has not left the center", [Id], async (parsed, printer, cancellation) =>
    {
        using var center = CenterClient.Connect(parsed);
        var id = Uri.EscapeDataString(parsed.GetValue(Id)!);
        if (await center.FindAsync("/api/v1/commands/" + id, cancellation) is not null)
            await PrintAsync(center, printer, await center.PostAsync($"/api/v1/commands/{id}/cancel", null, cancellation), cancellation);
        else if (await center.FindAsync("/api/v1/rollouts/" + id, cancellation) is not null)
            RolloutProgress.Print(printer, await center.PostAsync($"/api/v1/rollouts/{id}/cancel", null, cancellation));
        else
            throw Unknown(parsed.GetValue(Id)!);
        return ExitCode.Done;
    });

    private static CliException Unknown(string id) => new(ExitCode.Refused, $"There is no command and no rollout with the id {Printer.Inert(id)}; `signet command list` shows the latest.") { IsNotFound = true };

    /// <param name="center">Asked what a command waits for.</param>
    /// <param name="printer">Where it goes.</param>
    /// <param name="view">The command.</param>
    /// <param name="cancellation">Ends the asking.</param>
    /// <param name="isWhole">Also what somebody who has just sent it knows: arguments, who asked, and when what happened.</param>
    private static async Task PrintAsync(CenterClient center, Printer printer, JsonObject view, CancellationToken cancellation, bool isWhole = false)
    {
        if (printer.Json)
        {
            printer.Object(view);
            return;
        }

        var state = (string?)view["state"] ?? "unknown";
        var colour = state switch { "executed" => "green", "rejected" or "failed" or "unanswered" or "expired" or "interrupted" => "red", _ => "yellow" };
        printer.Markup($"{Spectre.Console.Markup.Escape(Printer.Inert($"{view["device"]} {view["command"]}"))}: [{colour}]{state}[/]");
        var isWaiting = state is "queued" or "awaiting-approval";
        if (isWhole)
        {
            Fact("arguments", (view["arguments"] as JsonObject)?.Count > 0 ? view["arguments"] : null);
            Fact("asked by", $"{view["by"]} ({view["byRole"]}), {Query.Text(view["created"])}");
        }

        Fact("reason", view["reason"]);
        Fact("result", view["result"]);
        Fact("not before", isWaiting || isWhole ? view["notBefore"] : null);
        Fact("until", isWaiting ? view["until"] : null);
        foreach (var moment in isWhole ? ["sent", "delivered", "answered"] : Array.Empty<string>())
            Fact(moment, view[moment]);
        Fact("rollout", isWhole ? view["rollout"] : null);
        Fact("id", view["id"]);
        if (state == "awaiting-approval")
            await PrintApprovalsAsync(center, printer, (string)view["id"]!, cancellation);
        if (isWaiting)
            printer.Line($"  take it back with `signet command cancel {view["id"]}`");
        if (view["receipt"] is not null)
            printer.Line($"  receipt signed by {view["device"]}; keep it with `signet receipt export {view["id"]} --out FILE`");

        void Fact(string name, JsonNode? value)
        {
            if (Query.Text(value) is { Length: > 0 } text)
                printer.Line($"  {name,-10} {Printer.Inert(text)}");
        }
    }

    private static async Task PrintApprovalsAsync(CenterClient center, Printer printer, string id, CancellationToken cancellation)
    {
        foreach (var proposal in ((await center.GetAsync("/api/v1/approvals?id=" + Uri.EscapeDataString(id), cancellation))["proposals"] as JsonArray ?? []).OfType<JsonObject>())
        {
            var approved = proposal["approved"] as JsonArray ?? [];
            printer.Line($"  approvals  {approved.Count} of {proposal["needed"]} people (class {proposal["class"]}){(approved.Count > 0 ? ": " + Printer.Inert(Query.Text(approved)) : "")}");
        }

        printer.Line($"  each approves with `signet command approve {id} --cert FILE --key FILE`");
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
