using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>Looking through the devices: what is found, and that what was remembered of a device is never what it was before.</summary>
public sealed class SearchSpecs
{
    private static DeviceRecord Device(string name, string title = "", string[]? groups = null, string[]? tags = null, PresenceState state = PresenceState.Unknown, bool enabled = true)
        => new(name, "valve", title, [], enabled, default, "", "", default, Presence.Never with { State = state }, groups ?? [], tags ?? []);

    private static string[] Found(string search, params DeviceRecord[] devices) => [.. DeviceSearch.Search(devices, search).Select(device => device.Name)];

    [Theory]
    [InlineData("PUMP", "pump-1 pump-2")]
    [InlineData("  valve 2 ", "pump-2")]
    [InlineData("cellar", "pump-1")]
    [InlineData("EAST", "pump-2")]
    [InlineData("spare", "pump-2")]
    [InlineData("online", "pump-2")]
    [InlineData("offline", "")]
    [InlineData("line", "pump-2")]
    [InlineData("unknown", "pump-1")]
    [InlineData("disabled", "pump-1")]
    [InlineData("pump-1valve", "")]
    [InlineData("east\u0001spare", "")]
    [InlineData("straße", "pump-1")]
    [InlineData("", "pump-1 pump-2")]
    public void Every_word_stands_somewhere_in_name_kind_title_state_groups_or_tags(string search, string found)
        => string.Join(' ', Found(search, Device("pump-1", "Cellar, STRAßE 4", enabled: false), Device("pump-2", "", ["east"], ["spare"], PresenceState.Online))).ShouldBe(found);

    [Fact]
    public void What_a_search_remembers_is_no_part_of_a_record_and_does_not_follow_its_copies()
    {
        var (one, same) = (Device("pump-1", groups: ["north"]), Device("pump-1", groups: ["north"]));
        Found("north", one).ShouldBe(["pump-1"]);
        (one with { Groups = same.Groups, Tags = same.Tags, AllowedCommands = same.AllowedCommands, Presence = same.Presence }).ShouldBe(same, "one of them was searched, the other was not");
        var moved = one with { Groups = ["south"], Name = "pump-9" };
        Found("north", moved).ShouldBeEmpty();
        Found("south pump-9", moved).ShouldBe(["pump-9"]);
    }

    [Fact]
    public async Task A_device_that_changed_is_found_by_what_it_is_now()
    {
        await using var house = await TestHouse.StartAsync();
        string[] Search(string text) => [.. DeviceSearch.Search(house.Center.Fleet.List(), text).Select(device => device.Name)];
        await house.Center.Fleet.SetLabelsAsync("door-1", ["north"], ["spare"], TestHouse.Admin);
        Search("north spare").ShouldBe(["door-1"]);
        await house.Center.Fleet.SetLabelsAsync("door-1", ["south"], null, TestHouse.Admin);
        Search("north").ShouldBeEmpty();
        Search("south spare").ShouldBe(["door-1"]);
        await house.Center.Fleet.SetEnabledAsync("door-1", false, TestHouse.Admin);
        Search("disabled south").ShouldBe(["door-1"]);
    }
}
