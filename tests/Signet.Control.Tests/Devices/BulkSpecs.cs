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
    public async Task A_quarantine_that_the_database_never_heard_of_outlives_a_restart_of_the_center_and_can_be_undone_for_good()
    {
        await using var house = await TestHouse.StartAsync();
        var rival = AuditRival.OfFleet(house);
        var refused = (await house.Center.Fleet.SetEnabledAsync("door-1", false, TestHouse.Operator)).Refusal!;
        (refused.Name, refused.Message.Contains("is cut off, and stays so", StringComparison.Ordinal)).ShouldBe(("store-unavailable", true), refused.Message);
        await house.StopCenterAsync();
        rival.Dispose();

        await house.StartCenterAsync();
        house.Center.Fleet.Find("door-1")!.Enabled.ShouldBeFalse("from the first moment: nobody asked again");
        await Eventually.True(() => !house.Center.Fleet.IsUnwritten, "and the database is told");
        (await house.Center.Fleet.SetEnabledAsync("door-1", true, TestHouse.Admin)).Refusal.ShouldBeNull();
        await house.StopCenterAsync();
        await house.StartCenterAsync();
        house.Center.Fleet.Find("door-1")!.Enabled.ShouldBeTrue("no old note comes back");
        (File.GetUnixFileMode(Path.Combine(house.Directory, "cut-off")), new FileInfo(Path.Combine(house.Directory, "cut-off")).Length).ShouldBe((UnixFileMode.UserRead | UnixFileMode.UserWrite, 64L * 1000));
    }

    [Fact]
    public async Task A_note_about_a_device_that_is_no_more_shuts_out_no_later_one_of_its_name()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StopCenterAsync();
        using (var file = File.OpenWrite(Path.Combine(house.Directory, "cut-off"))) file.Write(System.Text.Encoding.ASCII.GetBytes("ghost-1".PadRight(63) + "\n"));
        await house.StartCenterAsync();
        (await house.Center.Fleet.AddAsync(new("ghost-1", "door"), TestHouse.Admin)).Refusal.ShouldBeNull();
        await house.StopCenterAsync();
        await house.StartCenterAsync();
        house.Center.Fleet.Find("ghost-1")!.Enabled.ShouldBeTrue();
    }

    [Fact]
    public void The_list_of_who_is_cut_off_keeps_whole_names_alone_and_is_not_hindered_by_a_spoilt_slot()
    {
        using var temp = new TempDirectory();
        using (var list = CutOffList.Open(temp.Path))
        {
            foreach (var name in new[] { "door-1", "door-10", new string('a', 63) }) list.TryAdd(name, out _).ShouldBeTrue();
            list.Remove("door-1");
            list.TryAdd("pump-1", out _).ShouldBeTrue();
        }

        using (var file = File.OpenWrite(Path.Combine(temp.Path, "cut-off")))
        {
            file.Position = 64;
            file.Write("Door;10"u8);
        }

        using (var list = CutOffList.Open(temp.Path))
        {
            list.Names.Order().ShouldBe([new string('a', 63), "pump-1"]);
            for (var i = 0; i < 1_100; i++) list.TryAdd($"more-{i}", out _).ShouldBeTrue("there is room on this disk");
        }

        using var again = CutOffList.Open(temp.Path);
        again.Names.Count.ShouldBe(1_102);
    }

    [Fact]
    public async Task A_change_with_a_key_is_done_once_though_the_center_was_restarted_between()
    {
        await using var house = await TestHouse.StartAsync();
        var draft = new BulkDraft("all", BulkChange.AddTag, "winter", "night-1");
        var first = (await house.Center.Bulk.ChangeAsync(draft, TestHouse.Admin)).Value;
        (await house.Center.Fleet.SetLabelsAsync("door-1", null, [], TestHouse.Admin)).Refusal.ShouldBeNull();
        await house.StopCenterAsync();
        await house.StartCenterAsync();

        var second = (await house.Center.Bulk.ChangeAsync(draft, TestHouse.Admin)).Value;

        (second.Id, second.Done, string.Join(' ', second.Devices.Select(row => row.Device + ":" + row.Result))).ShouldBe((first.Id, 3, "door-1:done thermostat-1:done valve-1:done"));
        house.Center.Fleet.Find("door-1")!.Tags.ShouldBeEmpty("it was not done again");
        (await house.Center.Bulk.ChangeAsync(draft with { Value = "summer" }, TestHouse.Admin)).Refusal!.Name.ShouldBe("conflict");
        (await house.Center.Bulk.ChangeAsync(draft with { Names = ["door-1"] }, TestHouse.Admin)).Refusal!.Name.ShouldBe("conflict", "other devices are another change");
        var elses = (await house.Center.Bulk.ChangeAsync(draft, TestHouse.Admin with { Name = "bea" })).Value;
        elses.Id.ShouldNotBe(first.Id, "keys belong to who asks");
        (await house.Center.Audit.QueryAsync(new() { Action = "devices-changed" })).Entries.Count.ShouldBe(2);
    }

    [Fact]
    public async Task A_change_that_a_stop_cut_in_half_is_not_begun_again_and_an_old_key_is_free()
    {
        await using var house = await TestHouse.StartAsync();
        var draft = new BulkDraft("all", BulkChange.AddTag, "winter", "night-1");
        var first = (await house.Center.Bulk.ChangeAsync(draft, TestHouse.Admin)).Value;
        AuditRival.Execute(house, "UPDATE bulk_change SET report = NULL");
        var refused = (await house.Center.Bulk.ChangeAsync(draft, TestHouse.Admin)).Refusal!;
        (refused.Name, refused.Message.Contains(first.Id, StringComparison.Ordinal)).ShouldBe(("conflict", true), refused.Message);

        AuditRival.Execute(house, "UPDATE bulk_change SET started = 0");
        (await house.Center.Bulk.ChangeAsync(draft, TestHouse.Admin)).Value.Id.ShouldNotBe(first.Id);
        for (var i = 0; i < 101; i++) (await house.Center.Bulk.ChangeAsync(draft with { IdempotencyKey = $"more-{i}" }, TestHouse.Admin)).Refusal.ShouldBeNull();
        house.Center.Rows.Read(c => Dapper.SqlMapper.ExecuteScalar<long>(c, "SELECT COUNT(*) FROM bulk_change")).ShouldBe(100, "the newest of each who asks");
    }

    [Fact]
    public async Task Cutting_off_with_a_key_works_while_the_database_takes_nothing_and_is_repeated_to_who_asks_again()
    {
        await using var house = await TestHouse.StartAsync();
        var draft = new BulkDraft("door-1", BulkChange.Quarantine, null, "now");
        BulkReport first;
        using (AuditRival.OfFleet(house))
        {
            first = (await house.Center.Bulk.ChangeAsync(draft, TestHouse.Operator)).Value;
            house.Center.Fleet.Find("door-1")!.Enabled.ShouldBeFalse();
        }

        (await house.Center.Bulk.ChangeAsync(draft, TestHouse.Operator)).Value.Id.ShouldBe(first.Id);
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
