using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Signet.Audit;
using Signet.Cli.Shell;
using Signet.Cli.Up;
using Signet.Control;
using Signet.Proof;

namespace Signet.Cli.Verbs;

/// <summary><c>signet audit list|verify</c>: what happened, and whether the record of it is whole.</summary>
internal static class AuditVerb
{
    private static readonly string[] Filters = ["type", "actor", "subject", "action", "outcome", "reason", "from", "to", "text"];

    public static Command Build() => Verb.Noun("audit", "Read and check the audit log", List(), Verify(), AuditEventsVerb.Build());

    private static Command List()
    {
        Option<string?>[] filters = [.. Filters.Select(name => new Option<string?>("--" + name) { Description = $"Only entries with this {name}", HelpName = name.ToUpperInvariant() })];
        var limit = new Option<int>("--limit") { Description = "How many, newest first", DefaultValueFactory = _ => 20 };
        return Verb.Make("list", "The latest entries", [.. filters, limit], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var query = Query.Of([.. filters.Select(filter => (filter.Name[2..], parsed.GetValue(filter))), ("limit", parsed.GetValue(limit).ToString(CultureInfo.InvariantCulture))]);
            var page = await center.GetAsync("/api/v1/audit" + query, cancellation);
            if (printer.Json)
                printer.Object(page);
            printer.Table(["seq", "time", "type", "actor", "action", "subject", "outcome", "reason"], Query.Rows(page, "entries", "seq", "time", "type", "actor", "action", "subject", "outcome", "reason"));
            return ExitCode.Done;
        });
    }

    private static Command Verify()
    {
        var offline = new Option<bool>("--offline") { Description = "Check the stopped log in the data directory, read-only, without a server" };
        return Verb.Make("verify", "Check every entry, the chain and the signed checkpoints; names the first bad entry", [offline], async (parsed, printer, cancellation) =>
        {
            if (parsed.GetValue(offline))
                return VerifyOffline(parsed, printer, cancellation);
            using var center = CenterClient.Connect(parsed);
            var verdict = await center.PostAsync("/api/v1/audit/verify", null, cancellation);
            return Tell(printer, verdict);
        });
    }

    private static ExitCode VerifyOffline(ParseResult parsed, Printer printer, CancellationToken cancellation)
    {
        var data = GlobalOptions.DataDirectory(parsed);
        var directory = Path.Combine(data, "audit");
        if (!Directory.Exists(directory))
            throw new CliException(ExitCode.WrongUsage, $"There is no audit log in {directory}.");
        return Tell(printer, Describe(AuditOffline.Verify(directory, source: InstallationDatabases.Of(data, SignetSettings.Of(data).Postgres).Audit, cancellationToken: cancellation)));
    }

    /// <summary>The same shape as the API's answer.</summary>
    private static JsonObject Describe(AuditVerdict verdict) => new()
    {
        ["intact"] = verdict.IsIntact,
        ["summary"] = verdict.Summary,
        ["entries"] = verdict.Entries,
        ["checkpoints"] = verdict.Checkpoints,
        ["firstBad"] = verdict.Fault?.First,
        ["gaps"] = new JsonArray([.. verdict.Gaps.Select(gap => JsonValue.Create(gap))]),
    };

    private static ExitCode Tell(Printer printer, JsonObject verdict)
    {
        var intact = (bool?)verdict["intact"] ?? false;
        if (printer.Json)
        {
            printer.Object(verdict);
        }
        else if (intact)
        {
            printer.Markup($"[green]{Spectre.Console.Markup.Escape(Query.Text(verdict["summary"]))}[/]");
            foreach (var gap in verdict["gaps"] as JsonArray ?? [])
                printer.Line("  not checked: " + Printer.Inert(Query.Text(gap)));
        }
        else
        {
            printer.Fail($"the audit log is {Query.Text(verdict["summary"])}");
        }

        return intact ? ExitCode.Done : ExitCode.VerificationFailed;
    }
}
