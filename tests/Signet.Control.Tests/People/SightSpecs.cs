using Signet.Pki;
using System.Globalization;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>What somebody limited to groups learns of the rest of the house.</summary>
public sealed class SightSpecs
{
    [Fact]
    public async Task The_live_feed_tells_of_a_person_with_a_devices_name_no_more_than_the_log_does()
    {
        await using var house = await TestHouse.StartAsync();
        await house.Center.Fleet.SetLabelsAsync("valve-1", ["north"], null, TestHouse.Admin);
        var sight = house.Center.SightOf(TestHouse.Operator with { Groups = ["north"] });
        FeedEvent About(string type) => new(1, DateTimeOffset.UtcNow, FeedKind.Audit, type, "valve-1", []);
        sight.Sees(About(Audit.AuditTypes.Device)).ShouldBeTrue();
        // Somebody typed the device's name where people sign in.
        foreach (var type in new[] { Audit.AuditTypes.AuthFail, Audit.AuditTypes.Auth, Audit.AuditTypes.User }) sight.Sees(About(type)).ShouldBeFalse(type);
    }

    [Fact]
    public async Task The_place_where_the_next_page_of_commands_begins_names_no_command_that_is_none_of_theirs_and_loses_none_that_is()
    {
        await using var house = await TestHouse.StartAsync();
        await house.Center.Fleet.SetLabelsAsync("valve-1", ["north"], null, TestHouse.Admin);
        var kept = (await house.Center.Commands.SendAsync(new("door-1", "close", Wait: TimeSpan.FromMinutes(5)), TestHouse.Admin)).Value;
        // Three in each millisecond; the oldest is theirs, the others are more than one question looks at.
        var count = (ControlLimits.CommandsLookedAt + 6).ToString(CultureInfo.InvariantCulture);
        AuditRival.Execute(house, $"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
            INSERT INTO command (id, device, command, arguments, state, by_name, by_role, by_kind, created, expires, deadline, digest, message, audit_entry)
            SELECT '01JQ' || CAST(100000 + n.i / 3 AS TEXT) || 'ABCDEFGH' || CAST(10000000 + n.i AS TEXT), CASE WHEN n.i = 1 THEN 'valve-1' ELSE c.device END, c.command, c.arguments, c.state, c.by_name, c.by_role, c.by_kind, c.created, c.expires, c.deadline, c.digest, c.message, c.audit_entry
            FROM n, command c WHERE c.id = '{kept.Id}'
            """);
        var sight = house.Center.SightOf(TestHouse.Operator with { Groups = ["north"] });

        var page = await sight.CommandsAsync(new());
        page.Commands.ShouldBeEmpty();
        page.Next![10..].Trim('0').ShouldBeEmpty("the time alone");
        (await house.Center.Commands.FindAsync(page.Next!)).ShouldBeNull();
        var next = await sight.CommandsAsync(new() { Before = page.Next });
        (next.Commands.Single().Device, next.Next).ShouldBe(("valve-1", null));
    }

    [Fact]
    public async Task The_devices_in_sight_and_what_they_are_chosen_by_follow_every_change()
    {
        await using var house = await TestHouse.StartAsync();
        var fleet = house.Center.Fleet;
        var (whole, north) = (house.Center.SightOf(TestHouse.Admin), house.Center.SightOf(TestHouse.Operator with { Groups = ["north"] }));
        string Said(Sight sight)
        {
            var labels = sight.Labels();
            // The same as looked through device by device.
            sight.Devices().ShouldBe(fleet.List().Where(device => sight.Has(device.Name)));
            labels.Groups.Sum(group => group.Value).ShouldBe(sight.Devices().Sum(device => device.Groups.Count));
            return $"{string.Join(' ', sight.Devices().Select(device => device.Name))}; {string.Join(' ', labels.Groups.Select(group => $"{group.Key}={group.Value}"))}; {string.Join(' ', labels.Tags.Select(tag => $"{tag.Key}={tag.Value}"))}; {string.Join(' ', labels.Commands)}";
        }

        Said(north).ShouldBe("; ; ; ");
        Said(whole).ShouldEndWith("; ; ; activate check-status close deactivate open read-temperature restart set-point set-position");
        (await fleet.SetLabelsAsync("valve-1", ["north", "roof"], ["spare"], TestHouse.Admin)).Refusal.ShouldBeNull();
        Said(north).ShouldBe("valve-1; north=1 roof=1; spare=1; check-status close open restart set-position");
        (await fleet.SetLabelsAsync("door-1", ["north"], null, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await fleet.SetAllowedCommandsAsync("valve-1", ["drain"], TestHouse.Admin)).Refusal.ShouldBeNull();
        (await fleet.SetLabelsAsync("valve-1", null, ["spare", "wet"], TestHouse.Admin)).Refusal.ShouldBeNull();
        Said(north).ShouldBe("door-1 valve-1; north=2 roof=1; spare=1 wet=1; check-status close drain open restart");
        Said(whole).ShouldContain("; north=2 roof=1; spare=1 wet=1; ");
        (await fleet.SetEnabledAsync("door-1", false, TestHouse.Admin)).Refusal.ShouldBeNull();
        north.Devices()[0].Enabled.ShouldBeFalse();
        (await fleet.RemoveAsync("door-1", TestHouse.Admin)).Refusal.ShouldBeNull();
        (await fleet.AddAsync(new("an-1", "door"), TestHouse.Admin)).Refusal.ShouldBeNull();
        Said(north).ShouldBe("valve-1; north=1 roof=1; spare=1 wet=1; drain");
        whole.Devices()[0].Name.ShouldBe("an-1");
    }

    [Fact]
    public async Task The_certificates_in_sight_follow_the_groups_and_the_ledger()
    {
        await using var house = await TestHouse.StartAsync();
        var fleet = house.Center.Fleet;
        var sight = house.Center.SightOf(TestHouse.Operator with { Groups = ["north", "east"] });
        string[] Devices() => [.. sight.Certificates().Where(one => one.Profile == CertificateProfile.Device).Select(one => one.Name).Order(StringComparer.Ordinal)];
        Devices().ShouldBeEmpty();
        await fleet.SetLabelsAsync("door-1", ["north"], null, TestHouse.Admin);
        await fleet.SetLabelsAsync("valve-1", ["east"], null, TestHouse.Admin);
        Devices().ShouldBe(["door-1", "valve-1"]);
        sight.Certificates().ShouldBeSameAs(sight.Certificates(), "nothing has changed");
        sight.Certificates().ShouldBe(house.Center.Certificates.List().Where(sight.Sees), "the same, in the same order, as asked one by one");
        await fleet.SetLabelsAsync("door-1", [], null, TestHouse.Admin);
        Devices().ShouldBe(["valve-1"]);
        (await fleet.RotateAsync("valve-1", TestHouse.Admin)).Refusal.ShouldBeNull();
        Devices().ShouldBe(["valve-1", "valve-1"]);
        (await fleet.RemoveAsync("valve-1", TestHouse.Admin)).Refusal.ShouldBeNull();
        Devices().ShouldBeEmpty();
        (await fleet.AddAsync(new("valve-1", "valve"), TestHouse.Admin)).Refusal.ShouldBeNull();
        Devices().ShouldBeEmpty("a new device of that name is in no group");
    }
}
