using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet audit erase|retire</c>: what may go, while every proof of the rest stays.</summary>
internal static class AuditKeepVerb
{
    private static readonly Option<bool> Yes = new("--yes") { Description = "Do it without asking", Required = true };

    public static Command Erase()
    {
        var seq = new Option<long?>("--seq") { Description = "Of this entry", HelpName = "SEQ" };
        var actor = new Option<string?>("--actor") { Description = "Of everything this actor did", HelpName = "NAME" };
        var subject = new Option<string?>("--subject") { Description = "Of everything done on this subject", HelpName = "NAME" };
        var reason = new Option<string>("--reason") { Description = "Why; stands in the log", HelpName = "TEXT", Required = true };
        return Verb.Make("erase", "Erase personal data (addresses people came from); the entries and every proof stay", [seq, actor, subject, reason, Yes], async (parsed, printer, cancellation) =>
        {
            if (parsed.GetValue(seq) is null && parsed.GetValue(actor) is null && parsed.GetValue(subject) is null)
                throw new CliException(ExitCode.WrongUsage, "Say whose: --seq, --actor or --subject.");
            using var center = CenterClient.Connect(parsed);
            var done = await center.PostAsync("/api/v1/audit/erase", new JsonObject { ["seq"] = parsed.GetValue(seq), ["actor"] = parsed.GetValue(actor), ["subject"] = parsed.GetValue(subject), ["reason"] = parsed.GetValue(reason) }, cancellation);
            if (printer.Json)
                printer.Object(done);
            printer.Line($"erased the personal data beside {Query.Text(done["erased"])} entries; `signet audit verify` still proves every one of them");
            return ExitCode.Done;
        });
    }

    public static Command Retire()
    {
        var age = new Option<double>("--older-than-days") { Description = "Age of a segment's last entry", HelpName = "DAYS", Required = true };
        var delete = new Option<bool>("--delete") { Description = "Delete them for good instead of putting them into the archive" };
        return Verb.Make("retire", "Take old sealed segments out of the database, into the archive (setting audit:archive)", [age, delete, Yes], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            var done = await center.PostAsync("/api/v1/audit/retire", new JsonObject { ["olderThanDays"] = parsed.GetValue(age), ["delete"] = parsed.GetValue(delete) }, cancellation);
            if (printer.Json)
                printer.Object(done);
            printer.Table(["first", "last", "file"], Query.Rows(done, "segments", "first", "last", "file"));
            if (done["segments"] is not JsonArray { Count: > 0 })
                printer.Line(string.Create(CultureInfo.InvariantCulture, $"no sealed segment but the newest is older than {parsed.GetValue(age)} days"));
            return ExitCode.Done;
        });
    }
}
