namespace Signet.Lab.Tests;

/// <summary>Each attack on the message layer: blocked for the named reason by the whole house, successful against the same house without the named control.</summary>
public sealed class MessageAttackSpecs(LabFixture fixture) : IClassFixture<LabFixture>
{
    private static readonly IReadOnlyList<Attack> Attacks = [.. MessageAttacks.All, .. ReportAttacks.All];

    private readonly LabContext _lab = fixture.Lab;

    public static TheoryData<string> Names => [.. Attacks.Select(a => a.Name)];

    [Theory, MemberData(nameof(Names))]
    public async Task The_whole_house_blocks_it_for_the_named_reason(string name)
    {
        var attack = Attacks.Single(a => a.Name == name);
        var strike = await attack.Secure(_lab, null, TestContext.Current.CancellationToken);
        strike.ResultName.ShouldBe("blocked", strike.Reason);
        strike.Reason.ShouldBe(attack.Reason);
    }

    public static TheoryData<string> NamesInTheOpen => [.. Attacks.Where(a => a.Open is not null).Select(a => a.Name)];

    [Theory, MemberData(nameof(NamesInTheOpen)), Trait("row", "S4-8")]
    public async Task The_open_house_falls_for_it(string name)
    {
        var strike = await Attacks.Single(a => a.Name == name).Open!(_lab, TestContext.Current.CancellationToken);
        strike.ResultName.ShouldBe("succeeded", strike.Reason);
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Without_its_control_it_succeeds(string name)
    {
        var attack = Attacks.Single(a => a.Name == name);
        var strike = await attack.Secure(_lab, attack.Control, TestContext.Current.CancellationToken);
        strike.ResultName.ShouldBe("succeeded", strike.Reason);
    }
}
