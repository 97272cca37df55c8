namespace Signet.Lab.Tests;

/// <summary>Network and broker attacks over real sockets and TLS, log attacks on real files: blocked for the named reason, successful without the named control, and in the open house.</summary>
public sealed class BrokerAttackSpecs(LabFixture fixture) : IClassFixture<LabFixture>
{
    private static readonly IReadOnlyList<Attack> Attacks = [.. NetworkAttacks.All, .. BrokerAttacks.All, .. LogAttacks.All];

    public static TheoryData<string> Names => [.. Attacks.Select(a => a.Name)];

    public static TheoryData<string> NamesInTheOpen => [.. Attacks.Where(a => a.Open is not null).Select(a => a.Name)];

    [Theory, MemberData(nameof(Names))]
    public Task The_whole_house_blocks_it_for_the_named_reason(string name) => fixture.IsBlockedAsync(name);

    [Theory, MemberData(nameof(Names))]
    public Task Without_its_control_it_succeeds(string name) => fixture.SucceedsWithoutItsControlAsync(name);

    [Theory, MemberData(nameof(NamesInTheOpen)), Trait("row", "S4-8")]
    public Task The_open_house_falls_for_it(string name) => fixture.SucceedsInTheOpenAsync(name);
}
