using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Agent;
using Signet.Audit;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Control.Tests;

public sealed class QueueSpecs
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private static async Task<TestHouse> HouseAsync(TestHouseOptions? options = null)
    {
        var house = await TestHouse.StartAsync(options);
        // What waits is asked again in the name of somebody who is still there.
        (await house.Center.Accounts.CreateAsync(TestHouse.Operator.Name, null, Role.Operator, TestHouse.Admin)).Value.Name.ShouldBe(TestHouse.Operator.Name);
        return house;
    }

    private static Task<Outcome<CommandView>> QueueAsync(TestHouse house, string device, string command, JsonObject? arguments = null, TimeSpan? wait = null, DateTimeOffset? at = null)
        => house.Center.Commands.SendAsync(new(device, command, arguments, null, at, at is null ? wait ?? Hour : wait), TestHouse.Operator);

    private static Task<CommandView> ReachesAsync(TestHouse house, string id, string state)
        => Eventually.Some(async () => await house.Center.Commands.FindAsync(id) is { } view && view.State == state ? view : null, $"{id} is {state}");

    [Fact]
    public async Task A_command_for_an_absent_device_waits_unsigned_over_a_restart_and_is_signed_when_the_device_comes()
    {
        await using var house = await HouseAsync();
        var queued = (await QueueAsync(house, "door-1", "open")).Value;
        (queued.State, queued.Message, queued.Attempts).ShouldBe(("queued", "", 0));

        await house.StopCenterAsync();
        await house.StartCenterAsync();
        (await house.Center.Commands.FindAsync(queued.Id))!.State.ShouldBe("queued");
        var before = DateTimeOffset.UtcNow;
        await house.StartDeviceAsync("door-1");

        var done = await ReachesAsync(house, queued.Id, "executed");
        var claims = JsonNode.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(done.Message.Split('.')[1]))!;
        claims["iat"]!.GetValue<long>().ShouldBeGreaterThanOrEqualTo(before.ToUnixTimeSeconds());
        claims["jti"]!.GetValue<string>().ShouldBe(queued.Id);
        (await house.Center.Audit.FindAsync(queued.AuditEntry))!.Action.ShouldBe("command-queued");
        (await house.Center.Audit.FindAsync(done.AuditEntry))!.Action.ShouldBe("command-sent");
        await house.AssertAuditIntactAsync();
    }

    [Fact]
    public async Task What_waits_for_one_device_is_sent_in_the_order_it_was_asked_for()
    {
        await using var house = await HouseAsync();
        var order = new List<double>();
        foreach (var percent in Enumerable.Range(1, 8)) (await QueueAsync(house, "valve-1", "set-position", new() { ["percent"] = percent })).Value.State.ShouldBe("queued");

        await house.StartDeviceAsync("valve-1", new CommandHandlers().Handle("set-position", ArgumentSchema.Any, context =>
        {
            lock (order) order.Add(context.Number("percent"));
            return CommandOutcome.Done();
        }));

        await Eventually.True(() => { lock (order) return order.Count == 8; }, "all eight ran");
        order.ShouldBe(Enumerable.Range(1, 8).Select(n => (double)n));
    }

    [Fact]
    public async Task A_planned_command_is_not_sent_before_its_time()
    {
        await using var house = await HouseAsync();
        await house.StartDeviceAsync("door-1");
        // Between two milliseconds, as every time of a clock is; the center's rows hold milliseconds.
        var at = DateTimeOffset.FromUnixTimeMilliseconds(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() + 1_500).AddTicks(1);

        var planned = (await QueueAsync(house, "door-1", "open", at: at)).Value;
        var now = (await QueueAsync(house, "door-1", "close")).Value;

        (await ReachesAsync(house, now.Id, "executed")).Sent!.Value.ShouldBeLessThan(at); // what is planned does not hold up what is not
        (await ReachesAsync(house, planned.Id, "executed")).Sent!.Value.ShouldBeGreaterThanOrEqualTo(at);
        planned.NotBefore!.Value.ShouldBe(at.AddTicks(TimeSpan.TicksPerMillisecond - 1), "never rounded to a time before it");
    }

    [Fact]
    public async Task A_waiting_command_can_be_taken_back_and_one_that_left_cannot()
    {
        await using var house = await HouseAsync();
        var waiting = (await QueueAsync(house, "door-1", "open")).Value;

        (await house.Center.Commands.CancelAsync(waiting.Id, TestHouse.Viewer)).Refusal!.Name.ShouldBe("not-allowed");
        (await house.Center.Commands.CancelAsync(waiting.Id, TestHouse.Operator)).Value.State.ShouldBe("cancelled");
        await house.StartDeviceAsync("door-1");
        var done = await house.SendAsync("door-1", "close");
        var refused = await house.Center.Commands.CancelAsync(done.Id, TestHouse.Operator);

        refused.Refusal!.Name.ShouldBe("conflict");
        refused.Refusal.Message.ShouldContain("executed");
        (await house.Center.Commands.CancelAsync("01ARZ3NDEKTSV4RRFFQ69G5FAV", TestHouse.Operator)).Refusal!.Name.ShouldBe("not-found");
        (await house.Center.Commands.FindAsync(waiting.Id))!.Attempts.ShouldBe(0); // it was never signed
    }

    [Fact]
    public async Task A_command_whose_time_runs_out_expires_unsent()
    {
        await using var house = await HouseAsync();
        var waiting = (await QueueAsync(house, "door-1", "open", wait: TimeSpan.FromSeconds(1))).Value;

        (await ReachesAsync(house, waiting.Id, "expired")).Message.ShouldBe("");
        await house.StartDeviceAsync("door-1");

        (await house.SendAsync("door-1", "close")).State.ShouldBe("executed");
        (await house.AuditedAsync(new() { Action = "command-expired" })).Subject.ShouldBe("door-1");
        (await house.Center.Commands.FindAsync(waiting.Id))!.State.ShouldBe("expired");
    }

    [Fact]
    public async Task A_device_that_signs_that_it_came_too_late_gets_the_command_signed_anew_with_the_same_id()
    {
        await using var house = await HouseAsync();
        var queued = (await QueueAsync(house, "door-1", "open")).Value;
        await using var device = await HandDevice.StartAsync(house, "door-1");

        var (first, claims) = await device.NextAsync();
        await device.AnswerAsync(first, queued.Id, ReceiptState.Rejected, RejectReason.Expired);
        var (second, anew) = await device.NextAsync();
        await device.AnswerAsync(second, queued.Id, ReceiptState.Executed);

        second.ShouldNotBe(first);
        anew["jti"]!.GetValue<string>().ShouldBe(claims["jti"]!.GetValue<string>());
        anew["seq"]!.GetValue<long>().ShouldBeGreaterThan(claims["seq"]!.GetValue<long>());
        (await ReachesAsync(house, queued.Id, "executed")).Attempts.ShouldBe(2);
        (await house.Center.Audit.QueryAsync(new() { Type = AuditTypes.Security })).Entries.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_word_about_an_earlier_message_counts_and_an_old_refusal_of_it_does_not()
    {
        await using var house = await HouseAsync();
        var queued = (await QueueAsync(house, "door-1", "open")).Value;
        await using var device = await HandDevice.StartAsync(house, "door-1");
        var (first, _) = await device.NextAsync();
        await device.AnswerAsync(first, queued.Id, ReceiptState.Rejected, RejectReason.Expired);
        await device.NextAsync();

        await device.AnswerAsync(first, queued.Id, ReceiptState.Rejected, RejectReason.BadArguments);
        await device.AnswerAsync(first, queued.Id, ReceiptState.Executed);

        var done = await ReachesAsync(house, queued.Id, "executed");
        done.Message.ShouldBe(System.Text.Encoding.ASCII.GetString(first)); // shown beside the receipt is what the receipt answers
        var file = (await house.Center.Commands.ExportReceiptAsync(queued.Id, TestHouse.Operator)).Value;
        ReceiptVerifier.Verify(file.Json.Span, [house.Center.Authority.Root]).Problem.ShouldBe("");
    }

    [Fact]
    public async Task A_device_that_refuses_every_fresh_message_as_too_late_ends_it()
    {
        await using var house = await HouseAsync();
        var queued = (await QueueAsync(house, "door-1", "open")).Value;
        await using var device = await HandDevice.StartAsync(house, "door-1");

        for (var i = 0; i < 3; i++)
        {
            var (bytes, _) = await device.NextAsync();
            await device.AnswerAsync(bytes, queued.Id, ReceiptState.Rejected, RejectReason.Expired);
        }

        (await ReachesAsync(house, queued.Id, "rejected")).Reason.ShouldBe("expired");
    }

    [Fact]
    public async Task Delivered_is_the_brokers_word_about_the_devices_own_session()
    {
        await using var house = await HouseAsync();
        var queued = (await QueueAsync(house, "door-1", "open")).Value;
        await using var device = await HandDevice.StartAsync(house, "door-1");
        var (bytes, _) = await device.NextAsync();
        (await ReachesAsync(house, queued.Id, "sent")).Delivered.ShouldBeNull();

        device.Acknowledge();
        (await ReachesAsync(house, queued.Id, "delivered")).Delivered.ShouldNotBeNull();

        await device.AnswerAsync(bytes, queued.Id, ReceiptState.Executed);
        (await ReachesAsync(house, queued.Id, "executed")).Delivered.ShouldNotBeNull();
    }

    [Fact]
    public async Task Silence_is_never_signed_anew()
    {
        await using var house = await HouseAsync(new() { Center = o => o with { ReceiptDeadline = TimeSpan.FromMilliseconds(300) } });
        var queued = (await QueueAsync(house, "door-1", "open")).Value;
        await using var device = await HandDevice.StartAsync(house, "door-1");
        await device.NextAsync();

        (await ReachesAsync(house, queued.Id, "unanswered")).Attempts.ShouldBe(1);
        await Should.ThrowAsync<TimeoutException>(() => device.NextAsync(TimeSpan.FromSeconds(2)));
    }

    [Fact]
    public async Task Nothing_is_sent_in_the_name_of_somebody_who_lost_the_role_meanwhile()
    {
        await using var house = await HouseAsync();
        var queued = (await QueueAsync(house, "door-1", "open")).Value;
        var account = (await house.Center.Accounts.ListAsync()).First(a => a.Name == TestHouse.Operator.Name);
        (await house.Center.Accounts.SetRoleAsync(account.Id, Role.Viewer, TestHouse.Admin)).Refusal.ShouldBeNull();

        await house.StartDeviceAsync("door-1");

        (await ReachesAsync(house, queued.Id, "cancelled")).Reason.ShouldBe("not-allowed");
        (await house.AuditedAsync(new() { Type = AuditTypes.Authorization, Subject = "door-1" })).Reason.ShouldBe("not-allowed");
    }

    [Fact]
    public async Task A_device_without_a_clock_gets_its_own_nonce_echoed_and_a_command_signed_before_its_restart_is_signed_anew()
    {
        await using var house = await HouseAsync();
        var queued = (await QueueAsync(house, "door-1", "open")).Value;
        await using var device = await HandDevice.StartAsync(house, "door-1", new() { ["nonce"] = "AAAAAAAAAAAAAAAAAAAAAA" });

        var (bytes, claims) = await device.NextAsync();
        claims["nonce"]!.GetValue<string>().ShouldBe("AAAAAAAAAAAAAAAAAAAAAA");
        await device.AnswerAsync(bytes, queued.Id, ReceiptState.Rejected, RejectReason.StaleEpoch);

        (await device.NextAsync()).Bytes.ShouldNotBe(bytes);
    }

    [Fact]
    public async Task What_cannot_be_planned_is_refused_with_a_reason()
    {
        await using var house = await HouseAsync();

        (await QueueAsync(house, "door-1", "open", wait: TimeSpan.FromDays(31))).Refusal!.Name.ShouldBe("bad-input");
        (await QueueAsync(house, "door-1", "open", at: DateTimeOffset.UtcNow.AddHours(-1))).Refusal!.Message.ShouldContain("has passed");
        (await QueueAsync(house, "door-1", "open", at: DateTimeOffset.UtcNow.AddDays(40))).Refusal!.Name.ShouldBe("bad-input");
        (await QueueAsync(house, "door-1", "self-destruct")).Refusal!.Name.ShouldBe("command-not-allowed");
        for (var i = 0; i < ControlLimits.QueuedPerDevice; i++) (await QueueAsync(house, "door-1", "open")).Value.State.ShouldBe("queued");
        (await QueueAsync(house, "door-1", "open")).Refusal!.Message.ShouldContain("Cancel some first");
    }
}
