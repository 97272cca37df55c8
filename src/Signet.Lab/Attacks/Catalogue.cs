namespace Signet.Lab;

/// <summary>Every attack and every control of the lab: the one list that runs, plots, report and coverage read.</summary>
public static class Catalogue
{
    public static IReadOnlyList<Attack> Attacks { get; } =
        [.. new[] { NetworkAttacks.All, BrokerAttacks.All, MessageAttacks.All, ReportAttacks.All, RestoreAttacks.All, CrookedBrokerAttacks.All, PeopleAttacks.All, SecondFactorAttacks.All, LogAttacks.All }.SelectMany(a => a).OrderBy(a => a.Layer)]; // a stable sort: the lists' own order within a layer

    public static IReadOnlyList<Control> Controls { get; } = [.. NetworkAttacks.Controls, .. BrokerAttacks.Controls, .. MessageControls.All, .. ReportAttacks.Controls, .. RestoreAttacks.Controls, .. CrookedBrokerAttacks.Controls, .. PeopleAttacks.Controls, .. SecondFactorAttacks.Controls, .. LogAttacks.Controls];
}
