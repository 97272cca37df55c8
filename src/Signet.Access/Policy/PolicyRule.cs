using System.Collections.Frozen;

namespace Signet.Access;

public enum Effect
{
    Deny = 0,
    Allow = 1,
}

/// <summary>Whom a rule speaks of. Every condition that is given must hold; none given: everybody.</summary>
/// <param name="Kinds">Null: any kind.</param>
/// <param name="Names">Exact names, no patterns. Null: any name.</param>
/// <param name="Groups">At least one of these. Null: in any group or none.</param>
public sealed record Subjects(IReadOnlySet<PrincipalKind>? Kinds = null, IReadOnlySet<string>? Names = null, IReadOnlySet<string>? Groups = null)
{
    public static Subjects Everybody { get; } = new();

    public static Subjects Devices { get; } = new(new HashSet<PrincipalKind> { PrincipalKind.Device });

    public static Subjects Named(PrincipalKind kind, params string[] names) => new(new HashSet<PrincipalKind> { kind }, names.ToFrozenSet(StringComparer.Ordinal));

    public static Subjects InGroup(params string[] groups) => new(Groups: groups.ToFrozenSet(StringComparer.Ordinal));

    public bool Include(Principal principal)
        => (Kinds is null || Kinds.Contains(principal.Kind))
            && (Names is null || Names.Contains(principal.Name))
            && (Groups is null || Groups.Overlaps(principal.Groups));
}

/// <summary>One line of a policy.</summary>
/// <param name="Name">Unique; stands in decisions and audit entries.</param>
/// <param name="Topics">At least one.</param>
public sealed record PolicyRule(string Name, Effect Effect, Subjects Who, IReadOnlySet<TopicAction> Actions, IReadOnlyList<TopicPattern> Topics)
{
    /// <summary>Does the rule decide this question? Denying needs one topic in common with a filter, allowing must cover all of it.</summary>
    public bool Decides(Principal principal, TopicAction action, ReadOnlySpan<char> topicOrFilter)
    {
        if (!Actions.Contains(action) || !Who.Include(principal)) return false;
        foreach (var topic in Topics)
        {
            if (Answers(topic, principal, action, topicOrFilter)) return true;
        }

        return false;
    }

    private bool Answers(TopicPattern topic, Principal principal, TopicAction action, ReadOnlySpan<char> text)
        => action != TopicAction.Subscribe ? topic.Matches(text, principal)
            : Effect == Effect.Allow ? topic.Covers(text, principal) : topic.Overlaps(text, principal);
}
