using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Control;
using Signet.Lab;

namespace Signet.Cli.Verbs;

/// <summary><c>signet lab run|timing|report|keys</c>: attacks on an insecure house and on a secure one, on loopback, with a report.</summary>
internal static class LabVerb
{
    private static readonly Option<string> Out = new("--out") { Description = "Folder for report, results, plots and logs", HelpName = "DIR", DefaultValueFactory = _ => "lab" };
    private static readonly Option<int> Seed = new("--seed") { Description = "The same seed gives the same attacks in the same order", HelpName = "N", DefaultValueFactory = _ => 1 };

    public static Command Build() => Verb.Noun("lab", "Attack an insecure and a secure house, and report", Run(), Timing(), Report(), Keys());

    private static Command Run()
    {
        var only = new Option<string[]>("--only") { Description = "Only these: a layer (network, broker, message, people, log, supply), an attack, or a word of its name (replay); may be repeated", HelpName = "NAME" };
        var soak = new Option<string?>("--soak") { Description = "Go on with random attacks on a working house for this long, such as 90s or 10m", HelpName = "TIME" };
        return Verb.Make("run", "Every attack against both houses; exit 0 when the secure one held and each control was missed when it was left out", [Out, Seed, only, soak], async (parsed, printer, cancellation) =>
        {
            using var random = RandomNumberGenerator.Create();
            var options = Options(parsed, printer) with { Only = Names(parsed.GetValue(only)), KeepIn = Shown(parsed), Soak = Duration(parsed.GetValue(soak)) };
            var results = await LabRun.RunAsync(options, TimeProvider.System, random, cancellation);
            var report = Path.Combine(options.OutDirectory, "REPORT.html");
            if (printer.Json)
                printer.Object(JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(options.OutDirectory, "results.json"), CancellationToken.None))!);
            printer.Line();
            printer.Table(["house", "attacks that apply", "succeeded"],
            [
                ["insecure", Applicable(results, attack => attack.Open), $"{results.InsecureSuccessRate:P0}"],
                ["secure", Applicable(results, attack => attack.Secure), $"{results.SecureSuccessRate:P0}"],
            ]);
            Say(printer, results);
            foreach (var problem in results.Problems.Concat(results.Failures))
                printer.Fail(problem);
            printer.Line(results.Passed ? $"held; the report is {report}" : $"NOT passed; see {report}");
            return results.Passed ? ExitCode.Done : ExitCode.Refused;
        });
    }

    /// <summary>What must hold besides, in lines.</summary>
    private static void Say(Printer printer, LabResults results)
    {
        printer.Line($"{results.SecureAttempts:N0} attempts on the secure house; control kill rate {(double.IsNaN(results.ControlKillRate) ? "not measured" : $"{results.ControlKillRate:P0}")}");
        if (results.Replay is { } replay)
            printer.Line($"replay suite: {replay.Attempts} copies, {replay.Executions} carried out, {replay.AuditEntries} audit entries{(replay.Holds ? "" : ": NOT held")}");
        if (results.Soak is { } soak)
            printer.Line($"soak: {soak.Attempts:N0} attempts, {soak.Successes} successes; {soak.Genuine:N0} commands, {soak.GenuineLost} lost, {soak.P99:0} ms for 99 of 100; memory {soak.MemoryBefore >> 20} to {soak.MemoryAfter >> 20} MiB{(soak.Holds ? "" : ": NOT held")}");
    }

    private static Command Report() => Verb.Make("report", "Make the report and its plots anew from the results.json of a run", [Out], async (parsed, printer, cancellation) =>
    {
        var directory = Path.GetFullPath(parsed.GetValue(Out)!);
        var results = await LabRun.ReportAsync(directory, cancellation);
        var report = Path.Combine(directory, "REPORT.html");
        if (printer.Json)
            printer.Object(new JsonObject { ["report"] = report, ["passed"] = results.Passed, ["complete"] = results.Complete });
        printer.Line($"made {report} anew from the run of {results.Started:u}, which {(results.Passed ? "held" : results.Complete ? "did NOT pass" : "was not complete")}");
        return ExitCode.Done;
    });

    private static Command Timing() => Verb.Make("timing", "How much time comparisons of secrets give away, with a statistical test", [Out, Seed], async (parsed, printer, cancellation) =>
    {
        using var random = RandomNumberGenerator.Create();
        var options = Options(parsed, printer);
        var results = await LabRun.TimingAsync(options, TimeProvider.System, random, cancellation);
        if (printer.Json)
            printer.Object(new JsonObject { ["timing"] = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(options.OutDirectory, "timing.json"), cancellation)) });
        printer.Line(TimingText.Of(results.Timing));
        return ExitCode.Done;
    });

    private static Command Keys() => Verb.Make("keys", "Make the key files of the paper's message suites", [Out], (parsed, printer, _) =>
    {
        var folder = LabRun.WriteKeys(Path.GetFullPath(parsed.GetValue(Out)!));
        if (printer.Json)
            printer.Object(new JsonObject { ["keys"] = folder });
        printer.Line($"wrote the keys to {folder}");
        return Task.FromResult(ExitCode.Done);
    });

    private static LabOptions Options(ParseResult parsed, Printer printer) => new()
    {
        OutDirectory = Path.GetFullPath(parsed.GetValue(Out)!),
        Seed = parsed.GetValue(Seed),
        Progress = printer.Json ? null : new Lines(printer),
    };

    private static string Applicable(LabResults results, Func<AttackResult, Strike> house) => results.Attacks.Count(attack => house(attack).Result is StrikeResult.Blocked or StrikeResult.Succeeded).ToString("D");

    /// <summary>Repeated or with commas between; null for none.</summary>
    private static string[]? Names(string[]? given) => given is { Length: > 0 } ? [.. given.SelectMany(one => one.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))] : null;

    /// <summary>Where the console of this data directory looks for results; null where there is no installation to show them.</summary>
    private static string? Shown(ParseResult parsed) => GlobalOptions.DataDirectory(parsed) is var data && Installation.Exists(data) ? Path.Combine(data, "lab") : null;

    private static TimeSpan? Duration(string? given)
    {
        if (given is null)
            return null;
        var unit = given.Length > 1 ? given[^1] : ' ';
        return int.TryParse(given[..^1], out var count) && count is > 0 and <= 86_400 && unit is 's' or 'm'
            ? TimeSpan.FromSeconds(unit == 'm' ? count * 60 : count)
            : throw new CliException(ExitCode.WrongUsage, $"--soak takes a time such as 90s or 10m, and \"{given}\" is none.");
    }

    /// <summary>One line for each step, as it happens.</summary>
    private sealed class Lines(Printer printer) : IProgress<LabProgress>
    {
        public void Report(LabProgress step) => printer.Line(Printer.Inert($"{step.Phase,-9} {step.Done,3}/{step.Total,-3} {step.Item,-44} {step.Outcome}"));
    }
}
