using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>One change to many devices, while others change them too and while the database takes nothing.</summary>
public sealed class BulkSpecs
{
    [Fact]
    public async Task A_group_withdrawn_while_a_bulk_runs_is_not_given_back()
    {
        await using var house = await TestHouse.StartAsync();
        (await house.Center.Fleet.SetLabelsAsync("valve-1", ["vault"], ["spare"], TestHouse.Admin)).Refusal.ShouldBeNull();
        Task<Outcome<DeviceRecord>>? withdrawn = null;
        // Next in line as soon as the bulk has done its first device.
        house.Center.Fleet.Changed += device => { if (device.Name == "door-1") withdrawn ??= house.Center.Fleet.SetLabelsAsync("valve-1", [], null, TestHouse.Admin); };

        var report = (await house.Center.Bulk.ChangeAsync(new("all", BulkChange.AddGroup, "winter"), TestHouse.Admin)).Value;

        (await withdrawn!).Refusal.ShouldBeNull();
        report.Done.ShouldBe(3);
        var valve = house.Center.Fleet.Find("valve-1")!;
        (string.Join(' ', valve.Groups), string.Join(' ', valve.Tags)).ShouldBe(("winter", "spare"));
        (await house.AuditedAsync(new() { Action = "devices-changed" })).Details["names"]!.GetValue<string>().ShouldBe(BulkChanges.DigestOf(["valve-1", "thermostat-1", "door-1"]));
        (await house.AuditedAsync(new() { Action = "devices-change-finished", Subject = report.Id })).Details["done"]!.GetValue<int>().ShouldBe(3);
    }

    [Fact]
    public async Task A_quarantine_does_not_wait_for_a_change_of_labels()
    {
        await using var house = await TestHouse.StartAsync();
        Task<Outcome<BulkReport>>? cut = null;
        house.Center.Fleet.Changed += device =>
        {
            if (device.Name != "door-1" || cut is not null) return;
            cut = Task.Run(() => house.Center.Bulk.ChangeAsync(new("valve-1", BulkChange.Quarantine), TestHouse.Operator));
            Thread.Sleep(300); // the bulk stands still until the quarantine is in line
        };

        var labelled = (await house.Center.Bulk.ChangeAsync(new("all", BulkChange.AddTag, "winter"), TestHouse.Admin)).Value;

        (await cut!).Value.Done.ShouldBe(1);
        labelled.Done.ShouldBe(3);
        var disabled = (await house.AuditedAsync(new() { Action = "device-disabled", Subject = "valve-1" })).Sequence;
        disabled.ShouldBeLessThan((await house.AuditedAsync(new() { Action = "device-labels", Subject = "valve-1" })).Sequence);
    }

    [Fact]
    public async Task A_quarantine_that_could_not_be_written_holds_is_no_unchanged_and_is_written_as_soon_as_it_can_be()
    {
        await using var house = await TestHouse.StartAsync();
        using (AuditRival.OfFleet(house))
        {
            var report = (await house.Center.Bulk.ChangeAsync(new("door-1", BulkChange.Quarantine), TestHouse.Operator)).Value;
            report.Devices.Single().Result.ShouldBe("store-unavailable");
            house.Center.Fleet.Find("door-1")!.Enabled.ShouldBeFalse("it is cut off all the same");
            (await house.Center.Bulk.ChangeAsync(new("door-1", BulkChange.Quarantine), TestHouse.Operator)).Value.Devices.Single().Result.ShouldBe("store-unavailable");
        }

        await Eventually.True(() => !house.Center.Fleet.IsUnwritten, "it is written down, though nobody asks again");
        (await house.Center.Bulk.ChangeAsync(new("door-1", BulkChange.Quarantine), TestHouse.Operator)).Value.Unchanged.ShouldBe(1);
        await house.StopCenterAsync();
        await house.StartCenterAsync();
        house.Center.Fleet.Find("door-1")!.Enabled.ShouldBeFalse("and after a start");
    }

    [Fact]
    public async Task What_was_answered_before_is_answered_again_only_to_who_may_see_it_today()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("door-1");
        var limited = TestHouse.Operator with { Groups = ["north"] };
        (await house.Center.Fleet.SetLabelsAsync("door-1", ["north"], null, TestHouse.Admin)).Refusal.ShouldBeNull();
        var command = new CommandDraft("door-1", "close", [], "k1");
        var (rollout, bulk) = (new RolloutDraft("group:north", "close", []) { IdempotencyKey = "k2", Wait = TimeSpan.FromMinutes(5) }, new BulkDraft("door-1", BulkChange.Quarantine, null, "k3"));
        (await house.Center.Commands.SendAsync(command, limited)).Refusal.ShouldBeNull();
        (await house.Center.Commands.SendManyAsync(rollout, limited)).Refusal.ShouldBeNull();
        (await house.Center.Bulk.ChangeAsync(bulk, limited)).Refusal.ShouldBeNull();
        (await house.Center.Commands.SendAsync(command, limited)).Refusal.ShouldBeNull("the same again");

        (await house.Center.Fleet.SetLabelsAsync("door-1", [], null, TestHouse.Admin)).Refusal.ShouldBeNull();

        (await house.Center.Commands.SendAsync(command, limited)).Refusal!.Name.ShouldBe("not-allowed");
        (await house.Center.Commands.SendManyAsync(rollout, limited)).Refusal!.Name.ShouldBe("not-allowed");
        (await house.Center.Bulk.ChangeAsync(bulk, limited)).Refusal!.Name.ShouldBe("not-allowed");
    }

    [Fact]
    public void A_selection_has_so_many_terms_and_counts_each_once()
    {
        DeviceSelection.TryParse(string.Join(',', Enumerable.Repeat("door-1", 200)), out var one, out _).ShouldBeTrue();
        one!.SingleName.ShouldBe("door-1");
        DeviceSelection.TryParse(string.Join(',', Enumerable.Range(0, 65).Select(i => $"search:{i}")), out _, out var why).ShouldBeFalse();
        why.ShouldContain("64 terms");
    }
}
