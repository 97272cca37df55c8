using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet audit witnesses</c>: what the devices have cosigned of the log, and what they raise.</summary>
internal static class AuditWitnessVerb
{
    public static Command Build()
    {
        var folder = new Option<string?>("--out") { Description = "Write each device's cosigned checkpoint into this folder: `audit verify --known` takes them", HelpName = "DIR" };
        var settle = new Option<string?>("--settle") { Description = "A person has looked at this device's alarm", HelpName = "DEVICE" };
        var reason = new Option<string?>("--reason") { Description = "With --settle: what was found; stands in the log", HelpName = "TEXT" };
        return Verb.Make("witnesses", "What devices have cosigned of the log, and what they raise about it", [folder, settle, reason], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            if (parsed.GetValue(settle) is { } device)
            {
                var settled = await center.PostAsync($"/api/v1/audit/witnesses/{Uri.EscapeDataString(device)}/settle", new JsonObject { ["reason"] = parsed.GetValue(reason) ?? throw new CliException(ExitCode.WrongUsage, "--settle needs --reason TEXT.") }, cancellation);
                if (printer.Json)
                    printer.Object(settled);
                printer.Line($"settled; if the device itself still says so, look at it there: `signet device witness {device}`");
                return ExitCode.Done;
            }

            var answer = await center.GetAsync("/api/v1/audit/witnesses", cancellation);
            if (parsed.GetValue(folder) is { } target)
                Write(answer, Directory.CreateDirectory(target).FullName);
            if (printer.Json)
                printer.Object(answer);
            printer.Table(["device", "up to entry", "at", "alarm", "since"], Query.Rows(answer, "witnesses", "device", "size", "at", "alarm", "alarmAt"));
            return Tell(printer, answer) ? ExitCode.Done : ExitCode.VerificationFailed;
        });
    }

    /// <summary>Says how far a quorum confirms the log; false when it does not, or a device holds another history, or raises an alarm.</summary>
    public static bool Tell(Printer printer, JsonObject count)
    {
        var alarms = (count["alarms"] as JsonArray)?.Count ?? 0;
        var good = (bool?)count["reached"] == true && alarms == 0;
        var words = string.Create(CultureInfo.InvariantCulture, $"{(count["by"] as JsonArray)?.Count ?? 0} of {Query.Text(count["known"])} witnesses confirm entries 1 to {Query.Text(count["confirmed"])} (quorum {Query.Text(count["quorum"])})");
        if (good)
        {
            printer.Markup($"[green]{Spectre.Console.Markup.Escape(words)}[/]");
            return true;
        }

        if ((bool?)count["reached"] != true)
            printer.Fail($"the quorum is not reached: {words}");
        if (count["strangers"] is JsonArray { Count: > 0 } strangers)
            printer.Fail($"these devices hold another history: {Query.Text(strangers)}");
        if (alarms > 0)
            printer.Fail($"these devices raise an alarm: {Query.Text(count["alarms"])}. Look at them: `signet audit witnesses`");
        return false;
    }

    private static void Write(JsonObject answer, string folder)
    {
        foreach (var witness in (answer["witnesses"] as JsonArray ?? []).OfType<JsonObject>())
            if (Query.Text(witness["note"]) is { Length: > 0 } && (string?)witness["note"] is { } note)
                File.WriteAllText(Path.Combine(folder, Path.GetFileName(Query.Text(witness["device"])) + ".checkpoint"), note);
    }
}
