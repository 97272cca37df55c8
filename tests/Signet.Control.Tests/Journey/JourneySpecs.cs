using System.Text;
using System.Text.Json.Nodes;
using Signet.Agent;
using Signet.Audit;
using Signet.Mqtt;
using Signet.Testing;

namespace Signet.Control.Tests;

public sealed class JourneySpecs
{
    [Fact]
    [Trait("row", "S0-16"), Trait("row", "S0-17"), Trait("row", "S0-18")]
    public async Task A_command_makes_the_whole_journey_and_comes_back_as_a_signed_receipt()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("thermostat-1");

        var command = await house.SendAsync("thermostat-1", "read-temperature");

        command.State.ShouldBe("executed");
        command.Result!["temperature"]!.GetValue<double>().ShouldBeInRange(-50, 60);
        command.Receipt.ShouldNotBeNull();
        command.By.ShouldBe(TestHouse.Operator.Name);
        command.Sent.ShouldNotBeNull();

        // 4 comes before 5: the entry the command names was durable before it left, and says which bytes.
        var sent = (await house.Center.Audit.FindAsync(command.AuditEntry))!;
        sent.Action.ShouldBe("command-sent");
        sent.Actor.ShouldBe(TestHouse.Operator.Name);
        sent.Details["digest"]!.GetValue<string>().ShouldBe(Wire.Thumbprint.OfBytes(Encoding.ASCII.GetBytes(command.Message)));
        var receipt = await house.AuditedAsync(new() { Type = AuditTypes.Command, Action = "receipt", Outcome = "executed" });
        receipt.Sequence.ShouldBeGreaterThan(sent.Sequence);
        receipt.Actor.ShouldBe("thermostat-1");
        await house.AssertAuditIntactAsync();
    }

    [Fact]
    [Trait("row", "S0-20"), Trait("row", "S0-28"), Trait("row", "S0-25")]
    public async Task A_replayed_copy_of_captured_bytes_is_refused_by_the_device_and_stands_in_the_audit_log()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("thermostat-1");
        var command = await house.SendAsync("thermostat-1", "read-temperature");

        await using var thief = await house.ConnectAsCenterAsync();
        (await thief.PublishAsync(new() { Topic = "signet/thermostat-1/command", Payload = Encoding.ASCII.GetBytes(command.Message), QoS = QoS.AtLeastOnce })).IsAccepted.ShouldBeTrue();

        var entry = await house.AuditedAsync(new() { Type = AuditTypes.Replay, Actor = "thermostat-1" });
        entry.Reason.ShouldBe("replayed");
        entry.Details["id"]!.GetValue<string>().ShouldBe(command.Id);
        (await house.Center.Commands.FindAsync(command.Id))!.State.ShouldBe("executed");
        await house.AssertAuditIntactAsync();
    }

    [Fact]
    public async Task A_receipt_about_bytes_the_center_never_sent_changes_nothing_and_is_news()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("thermostat-1");
        var command = await house.SendAsync("thermostat-1", "read-temperature");
        var edited = Encoding.ASCII.GetBytes(command.Message);
        edited[^10] = edited[^10] == (byte)'A' ? (byte)'B' : (byte)'A'; // another letter of base64url: the signature is wrong, the form is not

        await using var thief = await house.ConnectAsCenterAsync();
        await thief.PublishAsync(new() { Topic = "signet/thermostat-1/command", Payload = edited, QoS = QoS.AtLeastOnce });

        var entry = await house.AuditedAsync(new() { Type = AuditTypes.Security, Actor = "thermostat-1" });
        entry.Action.ShouldBe("foreign-message-at-device");
        entry.Reason.ShouldBe("bad-signature");
        (await house.Center.Commands.FindAsync(command.Id))!.State.ShouldBe("executed");
    }

    [Fact]
    public async Task A_copied_receipt_is_refused_as_replayed_and_an_edited_one_as_forged()
    {
        await using var house = await TestHouse.StartAsync();
        var device = await house.StartDeviceAsync("thermostat-1");
        var command = await house.SendAsync("thermostat-1", "read-temperature");
        var other = await house.SendAsync("thermostat-1", "activate");
        await device.DisposeAsync();
        await using var thief = await house.ConnectAsync("thermostat-1", "other");
        Task Say(byte[] bytes) => thief.PublishAsync(new() { Topic = "signet/thermostat-1/receipt", Payload = bytes, QoS = QoS.AtLeastOnce });

        var edited = Encoding.ASCII.GetBytes(command.Receipt!);
        edited[^10] = edited[^10] == (byte)'A' ? (byte)'B' : (byte)'A';
        await Say(edited);

        var entry = await house.AuditedAsync(new() { Type = AuditTypes.Security, Action = "receipt-refused" });
        entry.Actor.ShouldBe("thermostat-1");
        entry.Reason.ShouldBe("bad-signature");

        // The exact bytes again change nothing: the state, and the receipt it rests on, stay.
        await Say(Encoding.ASCII.GetBytes(other.Receipt!));
        await Say(Encoding.ASCII.GetBytes(command.Receipt!));
        await house.AuditedAsync(new() { Type = AuditTypes.Broker, Actor = "thermostat-1", Action = "connected" });
        var after = (await house.Center.Commands.FindAsync(command.Id))!;
        (after.State, after.Receipt, after.Answered).ShouldBe((command.State, command.Receipt, command.Answered));
    }

    [Fact]
    [Trait("row", "S0-21")]
    public async Task A_device_that_is_not_there_refuses_at_once_and_says_since_when()
    {
        await using var house = await TestHouse.StartAsync();

        var never = await house.Center.Commands.SendAsync(new("door-1", "open"), TestHouse.Operator);
        never.Refusal!.Name.ShouldBe("no-active-connection");
        never.Refusal.Message.ShouldContain("never connected");

        await (await house.StartDeviceAsync("door-1")).DisposeAsync();
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Offline, "door-1 is offline", TimeSpan.FromSeconds(2));
        var gone = await house.Center.Commands.SendAsync(new("door-1", "open"), TestHouse.Operator);
        gone.Refusal!.Name.ShouldBe("no-active-connection");
        gone.Refusal.Message.ShouldContain("offline since");
        (await house.AuditedAsync(new() { Type = AuditTypes.Authorization, Subject = "door-1" })).Reason.ShouldBe("no-active-connection");
    }

    [Fact]
    [Trait("row", "S0-19")]
    public async Task A_device_whose_power_is_cut_is_offline_within_two_seconds()
    {
        await using var house = await TestHouse.StartAsync();
        await using var cable = new TcpCable(house.Center.MqttEndPoint);
        house.Rewire("door-1", cable.Port);
        await house.StartDeviceAsync("door-1");

        await cable.PullAsync();

        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Offline, "door-1 is offline", TimeSpan.FromSeconds(2));
    }

    [Theory]
    [InlineData("door-1", "self-destruct", "command-not-allowed", "device-allowed-commands", "does not take 'self-destruct'")]
    [InlineData("nowhere-1", "open", "not-found", "device-known", "no device 'nowhere-1'")]
    [InlineData("door-1", "open\u001b[2J", "command-not-allowed", "device-allowed-commands", "open?[2J")]
    [Trait("row", "S0-16"), Trait("row", "S0-17")]
    public async Task An_unsupported_command_is_refused_with_a_clear_message_and_the_rule_is_on_the_record(string device, string command, string reason, string rule, string words)
    {
        await using var house = await TestHouse.StartAsync();

        var refused = await house.Center.Commands.SendAsync(new(device, command), TestHouse.Operator);

        refused.Refusal!.Name.ShouldBe(reason);
        refused.Refusal.Message.ShouldContain(words);
        var entry = await house.AuditedAsync(new() { Type = AuditTypes.Authorization });
        entry.Reason.ShouldBe(reason);
        entry.Details["rule"]!.GetValue<string>().ShouldBe(rule);
    }

    [Fact]
    [Trait("row", "S0-23")]
    public async Task A_viewer_may_not_send_and_arguments_must_fit()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("thermostat-1");

        (await house.Center.Commands.SendAsync(new("thermostat-1", "activate"), TestHouse.Viewer)).Refusal!.Name.ShouldBe("not-allowed");
        (await house.Center.Commands.SendAsync(new("thermostat-1", "set-point", new JsonObject { ["celsius"] = 400 }), TestHouse.Operator)).Refusal!.Message.ShouldContain("5 to 35");
        (await house.Center.Commands.SendAsync(new("thermostat-1", "activate", new JsonObject { ["now"] = true }), TestHouse.Operator)).Refusal!.Name.ShouldBe("bad-arguments");
        (await house.SendAsync("thermostat-1", "set-point", new JsonObject { ["celsius"] = 21.5 })).State.ShouldBe("executed");
    }

    [Fact]
    public async Task The_same_idempotency_key_sends_once()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("door-1");
        var draft = new CommandDraft("door-1", "open", null, "key-1");

        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => house.Center.Commands.SendAsync(draft, TestHouse.Operator)));

        answers.Select(a => a.Value.Id).Distinct().Count().ShouldBe(1);
        (await house.Center.Commands.ListAsync(new())).Commands.Count.ShouldBe(1);
        (await house.Center.Commands.SendAsync(draft with { Command = "close" }, TestHouse.Operator)).Refusal!.Name.ShouldBe("conflict");
    }

    [Fact]
    public async Task A_restart_in_the_middle_sends_nothing_twice_and_takes_the_late_receipt()
    {
        await using var house = await TestHouse.StartAsync();
        var runs = 0;
        var mayEnd = new TaskCompletionSource();
        var began = new TaskCompletionSource();
        await house.StartDeviceAsync("door-1", new CommandHandlers().Handle("open", ArgumentSchema.None, async (_, _) =>
        {
            Interlocked.Increment(ref runs);
            began.SetResult();
            await mayEnd.Task;
            return CommandOutcome.Done();
        }));
        var sent = (await house.Center.Commands.SendAsync(new("door-1", "open"), TestHouse.Operator)).Value;
        await began.Task.WaitAsync(Eventually.Patience);

        await house.StopCenterAsync();
        mayEnd.SetResult();
        await house.StartCenterAsync();

        var ended = (await house.Center.Commands.WaitAsync(sent.Id, TimeSpan.FromSeconds(15)))!;
        ended.State.ShouldBe("executed");
        runs.ShouldBe(1);
        (await house.Center.Audit.QueryAsync(new() { Action = "command-sent" })).Entries.Count.ShouldBe(1);
        await house.AssertAuditIntactAsync();
    }

    [Fact]
    public async Task Silence_becomes_unanswered_after_a_restart_too_and_a_late_receipt_still_counts()
    {
        await using var house = await TestHouse.StartAsync(new() { Center = o => o with { ReceiptDeadline = TimeSpan.FromMilliseconds(400) } });
        var mayEnd = new TaskCompletionSource();
        await house.StartDeviceAsync("door-1", new CommandHandlers().Handle("open", ArgumentSchema.None, async (_, _) =>
        {
            await mayEnd.Task;
            return CommandOutcome.Done();
        }));

        var silent = await house.SendAsync("door-1", "open");
        silent.State.ShouldBe("unanswered");
        (await house.AuditedAsync(new() { Action = "command-unanswered" })).Subject.ShouldBe("door-1");

        mayEnd.SetResult();
        await Eventually.Some(async () => await house.Center.Commands.FindAsync(silent.Id) is { State: "executed" } done ? done : null, "the late receipt");
    }

    [Fact]
    public async Task Telemetry_is_verified_kept_and_shown()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("thermostat-1");

        var latest = await Eventually.Some(async () => await house.Center.Fleet.LatestReadingsAsync("thermostat-1") is { Count: > 0 } some ? some : null, "a reading");

        var reading = latest.First(r => r.Name == "temperature");
        reading.Number.ShouldNotBeNull();
        (await house.Center.Fleet.ReadingsAsync("thermostat-1", "temperature", reading.At.AddMinutes(-1), reading.At.AddMinutes(1))).ShouldContain(reading);
    }

    [Fact]
    public async Task A_reading_that_was_announced_is_there_for_whoever_asks_at_once()
    {
        await using var house = await TestHouse.StartAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var after = house.Center.Feed.Latest;
        await house.StartDeviceAsync("thermostat-1");
        await foreach (var happened in house.Center.Feed.ReadAsync(after, patience.Token))
        {
            if (happened.Kind != FeedKind.Telemetry) continue;
            var at = DateTimeOffset.FromUnixTimeMilliseconds(happened.Data["at"]!.GetValue<long>());
            (await house.Center.Fleet.LatestReadingsAsync("thermostat-1")).ShouldContain(r => r.Name == happened.Name && r.At >= at, "not a second later, when it is written");
            (await house.Center.Fleet.ReadingsAsync("thermostat-1", happened.Name, at.AddMinutes(-1), at.AddMinutes(1))).ShouldContain(r => r.At == at);
            break;
        }
    }

    [Fact]
    public async Task An_audit_log_that_takes_nothing_stops_commands_and_administration_and_recovers_by_itself()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("door-1");
        (await house.SendAsync("door-1", "open")).State.ShouldBe("executed");

        using (new AuditRival(house))
        {
            var refused = await house.Center.Commands.SendAsync(new("door-1", "close"), TestHouse.Operator);
            refused.Refusal!.Name.ShouldBe("audit-unavailable");
            (await house.Center.Fleet.AddAsync(new("door-2", "door"), TestHouse.Admin)).Refusal!.Name.ShouldBe("audit-unavailable");
            house.Center.Fleet.Find("door-2").ShouldBeNull();
        }

        await Eventually.True(() => house.Center.Status().Audit.Writable, "the log recovers");
        (await house.SendAsync("door-1", "close")).State.ShouldBe("executed");
        await house.AssertAuditIntactAsync();
    }
}
