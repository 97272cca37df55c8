using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Signet.Audit;
using Signet.Cli.Shell;
using Signet.Cli.Up;
using Signet.Control;
using Signet.Store;

namespace Signet.Cli.Verbs;

/// <summary><c>signet migrate</c>: shows what a start would do to the schema, or moves the rows to the other kind of database.</summary>
internal static class MigrateVerb
{
    public static Command Build()
    {
        var from = new Option<string?>("--from") { Description = "Where the rows are now: sqlite or postgres", HelpName = "KIND" };
        var to = new Option<string?>("--to") { Description = "Where they go: postgres or sqlite", HelpName = "KIND" };
        foreach (var option in new[] { from, to }) option.AcceptOnlyFromAmong("sqlite", "postgres");
        var preview = new Option<bool>("--preview") { Description = "Show which schema migrations the next start applies, and change nothing" };
        return Verb.Make("migrate", "Move a stopped installation's rows to another database; preview schema migrations", [from, to, preview], async (parsed, printer, cancellation) =>
        {
            var directory = GlobalOptions.DataDirectory(parsed);
            var settings = SignetSettings.Of(directory);
            if (parsed.GetValue(preview)) return Preview(printer, InstallationDatabases.Of(directory, settings.Postgres));
            var (source, target) = (parsed.GetValue(from), parsed.GetValue(to));
            if (source is null || target is null || source == target)
                throw new CliException(ExitCode.WrongUsage, "Say where the rows are and where they go: signet migrate --from sqlite --to postgres (or the other way round), or --preview.");
            if (settings[Setting.DatabaseConnection].Length == 0)
                throw new CliException(ExitCode.WrongUsage, $"Say which server: database:connection in signet.json or {Setting.DatabaseConnection.EnvironmentName} (Host=...;Database=...;Username=...).");
            var said = 0L;
            var progress = printer.Json ? null : new Progress<long>(rows =>
            {
                if (rows - said < 100_000) return;
                said = rows;
                printer.Error.WriteLine($"{rows.ToString(CultureInfo.InvariantCulture)} rows ...");
            });
            var report = await Moving.RunAsync(directory, settings.Server(), target == "postgres" ? DatabaseKind.Postgres : DatabaseKind.Sqlite, progress, cancellation);
            if (printer.Json) printer.Object(new JsonObject { ["rows"] = report.Rows, ["to"] = target, ["audit"] = report.Audit.Summary, ["kept"] = report.Kept });
            printer.Line($"moved {report.Rows.ToString(CultureInfo.InvariantCulture)} rows to {target}; the audit log there is {Printer.Inert(report.Audit.Summary)}");
            printer.Line($"set database:kind to {target} (signet.json, or {Setting.Database.EnvironmentName}) and start with `signet up`");
            if (report.Kept is { } kept) printer.Line($"the old files are kept as {kept}; remove them when the new place has proven itself");
            return ExitCode.Done;
        });
    }

    private static ExitCode Preview(Printer printer, InstallationDatabases databases)
    {
        var states = new[] { ("control", Database.Inspect(databases.Control, Moving.ControlMigrations)), ("audit", Database.Inspect(databases.Audit, AuditOffline.Migrations)) };
        if (printer.Json)
            printer.Object(new JsonObject
            {
                ["databases"] = new JsonArray([.. states.Select(s => new JsonObject
                {
                    ["name"] = s.Item1, ["version"] = s.Item2.Version,
                    ["pending"] = new JsonArray([.. s.Item2.Pending.Select(m => new JsonObject { ["number"] = m.Number, ["name"] = m.Name })]),
                })]),
            });
        printer.Table(["database", "its schema is", "the next start applies"], states.SelectMany(Rows));
        var pending = states.Sum(s => s.Item2.Pending.Count);
        printer.Line(pending == 0 ? "the next start changes nothing" : $"{pending.ToString(CultureInfo.InvariantCulture)} to apply, forward only: only a backup made before the next start leads back");
        return ExitCode.Done;
    }

    // A row for each: a fresh update brings a dozen, and in one cell they cannot be read.
    private static IEnumerable<IReadOnlyList<string>> Rows((string Name, SchemaState State) database)
    {
        string[] head = [database.Name, database.State.Version.ToString(CultureInfo.InvariantCulture)];
        return database.State.Pending.Count == 0
            ? [[.. head, "nothing"]]
            : database.State.Pending.Select((m, i) => (IReadOnlyList<string>)[.. i == 0 ? head : ["", ""], $"{m.Number.ToString(CultureInfo.InvariantCulture)}  {m.Name}"]);
    }
}
