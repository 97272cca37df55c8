using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using Signet.Audit;

namespace Signet.Control;

/// <summary>One kind of entry in the audit log.</summary>
/// <param name="Type">One of <see cref="AuditTypes.All"/>.</param>
/// <param name="Action">What stands in <c>action</c>.</param>
/// <param name="Meaning">What happened, for people.</param>
/// <param name="Subject">On what: what stands in <c>subject</c>.</param>
/// <param name="Outcomes">What can stand in <c>outcome</c>, comma separated.</param>
/// <param name="Details">Members of <c>details</c> besides <c>by</c>, comma separated; "" for none.</param>
public sealed record EventRow(string Type, string Action, string Meaning, string Subject, string Outcomes, string Details);

/// <summary>
/// Every event that the program writes, in one list: docs/events.md is made from it (<c>signet audit events --markdown</c>), the audit page explains entries with it,
/// and a rule of the house holds it against the source: an action that is not here fails, and so does a row that nothing writes.
/// To add an event, add a row to the part it belongs to. A refusal by role needs none: it is written as <c>authorization</c> with the act's own action.
/// </summary>
public static partial class EventCatalogue
{
    public static IReadOnlyList<EventRow> All { get; } = [.. PeopleRows, .. DeviceRows, .. AccessRows, .. CommandRows, .. CertificateRows, .. BrokerRows, .. LogRows, .. ProgramRows];

    /// <summary>Every word that can stand in <c>outcome</c>, the usual ones first.</summary>
    public static IReadOnlyList<string> Outcomes { get; } = [.. All.SelectMany(row => row.Outcomes.Split(", ")).Distinct(StringComparer.Ordinal).OrderBy(word => word switch { "success" => 0, "refused" => 1, "failed" => 2, _ => 3 }).ThenBy(word => word, StringComparer.Ordinal)];

    private static readonly FrozenDictionary<(string, string), EventRow> ByName = All.ToFrozenDictionary(row => (row.Type, row.Action));
    private static readonly FrozenDictionary<string, EventRow> ByAction = All.GroupBy(row => row.Action, StringComparer.Ordinal).ToFrozenDictionary(rows => rows.Key, rows => rows.First(), StringComparer.Ordinal);

    /// <summary>What an entry means; null for one this version does not write. An <c>authorization</c> refusal carries the meaning of the act that was refused.</summary>
    public static EventRow? Find(string type, string action)
        => ByName.TryGetValue((type, action), out var row) || (type == AuditTypes.Authorization && ByAction.TryGetValue(action, out row)) ? row : null;

    /// <summary>The page docs/events.md.</summary>
    public static string ToMarkdown()
    {
        var page = new StringBuilder("""
            # Events of the audit log

            Made from `EventCatalogue` (`signet audit events --markdown > docs/events.md`); a test holds the two against each other, and the list against the source.

            Every entry has `seq`, `time`, `type`, `actor` (who), `subject` (on what), `action` (what), `outcome`, `reason` (why, or empty) and `details` (what changed). `details.by` says what the actor is:
            `user`, `token`, `local-operator` or `system`. Where somebody came from is personal data: it stands beside the entry, behind a salted commitment, and can be erased.
            A refusal by the role table is an entry of type `authorization` with the refused act's own action, outcome `refused`, the rule's name in `details.rule`.
            What strangers can cause at will is written in full once (at the console five times) and then counted: `details.count`. From where stands beside the entry, `personal.source`.

            """);
        foreach (var type in AuditTypes.All)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {type}\n\n");
            if (All.All(row => row.Type != type)) page.Append("Refused acts, with the action of the act.\n");
            else page.Append("| action | what happened | subject | outcome | details |\n|---|---|---|---|---|\n");
            foreach (var row in All.Where(row => row.Type == type).OrderBy(row => row.Action, StringComparer.Ordinal))
                page.Append(CultureInfo.InvariantCulture, $"| `{row.Action}` | {row.Meaning} | {row.Subject} | {Code(row.Outcomes)} | {Code(row.Details)} |\n");
        }
        return page.ToString();
    }

    private static string Code(string list) => string.Join(", ", list.Split(", ", StringSplitOptions.RemoveEmptyEntries).Select(word => $"`{word}`"));
}
