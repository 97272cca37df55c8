namespace Signet.Lab.Tests;

/// <summary>Each attack on what a device takes for a command, at its receiving half and at a whole device.</summary>
public sealed class MessageAttackSpecs(LabFixture fixture) : IClassFixture<LabFixture>
{
    private static readonly IReadOnlyList<Attack> Attacks = [.. MessageAttacks.All];

    public static TheoryData<string> Names => [.. Attacks.Select(a => a.Name)];

    public static TheoryData<string> NamesInTheOpen => [.. Attacks.Where(a => a.Open is not null).Select(a => a.Name)];

    [Theory, MemberData(nameof(Names))]
    public Task The_whole_house_blocks_it_for_the_named_reason(string name) => fixture.IsBlockedAsync(name);

    [Theory, MemberData(nameof(Names))]
    public Task Without_its_control_it_succeeds(string name) => fixture.SucceedsWithoutItsControlAsync(name);

    [Theory, MemberData(nameof(NamesInTheOpen)), Trait("row", "S4-8")]
    public Task The_open_house_falls_for_it(string name) => fixture.SucceedsInTheOpenAsync(name);
}
