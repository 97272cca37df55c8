namespace Signet.Access;

/// <summary>What some askers gain or lose.</summary>
/// <param name="Gained">False: lost.</param>
/// <param name="Pattern">The rule's pattern it was found with; the topic itself when real traffic was replayed.</param>
/// <param name="Before">Rule that decided before.</param>
/// <param name="After">Rule that decides after.</param>
/// <param name="Who">Names, at most <see cref="AccessLimits.MaximumDiffNames"/>.</param>
/// <param name="Count">How many askers in all.</param>
/// <param name="Example">A topic, or for subscriptions a filter, that the first of them gains or loses.</param>
public sealed record PolicyChange(bool Gained, TopicAction Action, string Pattern, string Before, string After, IReadOnlyList<string> Who, int Count, string Example);

/// <summary>
/// Who gains and who loses which topics between two policies. Every pattern of both is turned into example topics for each asker, with the literal levels of all other
/// patterns put where it has wildcards, so that exceptions inside a wider rule are met; what is listed is true, and each line can be checked with <see cref="PolicyExplanation"/>.
/// A difference that shows only where three or more patterns meet can be missed.
/// </summary>
public static class PolicyDiff
{
    // Examples made from one pattern; bounds the work where many patterns share a shape.
    private const int MaximumExamples = 64;

    public static IReadOnlyList<PolicyChange> Between(AccessPolicy before, AccessPolicy after, IReadOnlyCollection<Principal> principals)
    {
        var patterns = before.Rules.Concat(after.Rules).SelectMany(r => r.Topics.Select(t => t.Text)).Distinct(StringComparer.Ordinal).ToList();
        return Collect(before, after, patterns.SelectMany(pattern => Questions(pattern, patterns, principals)));
    }

    /// <summary>Replays what really happened: what would be answered otherwise.</summary>
    public static IReadOnlyList<PolicyChange> Replay(AccessPolicy before, AccessPolicy after, IEnumerable<AccessQuestion> traffic)
        => Collect(before, after, traffic.Select(q => (q.Topic, q)));

    private static List<PolicyChange> Collect(AccessPolicy before, AccessPolicy after, IEnumerable<(string Pattern, AccessQuestion Question)> questions)
    {
        var changes = new Dictionary<(bool Gained, TopicAction Action, string Pattern, string Before, string After), (HashSet<string> Who, string Example)>();
        foreach (var (pattern, question) in questions)
        {
            var was = before.Decide(question.Principal, question.Action, question.Topic);
            var will = after.Decide(question.Principal, question.Action, question.Topic);
            if (was.Allowed == will.Allowed) continue;
            var key = (will.Allowed, question.Action, pattern, was.Rule, will.Rule);
            if (!changes.TryGetValue(key, out var change)) changes[key] = change = (new(StringComparer.Ordinal), question.Topic);
            change.Who.Add(question.Principal.Name);
        }

        // Found with two patterns that lead to the same example for the same askers, it is one difference: the narrower pattern names it.
        return [.. changes.OrderBy(c => c.Key.Pattern.Count(sign => sign is '+' or '#')).ThenBy(c => c.Key.Pattern, StringComparer.Ordinal)
            .DistinctBy(c => (c.Key.Gained, c.Key.Action, c.Key.Before, c.Key.After, c.Value.Example, string.Join('\n', c.Value.Who.Order(StringComparer.Ordinal))))
            .Select(c => new PolicyChange(c.Key.Gained, c.Key.Action, c.Key.Pattern, c.Key.Before, c.Key.After,
                [.. c.Value.Who.Order(StringComparer.Ordinal).Take(AccessLimits.MaximumDiffNames)], c.Value.Who.Count, c.Value.Example))
            .OrderBy(c => c.Gained).ThenBy(c => c.Pattern, StringComparer.Ordinal).ThenBy(c => c.Action)];
    }

    private static IEnumerable<(string Pattern, AccessQuestion Question)> Questions(string pattern, List<string> patterns, IReadOnlyCollection<Principal> principals)
    {
        var shapes = Shapes(pattern, patterns);
        foreach (var principal in principals)
        {
            yield return (pattern, new(principal, TopicAction.Subscribe, Named(pattern, principal)));
            foreach (var shape in shapes)
            {
                var topic = Named(shape, principal);
                foreach (var action in Enum.GetValues<TopicAction>()) yield return (pattern, new(principal, action, topic));
            }
        }
    }

    private static string Named(string shape, Principal principal)
        => shape.Contains('{') ? string.Join('/', shape.Split('/').Select(level => TopicPattern.Placeholders.Contains(level) ? principal.Name : level)) : shape;

    // Topics with placeholders still in them: each wildcard becomes a word of its own, and each literal or placeholder that another pattern has at that place.
    private static List<string> Shapes(string pattern, List<string> patterns)
    {
        var levels = pattern.Split('/');
        var open = levels[^1] == "#";
        List<string> shapes = [""];
        for (var i = 0; i < levels.Length - (open ? 1 : 0); i++)
        {
            var at = i;
            string[] choices = levels[i] != "+" ? [levels[i]]
                : [.. patterns.Select(p => p.Split('/')).Where(p => p.Length > at && p[at] is not ("+" or "#")).Select(p => p[at]).Prepend("any").Distinct(StringComparer.Ordinal)];
            shapes = [.. shapes.SelectMany(s => choices.Select(c => i == 0 ? c : s + "/" + c)).Take(MaximumExamples)];
        }

        if (open)
        {
            var tails = patterns.Where(p => p.StartsWith(pattern[..^1], StringComparison.Ordinal)).Select(p => p.Replace("+", "any").Replace("#", "any"));
            shapes = [.. shapes.Where(s => s.Length > 0), .. shapes.Select(s => s.Length > 0 ? s + "/any" : "any"), .. tails];
        }

        return [.. shapes.Distinct(StringComparer.Ordinal).Take(MaximumExamples)];
    }
}
