using System.Collections.Frozen;

namespace Signet.Access;

/// <summary>Why a rule did or did not decide.</summary>
public enum RuleOutcome
{
    Decided = 1,
    OtherAction = 2,
    OtherSubject = 3,
    OtherTopic = 4,

    /// <summary>A rule before it decided.</summary>
    NotReached = 5,
}

/// <summary>One rule's part in an explanation.</summary>
/// <param name="Why">One line for people.</param>
public sealed record RuleStep(PolicyRule Rule, RuleOutcome Outcome, string Why);

/// <summary>The narrowest change that turns the decision round: a rule about exactly this asker, action and topic.</summary>
/// <param name="Text">One line for people.</param>
/// <param name="Rule">To insert.</param>
/// <param name="At">Its place in <see cref="AccessPolicy.Rules"/>.</param>
/// <param name="Result">The policy with the rule inserted: asked the same question, it answers the other way.</param>
/// <param name="Group">A group that would turn it round too, with everything else that group may do; null when there is none.</param>
public sealed record PolicyFlip(string Text, PolicyRule Rule, int At, AccessPolicy Result, string? Group);

/// <summary>A decision taken apart: every rule in order, the one that decided, and what would turn it round.</summary>
/// <param name="Flip">Null when no rule could: the text is no legal topic.</param>
public sealed record PolicyExplanation(Principal Principal, TopicAction Action, string Topic, Decision Decision, IReadOnlyList<RuleStep> Steps, PolicyFlip? Flip)
{
    public static PolicyExplanation Of(AccessPolicy policy, Principal principal, TopicAction action, string topicOrFilter)
    {
        var decision = policy.Decide(principal, action, topicOrFilter);
        ReadOnlySpan<char> text = topicOrFilter;
        if (!AccessPolicy.IsWellFormed(action, ref text)) return new(principal, action, topicOrFilter, decision, [.. policy.Rules.Select(r => new RuleStep(r, RuleOutcome.NotReached, "the text is no legal topic"))], null);

        var steps = new List<RuleStep>();
        var decided = false;
        foreach (var rule in policy.Rules)
        {
            var step = decided ? new(rule, RuleOutcome.NotReached, "a rule before it decided") : Step(rule, principal, action, text);
            decided |= step.Outcome == RuleOutcome.Decided;
            steps.Add(step);
        }

        return new(principal, action, topicOrFilter, decision, steps, FlipOf(policy, principal, action, text.ToString(), decision, steps));
    }

    private static RuleStep Step(PolicyRule rule, Principal principal, TopicAction action, ReadOnlySpan<char> text)
    {
        if (!rule.Actions.Contains(action)) return new(rule, RuleOutcome.OtherAction, $"speaks of {string.Join(", ", rule.Actions.Order().Select(PolicyWords.Of))}");
        if (!rule.Who.Include(principal)) return new(rule, RuleOutcome.OtherSubject, $"speaks of {Describe(rule.Who)}");
        if (rule.Decides(principal, action, text)) return new(rule, RuleOutcome.Decided, rule.Effect == Effect.Allow ? "allows it" : "denies it");
        var relation = action != TopicAction.Subscribe ? "none of its topics matches" : rule.Effect == Effect.Allow ? "none of its topics covers the whole filter" : "none of its topics overlaps the filter";
        return new(rule, RuleOutcome.OtherTopic, relation);
    }

    private static PolicyFlip? FlipOf(AccessPolicy policy, Principal principal, TopicAction action, string text, Decision decision, List<RuleStep> steps)
    {
        // A literal brace would read as a placeholder: no pattern says such a topic and nothing more.
        if (text.Contains('{') || !TopicPattern.TryParse(text, out var pattern, out _)) return null;
        var at = steps.FindIndex(s => s.Outcome == RuleOutcome.Decided);
        if (at < 0) at = steps.Count;
        var effect = decision.Allowed ? Effect.Deny : Effect.Allow;
        var rule = new PolicyRule(FreeName(policy, effect, principal), effect, Subjects.Named(principal.Kind, principal.Name), new[] { action }.ToFrozenSet(), [pattern]);
        var place = at == steps.Count ? "at the end" : $"before {steps[at].Rule.Name}";
        var group = decision.Allowed ? null : GroupThatAllows(policy, principal, action, text);
        return new($"insert {place}: {PolicyWords.Of(effect)} {PolicyWords.Of(principal.Kind)} {principal.Name} to {PolicyWords.Of(action)} {text}",
            rule, at, new(policy.Version + 1, policy.Rules.Take(at).Append(rule).Concat(policy.Rules.Skip(at))), group);
    }

    private static string? GroupThatAllows(AccessPolicy policy, Principal principal, TopicAction action, string text)
        => policy.Rules.Where(r => r.Effect == Effect.Allow && r.Who.Groups is not null).SelectMany(r => r.Who.Groups!.Order(StringComparer.Ordinal)).Distinct(StringComparer.Ordinal)
            .FirstOrDefault(g => policy.Decide(principal with { Groups = principal.Groups.Append(g).ToFrozenSet(StringComparer.Ordinal) }, action, text).Allowed);

    private static string FreeName(AccessPolicy policy, Effect effect, Principal principal)
    {
        var wished = $"{PolicyWords.Of(effect)}-{principal.Name}";
        if (wished.Length > AccessLimits.MaximumNameLength - 4) wished = wished[..(AccessLimits.MaximumNameLength - 4)];
        var name = wished;
        for (var n = 2; policy.Rules.Any(r => r.Name == name); n++) name = $"{wished}-{n}";
        return name;
    }

    private static string Describe(Subjects who)
    {
        var parts = new List<string>();
        if (who.Kinds is { } kinds) parts.Add($"kind {string.Join(" or ", kinds.Order().Select(PolicyWords.Of))}");
        if (who.Names is { } names) parts.Add($"{names.Count switch { 1 => names.First(), var n => $"{n} names" }}");
        if (who.Groups is { } groups) parts.Add($"group {string.Join(" or ", groups.Order(StringComparer.Ordinal))}");
        return parts.Count == 0 ? "everybody" : string.Join(", ", parts);
    }
}
