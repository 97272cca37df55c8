using System.CommandLine;
using System.Text.Json.Nodes;
using Signet.Agent;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet device witness</c>: on the device itself, whatever its center says: what it has seen of the audit log, and its alarms.</summary>
internal static class DeviceWitnessVerb
{
    public static Command Build()
    {
        var name = new Argument<string?>("NAME") { Description = "A device of the data directory", Arity = ArgumentArity.ZeroOrOne };
        var home = new Option<string?>("--home") { Description = "The device's own folder, wherever it is", HelpName = "DIR" };
        var forget = new Option<bool>("--forget") { Description = "Believe the center's log anew (after a restored backup, say); with --yes, while the device is stopped" };
        var yes = new Option<bool>("--yes") { Description = "Do it without asking" };
        return Verb.Make("witness", "What a device has seen of the audit log, and its alarms; exit 4 when it has one", [name, home, forget, yes], (parsed, printer, _) =>
        {
            var folder = parsed.GetValue(home)
                ?? (parsed.GetValue(name) is { } given ? Path.Combine(GlobalOptions.DataDirectory(parsed), "device", Path.GetFileName(given)) : null)
                ?? throw new CliException(ExitCode.WrongUsage, "Name a device, or its folder with --home DIR.");
            if (parsed.GetValue(forget))
            {
                if (!parsed.GetValue(yes))
                    throw new CliException(ExitCode.WrongUsage, "--forget lets the center show this device any history from now on. Add --yes to do it.");
                WitnessState.Forget(folder);
                printer.Line("forgotten; the next checkpoint is believed as the first one");
                return Task.FromResult(ExitCode.Done);
            }

            var state = WitnessState.Read(folder);
            if (printer.Json)
                printer.Object(new JsonObject { ["note"] = state.Note, ["size"] = state.Size, ["alarms"] = new JsonArray([.. state.Alarms.Select(alarm => new JsonObject { ["reason"] = alarm.Reason, ["sentence"] = alarm.Sentence, ["time"] = alarm.Time, ["seen"] = alarm.Seen, ["other"] = alarm.Other })]) });
            printer.Line(state.Note is null ? "this device has seen no checkpoint yet" : $"has seen the audit log up to entry {state.Size}");
            foreach (var alarm in state.Alarms)
                printer.Fail($"ALARM since {alarm.Time:u}: {alarm.Reason}: {alarm.Sentence}");
            return Task.FromResult(state.Alarms.Count == 0 ? ExitCode.Done : ExitCode.VerificationFailed);
        });
    }
}
