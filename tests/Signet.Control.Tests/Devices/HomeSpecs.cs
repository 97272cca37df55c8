using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>The homes of devices on the center's machine, over its restarts.</summary>
public sealed class HomeSpecs
{
    private static readonly Uri Console = new("https://center.example:8443/");

    [Fact]
    public async Task A_start_that_changes_no_address_writes_no_home_again()
    {
        await using var house = await TestHouse.StartAsync();
        house.Center.Fleet.AnnounceConsole(Console);
        var written = Written(house);
        await house.StopCenterAsync();

        await house.StartCenterAsync();
        house.Center.Fleet.AnnounceConsole(Console);

        Written(house).ShouldBe(written);
    }

    [Fact]
    public async Task A_home_keeps_where_it_renews_until_the_console_stands_and_takes_what_changed_then()
    {
        await using var house = await TestHouse.StartAsync();
        var settings = Path.Combine(house.Center.Installation.DeviceDirectory("thermostat-1"), "device.json");
        house.Center.Fleet.AnnounceConsole(Console);
        await house.StopCenterAsync();

        await house.StartCenterAsync();
        File.ReadAllText(settings).ShouldContain("https://center.example:8443");

        house.Center.Fleet.AnnounceConsole(new("https://center.example:9443/"));
        File.ReadAllText(settings).ShouldContain("https://center.example:9443");
    }

    [Fact]
    public async Task A_home_whose_settings_somebody_broke_is_written_anew()
    {
        await using var house = await TestHouse.StartAsync();
        var settings = Path.Combine(house.Center.Installation.DeviceDirectory("thermostat-1"), "device.json");
        await house.StopCenterAsync();
        await File.WriteAllTextAsync(settings, "{\"renewal\":");

        await house.StartCenterAsync();

        File.ReadAllText(settings).ShouldContain("\"name\": \"thermostat-1\"");
    }

    // A file that is replaced has a new time.
    private static Dictionary<string, DateTime> Written(TestHouse house) => Directory.EnumerateFiles(house.Center.Installation.DeviceDirectory("thermostat-1")).ToDictionary(file => file, File.GetLastWriteTimeUtc);
}
