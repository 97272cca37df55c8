namespace Signet.Lab.Tests;

/// <summary>The list of attacks as a whole.</summary>
public sealed class CatalogueSpecs
{
    [Fact]
    public void There_are_at_least_sixty_attacks_with_names_of_their_own_and_twenty_five_concern_the_open_house()
    {
        Catalogue.Attacks.Count.ShouldBeGreaterThanOrEqualTo(60);
        Catalogue.Attacks.Select(a => a.Name).Distinct().Count().ShouldBe(Catalogue.Attacks.Count);
        Catalogue.Attacks.Count(a => a.Open is not null).ShouldBeGreaterThanOrEqualTo(25);
    }

    [Fact]
    public void Every_mapping_stands_in_the_pinned_lists_and_every_control_stops_something() =>
        Coverage.Of(Catalogue.Attacks, Catalogue.Controls).Unknown.ShouldBeEmpty();

    [Fact]
    public void Gaps_are_named_as_gaps()
    {
        var coverage = Coverage.Of(Catalogue.Attacks, Catalogue.Controls);
        coverage.UncoveredTechniques.ShouldContain("T0857"); // firmware: the house has no update channel to attack yet
        coverage.UncoveredRequirements.ShouldContain("OWASP I10"); // physical hardening is out of reach of any lab on loopback
    }
}
