using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using static Signet.Access.TopicAction;

namespace Signet.Access;

/// <summary>
/// Rules out of an existing ACL file of Mosquitto (mosquitto.conf(5), "acl_file"). Mosquitto looks at a user's denials first and knows no order, so the denials come first here too. <c>%u</c> becomes
/// <c>{name}</c>; what cannot be said here is a problem with its line, never left out in silence: a rule that is missing may be a denial.
/// </summary>
public static class MosquittoAclFile
{
    private static readonly FrozenSet<TopicAction> Reading = new[] { Subscribe, Deliver }.ToFrozenSet(), Writing = new[] { Publish, Retain, Will }.ToFrozenSet(), Both = Enum.GetValues<TopicAction>().ToFrozenSet();

    /// <param name="text">The file.</param>
    /// <param name="rules">In the order in which they are to be asked.</param>
    /// <param name="problems">One line each.</param>
    public static bool TryRead(string text, [NotNullWhen(true)] out IReadOnlyList<PolicyRule>? rules, out IReadOnlyList<string> problems)
    {
        var (read, wrong, number) = (new List<PolicyRule>(), new List<string>(), 0);
        string? user = null;
        foreach (var raw in text.TrimStart('\uFEFF').Split('\n'))
        {
            number++;
            var line = raw.TrimEnd('\r').TrimStart();
            if (line.Length == 0 || line[0] == '#') continue;
            var space = line.IndexOf(' ', StringComparison.Ordinal);
            var (word, rest) = space < 0 ? (line, "") : (line[..space], line[(space + 1)..].Trim());
            switch (word)
            {
                case "user" when rest.Length > 0 && !rest.Any(char.IsControl): user = rest; break;
                case "topic" when user is null: wrong.Add($"line {number}: a topic before the first user is for clients without a name, and there are none here"); break;
                case "topic": Add(rest, Named(user), isPattern: false); break;
                case "pattern": Add(rest, Subjects.Everybody, isPattern: true); break;
                default: wrong.Add($"line {number}: \"{Shown(line)}\" is none of user, topic and pattern"); break;
            }
        }

        if (read.Count > AccessLimits.MaximumRules) wrong.Add($"these are {read.Count} rules; a policy has at most {AccessLimits.MaximumRules}");
        problems = wrong;
        rules = wrong.Count == 0 ? [.. read.OrderBy(rule => rule.Effect)] : null; // stable: denials, then what is allowed
        return rules is not null;

        void Add(string rest, Subjects who, bool isPattern)
        {
            var space = rest.IndexOf(' ', StringComparison.Ordinal);
            var (access, topic) = space > 0 && rest[..space] is "read" or "write" or "readwrite" or "deny" ? (rest[..space], rest[(space + 1)..].Trim()) : ("readwrite", rest);
            if (topic.Contains("%c", StringComparison.Ordinal))
            {
                wrong.Add($"line {number}: %c is the client's own choice and gives no right here; write %u");
                return;
            }

            var levels = topic.Split('/');
            if (isPattern) topic = string.Join('/', levels.Select(level => level == "%u" ? "{name}" : level));
            else if (levels.Any(level => level.Contains('{', StringComparison.Ordinal))) topic = ""; // no placeholder of ours is meant
            if (topic.Contains("%u", StringComparison.Ordinal) && isPattern) wrong.Add($"line {number}: %u must fill a whole level of \"{Shown(rest)}\"");
            else if (TopicPattern.TryParse(topic, out var pattern, out var why))
                read.Add(new($"mosquitto-line-{number}", access == "deny" ? Effect.Deny : Effect.Allow, who, access switch { "read" => Reading, "write" => Writing, _ => Both }, [pattern]));
            else wrong.Add($"line {number}: {(topic.Length == 0 ? $"\"{Shown(rest)}\" is not a topic filter" : why)}");
        }
    }

    private static Subjects Named(string user) => new(Names: new[] { user }.ToFrozenSet(StringComparer.Ordinal));

    private static string Shown(string text) => new([.. text.Take(80).Select(c => char.IsControl(c) ? '?' : c)]);
}
