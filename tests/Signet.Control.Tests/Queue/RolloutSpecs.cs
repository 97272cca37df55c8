using Signet.Access;
using Signet.Agent;
using Signet.Testing;

namespace Signet.Control.Tests;

public sealed class RolloutSpecs
{
    private static async Task<TestHouse> HouseAsync(int doors)
    {
        var house = await TestHouse.StartAsync();
        await house.Center.Accounts.CreateAsync(TestHouse.Operator.Name, null, Role.Operator, TestHouse.Admin);
        for (var i = 1; i <= doors; i++)
        {
            if (i > 1) (await house.Center.Fleet.AddAsync(new($"door-{i}", "door"), TestHouse.Admin)).Refusal.ShouldBeNull();
            await house.Center.Fleet.SetLabelsAsync($"door-{i}", ["gates"], null, TestHouse.Admin);
        }

        return house;
    }

    private static Task<Rollout> EndsAsync(TestHouse house, string id)
        => Eventually.Some(async () => await house.Center.Commands.FindRolloutAsync(id) is { State: not "running" } ended ? ended : null, "the rollout ends");

    [Fact]
    public async Task One_command_goes_to_a_group_and_who_cannot_take_it_is_named()
    {
        await using var house = await HouseAsync(3);
        await house.StartDeviceAsync("door-1");
        await house.StartDeviceAsync("door-2");

        var started = (await house.Center.Commands.SendManyAsync(new("group:gates,thermostat-1", "open"), TestHouse.Operator)).Value;

        var ended = await EndsAsync(house, started.Id);
        (ended.State, ended.Total, ended.Executed).ShouldBe(("done", 2, 2));
        ended.LeftOut.ShouldBe(new Dictionary<string, string> { ["door-3"] = "no-active-connection", ["thermostat-1"] = "command-not-allowed" });
        (await house.Center.Commands.ListAsync(new() { Rollout = started.Id })).Commands.Count.ShouldBe(2);
        (await house.AuditedAsync(new() { Action = "rollout-started" })).Actor.ShouldBe(TestHouse.Operator.Name);
        await house.AssertAuditIntactAsync();
    }

    [Fact]
    public async Task A_rollout_waits_for_absent_devices_when_told_to_and_keeps_its_pace()
    {
        await using var house = await HouseAsync(3);
        var started = (await house.Center.Commands.SendManyAsync(new("group:gates", "open", Wait: TimeSpan.FromHours(1), PerMinute: 60), TestHouse.Operator)).Value;
        (started.Total, started.State).ShouldBe((3, "running"));

        foreach (var door in new[] { "door-1", "door-2", "door-3" }) await house.StartDeviceAsync(door);

        (await EndsAsync(house, started.Id)).Executed.ShouldBe(3);
        var sent = (await house.Center.Commands.ListAsync(new() { Rollout = started.Id })).Commands.OrderBy(c => c.Device, StringComparer.Ordinal).ToList();
        sent.Select(c => (c.NotBefore!.Value - sent[0].NotBefore!.Value).TotalSeconds).ShouldBe([0, 1, 2]);
        foreach (var one in sent) one.Sent!.Value.ShouldBeGreaterThanOrEqualTo(one.NotBefore!.Value.AddMilliseconds(-1));
    }

    [Fact]
    public async Task Too_many_errors_stop_the_rest_by_themselves()
    {
        await using var house = await HouseAsync(8);
        var handlers = new CommandHandlers().Handle("open", ArgumentSchema.None, _ => CommandOutcome.Failed("stuck"));
        for (var i = 1; i <= 8; i++) await house.StartDeviceAsync($"door-{i}", handlers);

        var started = (await house.Center.Commands.SendManyAsync(new("group:gates", "open", PerMinute: 120, StopShare: 0.2), TestHouse.Operator)).Value;

        var ended = await EndsAsync(house, started.Id);
        ended.State.ShouldBe("stopped");
        ended.Failures.ShouldBeInRange(5, 7);
        ended.Counts["cancelled"].ShouldBe(8 - ended.Failures);
        (await house.AuditedAsync(new() { Action = "rollout-stopped" })).Reason.ShouldBe("error-share");
        (await house.Center.Commands.ListAsync(new() { Rollout = started.Id, State = "cancelled" })).Commands[0].Reason.ShouldBe("rollout-stopped");
    }

    [Fact]
    public async Task A_rollout_can_be_taken_back_and_its_key_starts_it_once()
    {
        await using var house = await HouseAsync(2);
        var draft = new RolloutDraft("group:gates", "open", Wait: TimeSpan.FromHours(1), IdempotencyKey: "k");

        var started = (await house.Center.Commands.SendManyAsync(draft, TestHouse.Operator)).Value;
        (await house.Center.Commands.SendManyAsync(draft, TestHouse.Operator)).Value.Id.ShouldBe(started.Id);
        (await house.Center.Commands.SendManyAsync(draft with { Command = "close" }, TestHouse.Operator)).Refusal!.Name.ShouldBe("conflict");
        var cancelled = (await house.Center.Commands.CancelRolloutAsync(started.Id, TestHouse.Operator)).Value;

        (cancelled.State, cancelled.Counts["cancelled"]).ShouldBe(("cancelled", 2));
        house.Center.Commands.QueuedNow.ShouldBe(0);
    }

    [Theory]
    [InlineData("group:nowhere", "open", 0, 1, "not-found")]
    [InlineData("door-9", "open", 0, 1, "not-found")]
    [InlineData("Door", "open", 0, 1, "bad-input")]
    [InlineData("all", "open", -1, 1, "bad-input")]
    [InlineData("all", "open", 0, 1.5, "bad-input")]
    [InlineData("all", "self-destruct", 0, 1, "command-not-allowed")]
    [InlineData("door-1", "open", 0, 1, "no-active-connection")]
    public async Task A_rollout_to_nobody_or_nonsense_is_refused(string selection, string command, int perMinute, double stop, string reason)
    {
        await using var house = await TestHouse.StartAsync();

        (await house.Center.Commands.SendManyAsync(new(selection, command, PerMinute: perMinute, StopShare: stop), TestHouse.Operator)).Refusal!.Name.ShouldBe(reason);
    }
}
