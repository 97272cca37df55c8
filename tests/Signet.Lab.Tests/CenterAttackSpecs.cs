namespace Signet.Lab.Tests;

/// <summary>Attacks on what a center believes: at its receiving half and at a whole center, at one restored from its backup, and between whole ends by a broker that has turned.</summary>
public sealed class CenterAttackSpecs(LabFixture fixture) : IClassFixture<LabFixture>
{
    private static readonly IReadOnlyList<Attack> Attacks = [.. ReportAttacks.All, .. RestoreAttacks.All, .. CrookedBrokerAttacks.All];

    public static TheoryData<string> Names => [.. Attacks.Select(a => a.Name)];

    [Theory, MemberData(nameof(Names))]
    public Task The_whole_house_blocks_it_for_the_named_reason(string name) => fixture.IsBlockedAsync(name);

    [Theory, MemberData(nameof(Names))]
    public Task Without_its_control_it_succeeds(string name) => fixture.SucceedsWithoutItsControlAsync(name);
}
