using System.Xml.Linq;

namespace Signet.House.Tests.Rules;

/// <summary>Holds every project file against the table of ARCHITECTURE.md, "Which door leads where".</summary>
public sealed class FloorPlanSpecs
{
    private static readonly string[] GroundFloor = ["Wire", "Pki", "Access", "Mqtt", "Proof", "Store"];

    /// <summary>Room -> the rooms it may open doors to.</summary>
    private static readonly Dictionary<string, string[]> Doors = new(StringComparer.Ordinal)
    {
        ["Wire"] = [],
        ["Pki"] = [],
        ["Access"] = [],
        ["Proof"] = [],
        ["Store"] = [],
        ["Mqtt"] = ["Store"],
        ["Audit"] = ["Proof", "Store"],
        ["Agent"] = ["Wire", "Pki", "Mqtt", "Proof"],
        ["Control"] = [.. GroundFloor, "Audit"],
        ["Web"] = ["Control", "Audit", "Proof", "Pki", "Access", "Mqtt"],
        ["Lab"] = [.. GroundFloor, "Audit", "Agent", "Control", "Web"],
        ["Cli"] = [.. GroundFloor, "Audit", "Agent", "Control", "Web", "Lab"],
    };

    public static TheoryData<string> Rooms => [.. Doors.Keys];

    [Fact]
    public void Every_project_under_src_is_a_room_of_the_floor_plan()
    {
        var projects = Directory.GetDirectories(Repository.PathOf("src")).Select(folder => Path.GetFileName(folder).Replace("Signet.", "", StringComparison.Ordinal));
        projects.Order(StringComparer.Ordinal).ShouldBe(Doors.Keys.Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Rooms))]
    public void A_room_opens_no_door_that_the_floor_plan_does_not_show(string room)
    {
        var opened = Project(room).Descendants("ProjectReference").Select(reference => Path.GetFileNameWithoutExtension((string)reference.Attribute("Include")!).Replace("Signet.", "", StringComparison.Ordinal));
        opened.Except(Doors[room], StringComparer.Ordinal).ShouldBeEmpty();
    }

    [Fact]
    public void Only_Store_has_database_drivers()
    {
        string[] drivers = ["Microsoft.Data.Sqlite", "SQLitePCLRaw", "Npgsql"];
        var holders = Doors.Keys.Where(room => Packages(room).Any(package => drivers.Any(driver => package.StartsWith(driver, StringComparison.Ordinal))));
        holders.ShouldBe(["Store"]);
    }

    [Fact]
    public void Rooms_of_the_ground_floor_need_nothing_but_the_base_class_library()
    {
        foreach (var room in GroundFloor.Append("Agent").Except(["Store", "Pki"], StringComparer.Ordinal))
            Packages(room).ShouldBeEmpty($"{room} takes no package");
    }

    [Fact]
    public void Only_rooms_that_carry_connections_or_pages_and_the_lab_that_takes_them_apart_use_the_web_framework()
    {
        var users = Doors.Keys.Where(room => Project(room).Descendants("FrameworkReference").Any());
        // Lab: its attacks on people leave controls of the real console out by putting other parts of the framework in their place.
        users.Except(["Mqtt", "Web", "Cli", "Lab"], StringComparer.Ordinal).ShouldBeEmpty();
    }

    [Fact]
    public void The_agent_and_the_center_never_see_each_other()
    {
        Doors["Agent"].ShouldNotContain("Control");
        Doors["Control"].ShouldNotContain("Agent");
    }

    [Fact]
    public void ARCHITECTURE_shows_the_same_doors()
    {
        var text = File.ReadAllText(Repository.PathOf("ARCHITECTURE.md"));
        foreach (var (room, doors) in Doors)
            text.ShouldContain($"| {room} | {(doors.Length == 0 ? "none" : string.Join(", ", doors))} |");
    }

    private static XDocument Project(string room) => XDocument.Load(Repository.PathOf("src", $"Signet.{room}", $"Signet.{room}.csproj"));

    private static IEnumerable<string> Packages(string room) => Project(room).Descendants("PackageReference").Select(package => (string)package.Attribute("Include")!);
}
