using Signet.Wire;

namespace Signet.Control;

/// <summary>Groups of devices that somebody's acts are limited to.</summary>
internal static class Scope
{
    /// <summary>What is wrong with them; null when they will do. A group need not exist yet.</summary>
    public static string? WhyNot(IReadOnlyList<string> groups)
        => groups.Count > ControlLimits.ScopeGroups ? $"at most {ControlLimits.ScopeGroups} groups"
            : groups.FirstOrDefault(group => !Topics.IsWord(group)) is { } wrong ? $"'{new string([.. wrong.Take(64).Select(c => char.IsControl(c) ? '?' : c)])}' is no group's name: 1 to 64 of the characters a-z 0-9 . _ -" : null;

    public static IReadOnlyList<string> Sorted(IReadOnlyList<string> groups) => [.. groups.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
}
