using Signet.Wire;

namespace Signet.Control;

/// <summary>Groups of devices that somebody is limited to: acting on them and seeing them.</summary>
internal static class Scope
{
    /// <summary>What is wrong with them; null when they will do. A group need not exist yet.</summary>
    public static string? WhyNot(IReadOnlyList<string> groups)
        => groups.Count > ControlLimits.ScopeGroups ? $"at most {ControlLimits.ScopeGroups} groups"
            : groups.FirstOrDefault(group => !Topics.IsWord(group)) is { } wrong ? $"'{new string([.. wrong.Take(64).Select(c => char.IsControl(c) ? '?' : c)])}' is no group's name: 1 to 64 of the characters a-z 0-9 . _ -" : null;

    /// <summary>
    /// What somebody limited is told about a device outside of their groups and about one that does not exist: the same, so that nobody finds out which names are taken. On the record it is the rule <c>scope</c>.
    /// </summary>
    public static Refusal Refuse(Actor actor) => new(RefusalCode.NotAllowed, $"{actor.Name} may act on devices of {string.Join(", ", actor.Groups)} only; that is none of them");

    public static IReadOnlyList<string> Sorted(IReadOnlyList<string> groups) => [.. groups.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}
