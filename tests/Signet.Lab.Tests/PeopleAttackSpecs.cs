namespace Signet.Lab.Tests;

/// <summary>Attacks on people, at the real console over HTTPS: blocked for the named reason, successful without the named control.</summary>
public sealed class PeopleAttackSpecs(LabFixture fixture) : IClassFixture<LabFixture>
{
    private static readonly IReadOnlyList<Attack> Attacks = [.. PeopleAttacks.All, .. SecondFactorAttacks.All];

    public static TheoryData<string> Names => [.. Attacks.Select(a => a.Name)];

    [Theory, MemberData(nameof(Names))]
    public async Task The_whole_console_blocks_it_for_the_named_reason(string name)
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
}
