using Microsoft.Playwright;
using Signet.Access;

namespace Signet.Browser;

/// <summary>The whole way in real Chromium, against a provider that others wrote.</summary>
public sealed class ProviderFlowSpecs(ConsoleHouse browsers)
{
    [Theory]
    [InlineData("RS256", "a secret of the client", false)]
    [InlineData("ES256", null, true)]
    public async Task People_sign_in_with_a_provider_and_are_what_it_says_they_are(string algorithm, string? secret, bool userInfoOnly)
    {
        await using var provider = await OidcProvider.StartAsync();
        provider.Knows(("u-1", "Noor", ["watch"]), ("u-2", "Stranger", []));
        await using var house = await ProviderHouse.StartAsync(new()
        {
            Issuer = provider.Issuer, ClientId = "signet", ClientSecret = secret, Name = "Example ID", Scopes = ["openid", "profile", "groups"], NewAccounts = true, RoleClaim = "groups", SignOut = true,
            Roles = new Dictionary<string, Role> { ["watch"] = Role.Viewer, ["ops"] = Role.Operator, ["boss"] = Role.Admin },
        });
        await house.PersonAsync("root", Role.Admin);
        await provider.OpenAsync(house.Console.ConsoleUrl, secret, algorithm, userInfoOnly);

        // A new account, as a viewer, back on the page that was asked for.
        await using var visitor = await VisitAsync(house);
        await visitor.Page.GotoAsync("/devices");
        await visitor.Page.GetByRole(AriaRole.Link, new() { Name = "Sign in with Example ID" }).ClickAsync();
        await AtProviderAsync(visitor.Page, "u-1");
        await visitor.Page.ArriveAsync("/devices");
        (await visitor.Page.Locator(".person").InnerTextAsync()).ShouldContain("Noor");
        (await RoleAsync(house, "NOOR")).ShouldBe(Role.Viewer);
        await visitor.Page.GotoAsync("/account");
        await visitor.Page.ScreenshotAsync(new() { Path = Path.Combine(Directory.CreateDirectory(ConsoleHouse.Screenshots).FullName, "account-provider.png"), FullPage = true });

        // Raised there: from the next sign-in on. Signed out here means signed out there, too.
        provider.Knows(("u-1", "Noor", ["boss"]), ("u-2", "Stranger", []));
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await visitor.Page.ArriveAsync(at => at.AbsoluteUri.StartsWith(provider.Issuer, StringComparison.Ordinal), "the provider");
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Yes, sign me out" }).ClickAsync();
        await visitor.Page.ArriveAsync("/login");
        await visitor.Page.Locator("#with-provider").ClickAsync();
        await AtProviderAsync(visitor.Page, "u-1");
        await visitor.Page.ArriveAsync(at => at == house.Console.ConsoleUrl, "the first page");
        (await RoleAsync(house, "NOOR")).ShouldBe(Role.Admin);

        // Lowered: the open session goes on until somebody signs in with the lower role, then it is over.
        provider.Knows(("u-1", "Noor", ["ops"]), ("u-2", "Stranger", []));
        await using var elsewhere = await VisitAsync(house);
        await elsewhere.Page.GotoAsync("/login");
        await elsewhere.Page.Locator("#with-provider").ClickAsync();
        await AtProviderAsync(elsewhere.Page, "u-1");
        await elsewhere.Page.ArriveAsync(at => at == house.Console.ConsoleUrl, "the first page");
        (await RoleAsync(house, "NOOR")).ShouldBe(Role.Operator);
        await visitor.Page.GoAsync("/people");
        visitor.Page.Url.ShouldContain("/login");

        // Nobody here: refused with the reason, and with what to do next.
        await using var stranger = await VisitAsync(house);
        await stranger.Page.GotoAsync("/login");
        await stranger.Page.Locator("#with-provider").ClickAsync();
        await AtProviderAsync(stranger.Page, "u-2");
        await stranger.Page.ArriveAsync("/login/provider/done");
        (await stranger.Page.Locator("#reason").InnerTextAsync()).ShouldBe("no-role");
        await stranger.Page.ScreenshotAsync(new() { Path = Path.Combine(ConsoleHouse.Screenshots, "provider-refused.png"), FullPage = true });
        await stranger.Page.EvaluateAsync(await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "axe.min.js")));
        var axe = await stranger.Page.EvaluateAsync<string>("axe.run().then(found => found.violations.map(one => one.id).join(' '))");
        axe.ShouldBe("");
        visitor.Complaints.Concat(stranger.Complaints).Where(one => one.Contains(house.Console.ConsoleUrl.Authority, StringComparison.Ordinal) && one.Contains("Content Security Policy", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Somebody_who_has_an_account_links_it_without_a_script_and_may_use_either_way()
    {
        await using var provider = await OidcProvider.StartAsync();
        provider.Knows(("u-7", "Ines", ["watch"]));
        await using var house = await ProviderHouse.StartAsync(new() { Issuer = provider.Issuer, ClientId = "signet", Name = "Example ID" });
        await house.PersonAsync("ines", Role.Operator);
        await provider.OpenAsync(house.Console.ConsoleUrl, null, "PS256", false);
        await using var visitor = await VisitAsync(house, script: false);
        await visitor.TrySignInAsync("ines", ProviderHouse.Password, "/account");
        await visitor.Page.GetByRole(AriaRole.Button, new() { Name = "Link Example ID" }).ClickAsync();
        await AtProviderAsync(visitor.Page, "u-7");
        await visitor.Page.ArriveAsync("/account");
        (await visitor.Page.GetByText("u-7").CountAsync()).ShouldBe(1);

        await using var other = await VisitAsync(house, script: false);
        await other.Page.GotoAsync("/login");
        await other.Page.Locator("#with-provider").ClickAsync();
        await AtProviderAsync(other.Page, "u-7");
        await other.Page.ArriveAsync(at => at == house.Console.ConsoleUrl, "the first page");
        (await other.Page.Locator(".person").InnerTextAsync()).ShouldContain("ines");
        (await RoleAsync(house, "INES")).ShouldBe(Role.Operator, "no role is asked of this provider");
    }

    private async Task<Visitor> VisitAsync(ProviderHouse house, bool script = true)
    {
        var context = await browsers.Chromium.NewContextAsync(new() { BaseURL = house.Console.ConsoleUrl.ToString(), IgnoreHTTPSErrors = true, JavaScriptEnabled = script, Locale = "en-GB" });
        // The provider's own pages want a font from elsewhere.
        await context.RouteAsync(url => url.Contains("googleapis.com", StringComparison.Ordinal), route => route.AbortAsync());
        return new(await context.NewPageAsync(), browsers);
    }

    private static async Task AtProviderAsync(IPage page, string login)
    {
        await page.Locator("input[name=login]").FillAsync(login);
        await page.Locator("input[name=password]").FillAsync("anything");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign-in" }).ClickAsync();
        // It asks for consent the first time.
        var consent = page.GetByRole(AriaRole.Button, new() { Name = "Continue" });
        await consent.Or(page.Locator("a.brand")).First.WaitForAsync();
        if (page.Url.Contains("/interaction/", StringComparison.Ordinal)) await consent.ClickAsync();
    }

    private static async Task<Role> RoleAsync(ProviderHouse house, string name) => (await house.Center.Accounts.FindByNameAsync(name))!.Role;
}
