using System.Text.Json.Nodes;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary>A rollout on the terminal: started, watched until it ends, and shown.</summary>
internal static class RolloutProgress
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(300);

    /// <returns>0 when it need not be waited for, or when every device executed it.</returns>
    public static async Task<ExitCode> StartAsync(CenterClient center, JsonObject body, string key, TimeSpan? wait, Printer printer, CancellationToken cancellation)
    {
        var rollout = await center.PostAsync("/api/v1/rollouts", body, cancellation, key);
        if (wait is null)
        {
            Print(printer, rollout);
            return ExitCode.Done;
        }

        var shown = "";
        var began = TimeProvider.System.GetTimestamp();
        while ((string?)rollout["state"] == "running" && TimeProvider.System.GetElapsedTime(began) < wait)
        {
            await Task.Delay(Look, TimeProvider.System, cancellation);
            rollout = await center.GetAsync($"/api/v1/rollouts/{rollout["id"]}", cancellation);
            var line = $"{rollout["settled"]} of {rollout["total"]} settled, {rollout["executed"]} executed, {rollout["failures"]} errors";
            // Progress is for the person who watches; a script reads the last object.
            if (!printer.Json && line != shown)
                await printer.Error.WriteLineAsync(line);
            shown = line;
        }

        Print(printer, rollout);
        return (string?)rollout["state"] == "done" && (int?)rollout["executed"] == (int?)rollout["total"] ? ExitCode.Done : ExitCode.Refused;
    }

    public static void Print(Printer printer, JsonObject rollout)
    {
        if (printer.Json)
        {
            printer.Object(rollout);
            return;
        }

        var state = (string?)rollout["state"] ?? "unknown";
        var colour = state switch { "done" => "green", "stopped" => "red", _ => "yellow" };
        printer.Markup($"{Spectre.Console.Markup.Escape(Printer.Inert($"{rollout["command"]} on {rollout["selection"]}"))}: [{colour}]{state}[/]");
        printer.Line($"  devices   {rollout["total"]}: {string.Join(", ", (rollout["counts"] as JsonObject ?? []).Select(count => $"{count.Value} {count.Key}"))}");
        if (rollout["leftOut"] is JsonObject { Count: > 0 } leftOut)
            printer.Line($"  left out  {leftOut.Count}: {Printer.Inert(string.Join(", ", leftOut.Take(10).Select(one => $"{one.Key} ({one.Value})")))}{(leftOut.Count > 10 ? " ..." : "")}");
        printer.Line($"  id        {rollout["id"]}");
        if (state == "running")
            printer.Line($"  watch it with `signet command show {rollout["id"]}`, stop it with `signet command cancel {rollout["id"]}`");
    }
}
