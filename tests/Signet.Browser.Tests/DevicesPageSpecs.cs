using Microsoft.Playwright;
using Signet.Control;

namespace Signet.Browser;

/// <summary>Many devices at once, as a person does it: tick, choose, press.</summary>
public sealed class DevicesPageSpecs(ConsoleHouse house)
{
    [Fact]
    [Trait("row", "S0-23")]
    public async Task Ticking_a_row_shows_what_can_be_done_with_it_and_only_the_ticked_are_changed()
    {
        await using var admin = await house.VisitAsync();
        await admin.SignInAsync("/devices");
        var change = admin.Page.GetByRole(AriaRole.Button, new() { Name = "Change what is ticked" });
        (await change.IsVisibleAsync()).ShouldBeFalse("until somebody wants it");
        await admin.Page.Locator("#tick-valve-1").CheckAsync();
        await Assertions.Expect(change).ToBeVisibleAsync();
        await admin.Page.Locator("#bulk select[name=change]").SelectOptionAsync("AddTag");
        await admin.Page.Locator("#bulk input[name=value]").FillAsync("looked-at");
        await admin.PressAsync(change);
        (await admin.Page.Locator("#bulk-report").InnerTextAsync()).ShouldContain("1 changed, 0 were so already, 0 refused.");
        try
        {
            house.Center.Fleet.List().Where(device => device.Tags.Contains("looked-at")).Select(device => device.Name).ShouldBe(["valve-1"]);
            admin.Complaints.ShouldBeEmpty();
        }
        finally
        {
            await house.Center.Fleet.SetLabelsAsync("valve-1", null, [], Actor.Terminal);
        }
    }

    [Fact]
    [Trait("row", "S0-31")]
    public async Task A_person_without_script_opens_the_same_by_hand()
    {
        await using var admin = await house.VisitAsync(script: false);
        await admin.SignInAsync("/devices");
        await admin.Page.GetByText("Change many at once").ClickAsync();
        await admin.PressAsync(admin.Page.GetByRole(AriaRole.Button, new() { Name = "Change what is ticked" }));
        (await admin.Page.GetByRole(AriaRole.Alert).InnerTextAsync()).ShouldContain("tick the devices that are meant");
        await Assertions.Expect(admin.Page.GetByRole(AriaRole.Button, new() { Name = "Change what is ticked" })).ToBeVisibleAsync();
    }
}
