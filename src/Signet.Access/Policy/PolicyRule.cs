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

    // Asked for every message: arrays and a bit mask instead of sets behind interfaces.
    private readonly int _kinds = Kinds?.Aggregate(0, (mask, kind) => mask | 1 << (int)kind) ?? -1;
    private readonly string[]? _groups = Groups?.ToArray();

    public bool Include(Principal principal) => IncludeKind(principal.Kind) && IncludeNameAndGroup(principal);

    internal bool IncludeKind(PrincipalKind kind) => (_kinds & 1 << (int)kind) != 0;

    internal bool IncludeNameAndGroup(Principal principal)
    {
        if (Names is not null && !Names.Contains(principal.Name)) return false;
        if (_groups is null) return true;
        foreach (var group in _groups)
        {
            if (principal.Groups.Contains(group)) return true;
        }

        return false;
    }
}

/// <summary>One line of a policy.</summary>
/// <param name="Name">Unique; stands in decisions and audit entries.</param>
/// <param name="Topics">At least one.</param>
public sealed record PolicyRule(string Name, Effect Effect, Subjects Who, IReadOnlySet<TopicAction> Actions, IReadOnlyList<TopicPattern> Topics)
{
    private readonly TopicPattern[] _topics = [.. Topics];

    /// <summary>Does the rule decide this question? Denying needs one topic in common with a filter, allowing must cover all of it.</summary>
    public bool Decides(Principal principal, TopicAction action, ReadOnlySpan<char> topicOrFilter)
        => Actions.Contains(action) && DecidesAction(principal, action, topicOrFilter);

    // For callers that know the rule speaks of the action. Cheapest condition first.
    internal bool DecidesAction(Principal principal, TopicAction action, ReadOnlySpan<char> topicOrFilter)
        => Who.IncludeKind(principal.Kind) && SpeaksOf(principal, action, topicOrFilter) && Who.IncludeNameAndGroup(principal);

    private bool SpeaksOf(Principal principal, TopicAction action, ReadOnlySpan<char> topicOrFilter)
    {
        foreach (var topic in _topics)
        {
            var answers = action != TopicAction.Subscribe ? topic.Matches(topicOrFilter, principal)
                : Effect == Effect.Allow ? topic.Covers(topicOrFilter, principal) : topic.Overlaps(topicOrFilter, principal);
            if (answers) return true;
        }

        return false;
    }
}
