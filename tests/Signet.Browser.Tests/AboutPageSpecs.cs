using Signet.Control;

namespace Signet.Browser;

/// <summary>What runs here, as its page says it.</summary>
public sealed class AboutPageSpecs(ConsoleHouse house)
{
    [Fact]
    public async Task The_page_shows_the_one_version_and_the_root_that_people_compare()
    {
        await using var visitor = await house.VisitAsync();
        await visitor.SignInAsync("/about");
        var program = visitor.Page.Locator("section[aria-labelledby=program-title]");
        (await program.Locator("dt:text-is('Signet') + dd").InnerTextAsync()).ShouldBe(CommandCenter.Version);
        (await visitor.Page.Locator("section[aria-labelledby=root-title] pre").InnerTextAsync()).Replace(":", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal)
            .ShouldBe(house.Center.Authority.Root.GetCertHashString(System.Security.Cryptography.HashAlgorithmName.SHA256), StringCompareShould.IgnoreCase);
        visitor.Complaints.ShouldBeEmpty();
    }
}
