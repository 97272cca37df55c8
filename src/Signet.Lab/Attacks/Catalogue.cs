namespace Signet.Lab;

/// <summary>Every attack and every control of the lab: the one list that runs, plots, report and coverage read.</summary>
public static class Catalogue
{
    public static IReadOnlyList<Attack> Attacks { get; } = [.. NetworkAttacks.All, .. BrokerAttacks.All, .. MessageAttacks.All, .. LogAttacks.All];

    public static IReadOnlyList<Control> Controls { get; } = [.. NetworkAttacks.Controls, .. BrokerAttacks.Controls, .. MessageControls.All, .. LogAttacks.Controls];
}
