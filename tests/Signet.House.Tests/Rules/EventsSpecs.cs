using System.Text.RegularExpressions;
using Signet.Audit;
using Signet.Control;

namespace Signet.House.Tests.Rules;

/// <summary>Holds the catalogue of audit events against the source that writes them, and docs/events.md against the catalogue.</summary>
public sealed partial class EventsSpecs
{
    // The lab's log bench writes entries of its own into a log of its own.
    private static readonly string[] Sources = [.. Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
        .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/Signet.Lab/", StringComparison.Ordinal) && !Path.GetFileName(path).StartsWith("EventCatalogue", StringComparison.Ordinal))
        .Select(File.ReadAllText)];

    [Fact]
    public void Every_event_that_the_source_writes_is_in_the_catalogue()
    {
        var written = Sources.SelectMany(Written).Distinct().ToList();
        written.Count.ShouldBeGreaterThan(20);
        written.Where(e => EventCatalogue.Find(e.Type, e.Action) is null).Select(e => $"{e.Type} {e.Action}: add a row to src/Signet.Control/Trail/EventCatalogue.Rows.cs, then: signet audit events --markdown > docs/events.md").ShouldBeEmpty();
    }

    [Fact]
    public void Every_row_of_the_catalogue_is_written_somewhere()
        => EventCatalogue.All.Where(row => !Sources.Any(source => source.Contains($"\"{row.Action}\"", StringComparison.Ordinal) || (row.Action.EndsWith("-refused", StringComparison.Ordinal) && Composed().IsMatch(source))))
            .Select(row => row.Action).ShouldBeEmpty();

    [Fact]
    public void The_rows_have_known_types_and_no_two_are_the_same()
    {
        EventCatalogue.All.Select(row => row.Type).Except(AuditTypes.All, StringComparer.Ordinal).ShouldBeEmpty();
        EventCatalogue.All.GroupBy(row => (row.Type, row.Action)).Where(rows => rows.Count() > 1).Select(rows => rows.Key).ShouldBeEmpty();
    }

    [Fact]
    public void The_page_of_events_is_the_catalogue()
        => File.ReadAllText(Repository.PathOf("docs", "events.md")).ShouldBe(EventCatalogue.ToMarkdown(), "make it anew: signet audit events --markdown > docs/events.md");

    // The action is the third argument behind the type, in records and in the helpers that make them alike. One that is not written out (a variable) is judged where it runs.
    private static IEnumerable<(string Type, string Action)> Written(string source)
    {
        foreach (Match type in TypeName().Matches(source))
        {
            var arguments = Arguments(source.AsSpan(type.Index + type.Length)).Take(4).ToList();
            if (arguments.Count < 4) continue;
            foreach (Match action in Literal().Matches(arguments[3]))
                yield return (type.Groups[1].Value == nameof(AuditTypes.AuthFail) ? AuditTypes.AuthFail : type.Groups[1].Value.ToLowerInvariant(), action.Groups[1].Value);
        }
    }

    // What stands between the commas of the call that begins before the text.
    private static List<string> Arguments(ReadOnlySpan<char> text)
    {
        var (found, begin, depth, isText) = (new List<string>(), 0, 0, false);
        for (var i = 0; i < text.Length && found.Count < 5; i++)
        {
            if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) isText = !isText;
            if (isText) continue;
            if (text[i] is '(' or '[' or '{') depth++;
            if (text[i] is ')' or ']' or '}' or ';') depth--;
            if ((depth != 0 || text[i] != ',') && depth >= 0) continue;
            found.Add(text[begin..i].ToString());
            begin = i + 1;
            if (depth < 0) break;
        }
        return found;
    }

    [GeneratedRegex(@"AuditTypes\.([A-Z]\w+)", RegexOptions.None, 1000)]
    private static partial Regex TypeName();

    [GeneratedRegex("(?<!\\$)\"([a-z][a-z0-9-]+)\"", RegexOptions.None, 1000)]
    private static partial Regex Literal();

    [GeneratedRegex(@"\$""\{\w+\}-refused""", RegexOptions.None, 1000)]
    private static partial Regex Composed();
}
