using Signet.Testing;

namespace Signet.Control.Tests;

public sealed class LabelSpecs
{
    [Fact]
    public async Task Groups_and_tags_are_kept_over_a_restart_and_select_devices()
    {
        await using var house = await TestHouse.StartAsync();
        (await house.Center.Fleet.SetLabelsAsync("thermostat-1", ["heating", "upstairs"], ["spare"], TestHouse.Admin)).Value.Groups.ShouldBe(["heating", "upstairs"]);
        await house.Center.Fleet.SetLabelsAsync("valve-1", ["heating"], null, TestHouse.Admin);
        await house.Center.Fleet.SetLabelsAsync("thermostat-1", ["heating", "heating"], null, TestHouse.Admin);

        await house.StopCenterAsync();
        await house.StartCenterAsync();

        Selected("group:heating").ShouldBe(["thermostat-1", "valve-1"]);
        Selected("tag:spare,door-1").ShouldBe(["door-1", "thermostat-1"]);
        Selected("kind:door").ShouldBe(["door-1"]);
        Selected("search:heat").ShouldBe(["thermostat-1", "valve-1"]);
        Selected("all").Length.ShouldBe(3);
        house.Center.Fleet.Groups().ShouldBe(new Dictionary<string, int> { ["heating"] = 2 });
        house.Center.Fleet.Tags().ShouldBe(new Dictionary<string, int> { ["spare"] = 1 });
        (await house.AuditedAsync(new() { Action = "device-labels", Subject = "valve-1" })).Actor.ShouldBe(TestHouse.Admin.Name);

        string[] Selected(string text) => DeviceSelection.TryParse(text, out var selection, out _) ? [.. selection.Of(house.Center.Fleet.List()).Select(d => d.Name)] : [];
    }

    [Fact]
    public async Task A_removed_devices_labels_do_not_wait_for_the_next_device_of_its_name()
    {
        await using var house = await TestHouse.StartAsync();
        await house.Center.Fleet.SetLabelsAsync("door-1", ["vault"], null, TestHouse.Admin);
        await house.Center.Fleet.RemoveAsync("door-1", TestHouse.Admin);
        await house.Center.Fleet.AddAsync(new("door-1", "door"), TestHouse.Admin);

        await house.StopCenterAsync();
        await house.StartCenterAsync();

        house.Center.Fleet.Find("door-1")!.Groups.ShouldBeEmpty();
    }

    [Fact]
    public async Task Labels_that_are_no_words_and_people_who_may_not_are_refused()
    {
        await using var house = await TestHouse.StartAsync();

        (await house.Center.Fleet.SetLabelsAsync("door-1", ["a b"], null, TestHouse.Admin)).Refusal!.Name.ShouldBe("bad-input");
        (await house.Center.Fleet.SetLabelsAsync("door-1", null, [.. Enumerable.Range(0, 33).Select(i => $"t{i}")], TestHouse.Admin)).Refusal!.Name.ShouldBe("bad-input");
        (await house.Center.Fleet.SetLabelsAsync("door-9", ["a"], null, TestHouse.Admin)).Refusal!.Name.ShouldBe("not-found");
        (await house.Center.Fleet.SetLabelsAsync("door-1", ["a"], null, TestHouse.Operator)).Refusal!.Name.ShouldBe("not-allowed");
    }

    [Theory]
    [InlineData("")]
    [InlineData("Door")]
    [InlineData("group:")]
    [InlineData("group:a b")]
    [InlineData("owner:ada")]
    [InlineData("door-1,,door-2")]
    public void A_selection_that_cannot_be_read_says_how_to_write_one(string text)
    {
        DeviceSelection.TryParse(text, out _, out var why).ShouldBeFalse();
        why.ShouldNotBeEmpty();
    }
}
