using Signet.Access;

namespace Signet.Control;

/// <summary>A policy that is or was in force.</summary>
/// <param name="By">Who applied it; the program itself for the first.</param>
public sealed record PolicyVersion(long Version, string By, DateTimeOffset Applied, int Rules, bool HasAssertions);

/// <summary>What applying a policy would do.</summary>
/// <param name="Policy">As it would be in force: with the next version.</param>
/// <param name="Base">Version it is compared with.</param>
/// <param name="Changes">Who gains and who loses what, with an example each.</param>
/// <param name="Traffic">The same over what was really asked in the last days: what people would notice.</param>
/// <param name="Questions">Questions of real traffic that were tried.</param>
/// <param name="Assertions">Results, the built-in ones first.</param>
public sealed record PolicyPreview(AccessPolicy Policy, long Base, IReadOnlyList<PolicyChange> Changes, IReadOnlyList<PolicyChange> Traffic, int Questions, IReadOnlyList<AssertionResult> Assertions)
{
    /// <summary>Nothing stands against applying it.</summary>
    public bool Passes => Assertions.All(a => a.Passed);
}

/// <summary>A policy that was just applied.</summary>
/// <param name="Ended">Subscriptions that it ended.</param>
public sealed record PolicyApplied(long Version, int Gained, int Lost, int Ended);
