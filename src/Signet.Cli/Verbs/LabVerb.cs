using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Lab;

namespace Signet.Cli.Verbs;

/// <summary><c>signet lab run|timing|keys</c>: attacks on an insecure house and on a secure one, on loopback, with a report.</summary>
internal static class LabVerb
{
    private static readonly Option<string> Out = new("--out") { Description = "Folder for report, results, plots and logs", HelpName = "DIR", Required = true };
    private static readonly Option<int> Seed = new("--seed") { Description = "The same seed gives the same attacks in the same order", HelpName = "N", DefaultValueFactory = _ => 1 };

    public static Command Build() => Verb.Noun("lab", "Attack an insecure and a secure house, and report", Run(), Timing(), Keys());

    private static Command Run()
    {
        var only = new Option<string[]>("--only") { Description = "Only these attacks or layers: network, broker, message, log, supply (may be repeated)", HelpName = "NAME" };
        var soak = new Option<string?>("--soak") { Description = "Go on with random attacks on a working house for this long, such as 90s or 10m", HelpName = "TIME" };
        return Verb.Make("run", "Every attack against both houses; exit 0 when the secure one held and each control was missed when it was left out", [Out, Seed, only, soak], async (parsed, printer, cancellation) =>
        {
            using var random = RandomNumberGenerator.Create();
            var options = Options(parsed, printer) with { Only = parsed.GetValue(only) is { Length: > 0 } names ? names : null, Soak = Duration(parsed.GetValue(soak)) };
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
            foreach (var problem in results.Problems)
                printer.Fail(problem);
            printer.Line(results.Passed ? $"held; the report is {report}" : $"NOT passed; see {report}");
            return results.Passed ? ExitCode.Done : ExitCode.Refused;
        });
    }

    private static Command Timing() => Verb.Make("timing", "How much time comparisons of secrets give away, with a statistical test", [Out, Seed], async (parsed, printer, cancellation) =>
    {
        var options = Options(parsed, printer);
        var results = await LabRun.TimingAsync(options, TimeProvider.System, cancellation);
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
