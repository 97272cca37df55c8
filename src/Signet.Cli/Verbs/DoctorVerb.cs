using System.CommandLine;
using System.Net;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Cli.Up;
using Signet.Control;
using Signet.Web;
using Signet.Web.SignIn;

namespace Signet.Cli.Verbs;

/// <summary><c>signet doctor</c>: what is wrong with this machine or data directory, and what to do. Exit 1 when something does not work or is not safe.</summary>
internal static class DoctorVerb
{
    public static Command Build() => Verb.Make("doctor", "What is wrong with this machine and data directory?", [], (parsed, printer, cancellation) =>
    {
        var directory = GlobalOptions.DataDirectory(parsed);
        var settings = SignetSettings.Of(directory);
        var ports = Setting.All.Where(s => s.Key.StartsWith("ports:", StringComparison.Ordinal)).Select(s => (s.Key["ports:".Length..], settings.Number(s))).ToList();
        IReadOnlyList<Finding> findings = [.. Doctor.Examine(new(directory, settings.Postgres, ports, IPAddress.Parse(settings[Setting.Listen])), TimeProvider.System, cancellation), .. Passwords(settings[Setting.BreachedPasswords])];
        var worst = findings.Max(f => f.State);
        if (printer.Json)
            printer.Object(new JsonObject
            {
                ["ok"] = worst != FindingState.Problem,
                ["checks"] = new JsonArray([.. findings.Select(f => new JsonObject { ["check"] = f.Check, ["state"] = Word(f.State), ["says"] = f.Says, ["remedy"] = f.Remedy })]),
            });
        foreach (var finding in findings)
        {
            var colour = finding.State switch { FindingState.Ok => "green", FindingState.Warning => "yellow", _ => "red" };
            printer.Markup($"[{colour}]{Word(finding.State),-7}[/] {Spectre.Console.Markup.Escape(Printer.Inert($"{finding.Check}: {finding.Says}"))}");
            if (finding.Remedy.Length > 0) printer.Line($"        -> {Printer.Inert(finding.Remedy)}");
        }
        return Task.FromResult(worst == FindingState.Problem ? ExitCode.Refused : ExitCode.Done);
    });

    private static IReadOnlyList<Finding> Passwords(string list)
    {
        if (list.Length == 0) return [];
        try
        {
            using var opened = BreachedPasswords.Open(list);
            return [new("breached passwords", FindingState.Ok, $"{list} can be searched")];
        }
        catch (WebConsoleException e)
        {
            return [new("breached passwords", FindingState.Problem, e.Message, "docs/operations.md, \"Passwords from breaches\", says how to make one; without it the center does not start")];
        }
    }

    private static string Word(FindingState state) => state switch { FindingState.Ok => "ok", FindingState.Warning => "warning", _ => "problem" };
}
