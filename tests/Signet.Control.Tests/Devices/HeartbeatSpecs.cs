using Signet.Audit;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Control.Tests;

/// <summary>Signed counts both ways: what the broker keeps back is noticed by the second heartbeat, silence after twice the promised time.</summary>
[Trait("database", "sqlite")]
public sealed class HeartbeatSpecs
{
    private static Task<TimeSpan> TroubleAsync(TestHouse house, string? expected)
        => Eventually.True(() => house.Center.Fleet.Find("door-1")!.Trouble == expected, $"trouble is {expected ?? "none"}");

    [Fact]
    public async Task Counts_that_fit_are_no_trouble_and_the_center_tells_its_own()
    {
        await using var house = await TestHouse.StartAsync();
        await using var device = await HandDevice.StartAsync(house, "door-1");
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is online");
        var sent = await house.Center.Commands.SendAsync(new("door-1", "open"), TestHouse.Operator);
        var (bytes, _) = await device.NextAsync();
        await device.AnswerAsync(bytes, sent.Value.Id, ReceiptState.Executed);

        for (var beat = 0; beat < 3; beat++) await device.BeatAsync(sent: 1, heard: 1);

        var heard = await device.CenterHeartbeatAsync();
        (heard.Audience, heard.Sent is 0 or 1, heard.Since).ShouldBe(("door-1", true, device.Since));
        heard.NextWithin.ShouldBe(60);
        await Eventually.True(() => house.Center.Fleet.Find("door-1")!.Presence.State == PresenceState.Online, "still online");
        (await house.Center.Audit.QueryAsync(new() { Type = AuditTypes.Security, Subject = "door-1" })).Entries.ShouldBeEmpty();
        house.Center.Fleet.Find("door-1")!.Trouble.ShouldBeNull();
    }

