namespace Signet.Lab.Tests;

/// <summary>Attacks on people, at the real console over HTTPS: blocked for the named reason, successful without the named control.</summary>
public sealed class PeopleAttackSpecs(LabFixture fixture) : IClassFixture<LabFixture>
{
    private static readonly IReadOnlyList<Attack> Attacks = [.. PeopleAttacks.All, .. SecondFactorAttacks.All];

    public static TheoryData<string> Names => [.. Attacks.Select(a => a.Name)];

    [Theory, MemberData(nameof(Names))]
    public Task The_whole_house_blocks_it_for_the_named_reason(string name) => fixture.IsBlockedAsync(name);

    [Theory, MemberData(nameof(Names))]
    public Task Without_its_control_it_succeeds(string name) => fixture.SucceedsWithoutItsControlAsync(name);
}
