using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;

namespace Signet.Cli.Verbs;

/// <summary><c>signet audit ...</c>: what happened, and whether the record of it is whole.</summary>
internal static class AuditVerb
{
    private static readonly string[] FilterNames = ["type", "actor", "subject", "action", "outcome", "reason", "from", "to", "text"];

    // What the live feed carries of an entry; times and text are about the past.
    private static readonly string[] LiveFilters = ["type", "actor", "subject", "action", "outcome", "reason"];

    public static Command Build() => Verb.Noun("audit", "Read, check, export and keep the audit log",
        List(), AuditVerifyVerb.Build(), AuditExportVerb.Export(), AuditExportVerb.Checkpoint(), AuditEventsVerb.Build(), AuditKeepVerb.Erase(), AuditKeepVerb.Retire(), AuditWitnessVerb.Build());

    /// <summary>The filters of list and export.</summary>
    public static Option<string?>[] Filters() => [.. FilterNames.Select(name => new Option<string?>("--" + name) { Description = name switch { "from" => "Not before this time (2026-11-25 or 2026-11-25T20:00:00Z)", "to" => "Before this time", "text" => "With this text anywhere", _ => $"Only entries with this {name}" }, HelpName = name.ToUpperInvariant() })];

    public static (string, string?)[] Given(ParseResult parsed, Option<string?>[] filters) => [.. filters.Select(filter => (filter.Name[2..], parsed.GetValue(filter)))];

    private static Command List()
    {
        var filters = Filters();
        var limit = new Option<int>("--limit") { Description = "How many, newest first (1 to 500)", DefaultValueFactory = _ => 20 };
        var before = new Option<long?>("--before") { Description = "Older than this entry: `next` of the page before", HelpName = "SEQ" };
        var follow = new Option<bool>("--follow") { Description = "Go on with new entries as they are written" };
        return Verb.Make("list", "The latest entries", [.. filters, limit, before, follow], async (parsed, printer, cancellation) =>
        {
            using var center = CenterClient.Connect(parsed);
            if (parsed.GetValue(follow))
                return await FollowAsync(center, printer, Given(parsed, filters), cancellation);
            var page = await ReadAsync(center, Given(parsed, filters), parsed.GetValue(limit), parsed.GetValue(before), cancellation);
            if (printer.Json)
                printer.Object(page);
            printer.Table(["seq", "time", "type", "actor", "action", "subject", "outcome", "reason"], Query.Rows(page, "entries", "seq", "time", "type", "actor", "action", "subject", "outcome", "reason"));
            if (Query.Text(page["next"]) is { Length: > 0 } next)
                printer.Line($"older entries: --before {next}");
            return ExitCode.Done;
        });
    }

    // The center looks at a bounded number of entries for each answer; goes on until there are as many as wanted, or none are left.
    private static async Task<JsonObject> ReadAsync(CenterClient center, (string, string?)[] filters, int limit, long? before, CancellationToken cancellation)
    {
        var all = await AskAsync(limit, before);
        var entries = (JsonArray)all["entries"]!;
        while (entries.Count < limit && (long?)all["next"] is { } next)
        {
            var more = await AskAsync(limit - entries.Count, next);
            foreach (var entry in (JsonArray)more["entries"]!) entries.Add(entry!.DeepClone());
            (all["next"], all["reached"]) = (more["next"]?.DeepClone(), more["reached"]?.DeepClone());
        }
        return all;

        Task<JsonObject> AskAsync(int wanted, long? below) =>
            center.GetAsync("/api/v1/audit" + Query.Of([.. filters, ("limit", wanted.ToString(CultureInfo.InvariantCulture)), ("before", below?.ToString(CultureInfo.InvariantCulture))]), cancellation);
    }

    private static async Task<ExitCode> FollowAsync(CenterClient center, Printer printer, (string Name, string? Value)[] filters, CancellationToken cancellation)
    {
        if (filters.FirstOrDefault(filter => filter.Value is not null && !LiveFilters.Contains(filter.Name)) is { Name: { } past })
            throw new CliException(ExitCode.WrongUsage, $"--{past} is about the past and does not go with --follow.");
        await using var stream = await center.OpenAsync("/api/v1/events?kinds=audit", cancellation);
        using var reader = new StreamReader(stream);
        try
        {
            while (await reader.ReadLineAsync(cancellation) is { } line)
            {
                if (!line.StartsWith("data: ", StringComparison.Ordinal) || JsonNode.Parse(line[6..]) is not JsonObject happened || happened["data"] is not JsonObject entry || entry["seq"] is null)
                    continue;
                if (filters.Any(filter => filter.Value is not null && Query.Text(entry[filter.Name]) != filter.Value))
                    continue;
                var time = DateTimeOffset.FromUnixTimeMilliseconds((long)entry["time"]!).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
                if (printer.Json)
                    printer.Object(entry.DeepClone());
                printer.Line(Printer.Inert($"#{Query.Text(entry["seq"])}  {time}  {Query.Text(entry["type"])}  {Query.Text(entry["actor"])}  {Query.Text(entry["action"])}  {Query.Text(entry["subject"])}  {Query.Text(entry["outcome"])}  {Query.Text(entry["reason"])}").TrimEnd());
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return ExitCode.Done; // Ctrl-C is how following ends
        }
        catch (Exception problem) when (problem is IOException or JsonException)
        {
            throw new CliException(ExitCode.NotReachable, $"the feed ended: {problem.Message}");
        }
        throw new CliException(ExitCode.NotReachable, "the command center ended the feed.");
    }
}
