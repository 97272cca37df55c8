namespace Signet.Access;

/// <summary>
/// An immutable, versioned list of rules. The first rule that decides a question is the answer; when none does, it is denied.
/// A subscription is allowed only by a rule that covers every topic it could match, and denied by a rule that has one topic in common with it;
/// each message is asked about again on its way to the subscriber. Safe for any number of threads.
/// </summary>
public sealed class AccessPolicy
{
    private static readonly int ActionCount = Enum.GetValues<TopicAction>().Max(a => (int)a) + 1;

    // Rules that can speak of an action at all, in order: most questions skip most rules.
    private readonly PolicyRule[][] _byAction;

    /// <exception cref="ArgumentException">Two rules have one name, or a rule has no topic, action or name.</exception>
    public AccessPolicy(long version, IEnumerable<PolicyRule> rules)
    {
        Version = version;
        Rules = [.. rules];
        if (Rules.Count > AccessLimits.MaximumRules) throw new ArgumentException($"a policy has at most {AccessLimits.MaximumRules} rules", nameof(rules));
        if (Rules.GroupBy(r => r.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice) throw new ArgumentException($"two rules are named {twice.Key}", nameof(rules));
        if (Rules.FirstOrDefault(r => r.Name.Length == 0 || r.Actions.Count == 0 || r.Topics.Count == 0) is { } empty) throw new ArgumentException($"rule \"{empty.Name}\" lacks a name, an action or a topic", nameof(rules));
        _byAction = [.. Enumerable.Range(0, ActionCount).Select(a => Rules.Where(r => r.Actions.Contains((TopicAction)a)).ToArray())];
    }

    /// <summary>The topics of the product: docs/spec/policy.md, "Default policy".</summary>
    public static AccessPolicy Default { get; } = DefaultPolicy.Make();

    /// <summary>Grows with every applied change; stands in every decision.</summary>
    public long Version { get; }

    /// <summary>In the order in which they are asked.</summary>
    public IReadOnlyList<PolicyRule> Rules { get; }

    /// <param name="topicOrFilter">A topic filter for <see cref="TopicAction.Subscribe"/> (<c>$share/GROUP/</c> may stand before it), a topic for everything else. Any text: a malformed one is denied.</param>
    public Decision Decide(Principal principal, TopicAction action, ReadOnlySpan<char> topicOrFilter)
    {
        if (!IsWellFormed(action, ref topicOrFilter)) return new(false, Decision.Malformed, Version);
        foreach (var rule in _byAction[(int)action])
        {
            if (rule.DecidesAction(principal, action, topicOrFilter)) return new(rule.Effect == Effect.Allow, rule.Name, Version);
        }

        return new(false, Decision.NoRule, Version);
    }

    internal static bool IsWellFormed(TopicAction action, ref ReadOnlySpan<char> text)
    {
        if ((uint)action >= ActionCount) return false;
        return action == TopicAction.Subscribe ? TopicText.TryUnshare(text, out text) && TopicText.IsFilter(text) : TopicText.IsTopic(text);
    }
}