    [Theory]
    [InlineData(1, 0, 0, "receipts")]
    [InlineData(0, 0, 1, "readings")]
    public async Task What_the_device_says_it_sent_and_nobody_heard_is_noticed_by_the_second_heartbeat(int receipts, int heard, int readings, string what)
    {
        await using var house = await TestHouse.StartAsync();
        await using var device = await HandDevice.StartAsync(house, "door-1");
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is online");

        await device.BeatAsync(receipts, heard, readings);
        await device.BeatAsync(receipts, heard, readings);

        await TroubleAsync(house, "messages missing");
        var entry = await house.AuditedAsync(new() { Type = AuditTypes.Security, Action = "messages-missing", Subject = "door-1" });
        (entry.Details["what"]!.GetValue<string>(), entry.Details["missing"]!.GetValue<long>()).ShouldBe((what, 1));
        await device.BeatAsync(receipts, heard, readings); // said once
        await device.DisposeAsync();
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Offline, "door-1 is offline");
        (await house.Center.Audit.QueryAsync(new() { Action = "messages-missing" })).Entries.Count.ShouldBe(1);
        house.Center.Fleet.Find("door-1")!.Trouble.ShouldBeNull();
    }

    [Fact]
    public async Task A_command_the_broker_took_and_the_device_never_heard_is_noticed()
    {
        await using var house = await TestHouse.StartAsync();
        await using var device = await HandDevice.StartAsync(house, "door-1");
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is online");
        (await house.Center.Commands.SendAsync(new("door-1", "open"), TestHouse.Operator)).Refusal.ShouldBeNull();

        await device.BeatAsync(sent: 0, heard: 0);
        await device.BeatAsync(sent: 0, heard: 0);

        await TroubleAsync(house, "messages missing");
        (await house.AuditedAsync(new() { Action = "messages-missing" })).Details["what"]!.GetValue<string>().ShouldBe("commands");
    }

    [Fact]
    public async Task A_command_that_waits_behind_another_is_missing_only_when_that_one_is_answered_and_it_still_has_not_come()
    {
        await using var house = await TestHouse.StartAsync();
        await using var device = await HandDevice.StartAsync(house, "door-1");
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is online");
        var first = (await house.Center.Commands.SendAsync(new("door-1", "open"), TestHouse.Operator)).Value;
        var (bytes, _) = await device.NextAsync();
        (await house.Center.Commands.SendAsync(new("door-1", "close"), TestHouse.Operator)).Refusal.ShouldBeNull();

        for (var beat = 0; beat < 4; beat++) await device.BeatAsync(sent: 0, heard: 1);
        await device.AnswerAsync(bytes, first.Id, ReceiptState.Executed);
        await Eventually.Some(async () => await house.Center.Commands.FindAsync(first.Id) is { State: "executed" } done ? done : null, "the first one is answered");
        (await house.Center.Audit.QueryAsync(new() { Action = "messages-missing" })).Entries.ShouldBeEmpty();

        for (var beat = 0; beat < 2; beat++) await device.BeatAsync(sent: 1, heard: 1);

        await TroubleAsync(house, "messages missing");
        (await house.AuditedAsync(new() { Action = "messages-missing" })).Details["what"]!.GetValue<string>().ShouldBe("commands");
    }

    [Fact]
    public async Task A_command_that_waits_behind_one_the_device_accepted_is_not_missing_after_minutes_either()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var house = await TestHouse.StartAsync(new() { Time = clock });
        await using var device = await HandDevice.StartAsync(house, "door-1", time: clock);
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is online");
        var first = (await house.Center.Commands.SendAsync(new("door-1", "open"), TestHouse.Operator)).Value;
        var (bytes, _) = await device.NextAsync();
        (await house.Center.Commands.SendAsync(new("door-1", "close"), TestHouse.Operator)).Refusal.ShouldBeNull();
        await device.AnswerAsync(bytes, first.Id, ReceiptState.Accepted);
        await Eventually.Some(async () => await house.Center.Commands.FindAsync(first.Id) is { State: "accepted" } at ? at : null, "the device is at work");

        for (var half = 0; half < 10; half++)
        {
            clock.Advance(TimeSpan.FromSeconds(30));
            await BeatAsync();
        }

        (clock.GetUtcNow() - first.Created).ShouldBeGreaterThan(ControlLimits.AtWork);
        house.Center.Fleet.Find("door-1")!.Trouble.ShouldBeNull();
        await device.AnswerAsync(bytes, first.Id, ReceiptState.Executed);
        await Eventually.Some(async () => await house.Center.Commands.FindAsync(first.Id) is { State: "executed" } done ? done : null, "the first one is answered");
        for (var beat = 0; beat < 2; beat++) await BeatAsync(sent: 2);
        await TroubleAsync(house, "messages missing"); // the other one is not only waiting any more

        async Task BeatAsync(int sent = 1)
        {
            var seen = house.Center.Fleet.Find("door-1")!.Presence.LastSeen;
            clock.Advance(TimeSpan.FromSeconds(1));
            await device.BeatAsync(sent, heard: 1);
            await Eventually.True(() => house.Center.Fleet.Find("door-1")!.Presence.LastSeen > seen, "the heartbeat was taken");
        }
    }

    [Fact]
    public async Task A_device_whose_heartbeats_stay_away_is_silent_until_they_come_again()
    {
        await using var house = await TestHouse.StartAsync();
        await using var device = await HandDevice.StartAsync(house, "door-1");
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is online");

        await device.BeatAsync(sent: 0, heard: 0, next: 1);
        await TroubleAsync(house, "silent");
        (await house.AuditedAsync(new() { Action = "device-silent" })).Details["seconds"]!.GetValue<long>().ShouldBe(2);

        await device.BeatAsync(sent: 0, heard: 0, next: 60);
        await TroubleAsync(house, null);
        await house.AuditedAsync(new() { Action = "device-heard-again" });
    }

    [Fact]
    public async Task The_center_speaks_in_the_step_of_the_device_and_keeps_what_it_promised_before()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        await using var house = await TestHouse.StartAsync(new() { Time = clock });
        await using var device = await HandDevice.StartAsync(house, "door-1");
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is online");
        await PassAsync(2);
        (await device.CenterHeartbeatAsync()).NextWithin.ShouldBe(60);
        var seen = house.Center.Fleet.Find("door-1")!.Presence.LastSeen;
        await device.BeatAsync(sent: 0, heard: 0, next: 300);
        await Eventually.True(() => house.Center.Fleet.Find("door-1")!.Presence.LastSeen > seen, "the heartbeat was taken");

        // The first one promised another within 60 s: it comes after 30, and only then is the step the device's.
        await PassAsync(31);
        (await device.CenterHeartbeatAsync()).NextWithin.ShouldBe(600);
        await PassAsync(40);
        await Should.ThrowAsync<TimeoutException>(() => device.CenterHeartbeatAsync().WaitAsync(TimeSpan.FromSeconds(1)));

        async Task PassAsync(int seconds)
        {
            for (var i = 0; i < seconds; i++)
            {
                clock.Advance(TimeSpan.FromSeconds(1));
                await Task.Delay(15);
            }
        }
    }

    [Fact]
    public async Task A_copied_heartbeat_is_refused_and_does_not_count_as_a_word()
    {
        await using var house = await TestHouse.StartAsync();
        await using var device = await HandDevice.StartAsync(house, "door-1");
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is online");
        var beat = await device.BeatAsync(sent: 0, heard: 0, next: 1);

        await device.SayAsync(Topics.Telemetry("door-1", "heartbeat"), beat);

        (await house.AuditedAsync(new() { Type = AuditTypes.Replay, Action = "heartbeat-refused" })).Reason.ShouldBe("replayed");
        await TroubleAsync(house, "silent");
    }
}
