using System.CommandLine;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet device change</c>: one change to many devices, with an answer for each.</summary>
internal static class DeviceChangeVerb
{
    private static readonly string[] Changes = ["add-tag", "remove-tag", "add-group", "remove-group", "quarantine", "release", "rotate", "revoke"];

    public static Command Build()
    {
        var devices = new Argument<string>("DEVICES") { Description = "A name, group:NAME, tag:NAME, kind:KIND, search:WORD or all; several with commas between" };
        var change = new Argument<string>("CHANGE") { Description = string.Join(", ", Changes) };
        change.AcceptOnlyFromAmong(Changes);
        var value = new Argument<string?>("VALUE") { Description = "The tag or group", Arity = ArgumentArity.ZeroOrOne };
        var key = new Option<string?>("--idempotency-key") { Description = "The same key gives the same report, and is done once", HelpName = "KEY" };
        var yes = new Option<bool>("--yes") { Description = "Needed for revoke: it is for good" };
        return Verb.Make("change", "Change many devices at once: tags, groups, quarantine, release, rotate, revoke", [devices, change, value, key, yes], async (parsed, printer, cancellation) =>
        {
            var wanted = parsed.GetValue(change)!;
            if (wanted == "revoke" && !parsed.GetValue(yes)) throw new CliException(ExitCode.WrongUsage, "Revoking is for good: say --yes.");
            using var center = CenterClient.Connect(parsed);
            var body = new JsonObject { ["devices"] = parsed.GetValue(devices) };
            if (wanted != "revoke") (body["change"], body["value"]) = (wanted, parsed.GetValue(value));
            var report = await center.PostAsync("/api/v1/bulk-changes" + (wanted == "revoke" ? "/revoke" : ""), body, cancellation, parsed.GetValue(key));
            if (printer.Json) printer.Object(report);
            printer.Table(["device", "result", "why"], Query.Rows(report, "devices", "device", "result", "message"));
            printer.Line($"{Query.Text(report["done"])} changed, {Query.Text(report["unchanged"])} were so already, {Query.Text(report["refused"])} refused");
            return (int?)report["refused"] > 0 ? ExitCode.Refused : ExitCode.Done;
        });
    }
}
