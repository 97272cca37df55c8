using System.CommandLine;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;
using Signet.Control;

namespace Signet.Cli.Verbs;

/// <summary><c>signet audit events</c>: every kind of entry this version writes. Needs no server.</summary>
internal static class AuditEventsVerb
{
    public static Command Build()
    {
        var markdown = new Option<bool>("--markdown") { Description = "As the page docs/events.md" };
        return Verb.Make("events", "Every kind of entry this version writes, and what it means", [markdown], (parsed, printer, _) =>
        {
            if (parsed.GetValue(markdown))
                printer.Output.Write(EventCatalogue.ToMarkdown());
            else if (printer.Json)
                printer.Object(new JsonObject { ["events"] = new JsonArray([.. EventCatalogue.All.Select(Describe)]) });
            else
                printer.Table(["type", "action", "what happened", "outcome"], EventCatalogue.All.OrderBy(row => row.Type, StringComparer.Ordinal).Select(row => (IReadOnlyList<string>)[row.Type, row.Action, row.Meaning, row.Outcomes]));
            return Task.FromResult(ExitCode.Done);
        });
    }

    private static JsonObject Describe(EventRow row) => new()
    {
        ["type"] = row.Type, ["action"] = row.Action, ["meaning"] = row.Meaning, ["subject"] = row.Subject, ["outcomes"] = Words(row.Outcomes), ["details"] = Words(row.Details),
    };

    private static JsonArray Words(string list) => [.. list.Split(", ", StringSplitOptions.RemoveEmptyEntries).Select(word => JsonValue.Create(word))];
}
