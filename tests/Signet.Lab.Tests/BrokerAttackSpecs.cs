namespace Signet.Lab.Tests;

/// <summary>Network and broker attacks over real sockets and TLS, log attacks on real files: blocked for the named reason, successful without the named control, and in the open house.</summary>
public sealed class BrokerAttackSpecs(LabFixture fixture) : IClassFixture<LabFixture>
{
    private static readonly IReadOnlyList<Attack> Attacks = [.. NetworkAttacks.All, .. BrokerAttacks.All, .. LogAttacks.All];

    public static TheoryData<string> Names => [.. Attacks.Select(a => a.Name)];

    public static TheoryData<string> NamesInTheOpen => [.. Attacks.Where(a => a.Open is not null).Select(a => a.Name)];

    [Theory, MemberData(nameof(Names))]
    public async Task The_whole_house_blocks_it_for_the_named_reason(string name)
    {
        var attack = Attacks.Single(a => a.Name == name);
        var strike = await attack.Secure(fixture.Lab, null, TestContext.Current.CancellationToken);
        strike.ResultName.ShouldBe("blocked", strike.Reason);
        strike.Reason.ShouldBe(attack.Reason);
    }

    [Theory, MemberData(nameof(Names))]
    public async Task Without_its_control_it_succeeds(string name)
    {
        var attack = Attacks.Single(a => a.Name == name);
        var strike = await attack.Secure(fixture.Lab, attack.Control, TestContext.Current.CancellationToken);
        strike.ResultName.ShouldBe("succeeded", strike.Reason);
    }

    [Theory, MemberData(nameof(NamesInTheOpen)), Trait("row", "S4-8")]
    public async Task The_open_house_falls_for_it(string name)
    {
        var strike = await Attacks.Single(a => a.Name == name).Open!(fixture.Lab, TestContext.Current.CancellationToken);
        strike.ResultName.ShouldBe("succeeded", strike.Reason);
    }
}
