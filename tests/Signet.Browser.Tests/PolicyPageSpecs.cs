using System.Text;
using Microsoft.Playwright;
using Signet.Access;

namespace Signet.Browser;

/// <summary>The page of the access policy in a real browser: ask, try a change, see what it does, put it in force.</summary>
public sealed class PolicyPageSpecs(ConsoleHouse house)
{
    [Fact]
    [Trait("row", "S0-8"), Trait("row", "S0-31")]
    public async Task A_policy_is_tried_seen_and_put_in_force_in_the_browser_and_in_spanish()
    {
        var before = house.Center.Policies.Current.Version;
        await using var admin = await house.VisitAsync();
        await admin.SignInAsync("/policy?who=door-1&action=publish&topic=signet/valve-1/receipt&ask=explain");
        (await admin.Page.GetByText("no-rule-allows").First.IsVisibleAsync()).ShouldBeTrue();
        (await admin.Page.GetByText("Smallest change").IsVisibleAsync()).ShouldBeTrue();

        // A mistake is told, and changes nothing.
        await admin.Page.GotoAsync("/policy");
        var box = admin.Page.Locator("#file");
        var file = await box.InputValueAsync();
        await box.FillAsync(file.Replace("\"allow\"", "\"allov\"", StringComparison.Ordinal));
        await PressAsync(admin.Page, "Show what would change");
        (await admin.Page.GetByRole(AriaRole.Alert).First.InnerTextAsync()).ShouldContain("allov");
        house.Center.Policies.Current.Version.ShouldBe(before);

        // What would change is shown before the button that does it.
        await admin.Page.GotoAsync("/policy");
        await box.FillAsync(file.Replace("\"signet/{device}/telemetry/+\",", "\"signet/{device}/telemetry/+\", \"plant/{device}\",", StringComparison.Ordinal));
        await PressAsync(admin.Page, "Show what would change");
        (await admin.Page.Locator("section:has(#preview-title)").InnerTextAsync()).ShouldContain("plant/door-1");
        house.Center.Policies.Current.Version.ShouldBe(before, "looking applies nothing");
        admin.Page.Dialog += (_, dialog) => _ = dialog.AcceptAsync();
        await PressAsync(admin.Page, $"Put version {before + 1} in force");
        (await admin.Page.GetByRole(AriaRole.Status).First.InnerTextAsync()).ShouldContain($"Version {before + 1} is in force.");
        house.Center.Policies.Current.Decide(Principal.Device("door-1"), TopicAction.Publish, "plant/door-1").Allowed.ShouldBeTrue();

        await using var person = new Visitor(await (await house.Chromium.NewContextAsync(new() { BaseURL = house.Console.ConsoleUrl.ToString(), IgnoreHTTPSErrors = true, Locale = "es-ES" })).NewPageAsync(), house);
        await person.TrySignInAsync("admin", house.Password, "/policy");
        (await person.Page.Locator("h1").InnerTextAsync()).ShouldBe("Política de acceso");
        admin.Complaints.Concat(person.Complaints).ShouldBeEmpty();

        // As it was, for the tests that follow.
        var old = Encoding.UTF8.GetBytes(file.Replace($"\"version\": {before}", $"\"version\": {before + 1}", StringComparison.Ordinal));
        (await house.Center.Policies.ApplyAsync(old, null, Signet.Control.Actor.Terminal)).Refusal.ShouldBeNull();
    }

    private static Task PressAsync(IPage page, string name) => page.PressAsync(page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true }));
}
