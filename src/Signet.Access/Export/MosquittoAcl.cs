using System.Text;

namespace Signet.Access;

/// <summary>
/// The policy as an ACL file of Mosquitto (mosquitto.conf(5), "acl_file"), written out for each asker. Mosquitto knows a user name, reading and writing, and looks at denials first; so
/// retaining and last wills cannot be told from publishing, and a denial is written only where a later rule would open what it closes. Where the two differ the file allows less.
/// </summary>
public static class MosquittoAcl
{
    /// <param name="askers">By the name Mosquitto knows them by: the common name of the certificate. A name that more than one of them goes by is left out: nobody could say whose rights are meant.</param>
    public static string Write(AccessPolicy policy, IEnumerable<Principal> askers)
    {
        var file = new StringBuilder($"# Access policy version {policy.Version}, written by Signet. What is not allowed here is denied.\n");
        foreach (var same in askers.GroupBy(a => a.Name, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            // A line break would begin a rule of its own, "#" a comment.
            if (same.Count() > 1 || same.Key.Length == 0 || same.Key.Any(char.IsControl) || same.Key.AsSpan().ContainsAny("#+/") || same.Key.Trim() != same.Key) continue;
            var lines = Lines(policy, same.Single()).Distinct(StringComparer.Ordinal).ToList();
            if (lines.Count == 0) continue;
            file.Append('\n').Append("user ").Append(same.Key).Append('\n');
            foreach (var line in lines) file.Append(line).Append('\n');
        }

        return file.ToString();
    }

    private static IEnumerable<string> Lines(AccessPolicy policy, Principal asker)
    {
        var rules = policy.Rules.Where(r => r.Who.Include(asker)).ToList();
        for (var i = 0; i < rules.Count; i++)
        {
            foreach (var (word, actions) in Directions)
            {
                if (!rules[i].Actions.Any(actions.Contains)) continue;
                foreach (var filter in rules[i].Topics.Select(t => Named(t, asker)).OfType<string>())
                {
                    // Mosquitto looks at denials first: one that stands behind a wider permission must not come before it, and one that stands before nothing is not needed.
                    if (rules[i].Effect == Effect.Deny)
                    {
                        if (rules.Skip(i + 1).Any(r => r.Effect == Effect.Allow && r.Actions.Any(actions.Contains) && r.Topics.Any(t => t.Overlaps(filter, asker)))) yield return $"topic deny {filter}";
                    }
                    else if (!rules.Take(i).Any(r => r.Effect == Effect.Deny && r.Actions.Any(actions.Contains) && r.Topics.Any(t => t.Covers(filter, asker))))
                    {
                        yield return $"topic {word} {filter}";
                    }
                }
            }
        }
    }

    private static readonly (string Word, TopicAction[] Actions)[] Directions = [("write", [TopicAction.Publish]), ("read", [TopicAction.Subscribe, TopicAction.Deliver])];

    // Null: the pattern can match nothing for this asker.
    private static string? Named(TopicPattern pattern, Principal asker)
    {
        var levels = pattern.Text.Split('/').Select(level => TopicPattern.Placeholders.Contains(level) ? asker.Name : level);
        var filter = string.Join('/', levels);
        return !pattern.HasPlaceholder || pattern.Covers(filter, asker) ? filter : null;
    }
}
