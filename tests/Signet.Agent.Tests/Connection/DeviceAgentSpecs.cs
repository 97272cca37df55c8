using Signet.Pki;
using Signet.Wire;

namespace Signet.Agent.Tests;

/// <summary>Whole devices over a real broker and real TLS.</summary>
public sealed class DeviceAgentSpecs(DeviceFleet fleet) : IClassFixture<DeviceFleet>
{
    [Fact]
    [Trait("row", "S0-19")]
    public async Task A_device_says_online_measures_obeys_and_says_offline()
    {
        await using var house = new Loopback(fleet);
        await house.ConnectCenterAsync();
        var device = new RunningDevice(fleet.Add("door-1", port: house.Port));
        await device.OnlineAsync();
        var online = await house.NextStatusAsync("door-1", device.Certificate);
        online.State.ShouldBe(StatusState.Online);
        online.Details["commands"]!.ToJsonString().ShouldBe("""["check-status","close","open"]""");
        (await house.NextReadingAsync("door-1", "open", device.Certificate)).Value.GetValue<bool>().ShouldBeFalse();

        await house.SendAsync("door-1", house.SignCommand("door-1", "open"));
        var receipt = await house.NextReceiptAsync("door-1", device.Certificate);
        (receipt.State, receipt.Result.ToJsonString()).ShouldBe((ReceiptState.Executed, """{"open":true}"""));

        await device.DisposeAsync();
        var offline = await house.NextStatusAsync("door-1", device.Certificate);
        offline.State.ShouldBe(StatusState.Offline);
        offline.Sequence.ShouldBeGreaterThan(online.Sequence);
    }

    [Fact]
    [Trait("row", "S0-28")]
    public async Task A_captured_command_sent_again_is_refused_replayed()
    {
        await using var house = new Loopback(fleet);
        await house.ConnectCenterAsync();
        await using var device = new RunningDevice(fleet.Add("door-2", port: house.Port));
        await device.OnlineAsync();
        var captured = house.SignCommand("door-2", "open");
        await house.SendAsync("door-2", captured);
        (await house.NextReceiptAsync("door-2", device.Certificate)).State.ShouldBe(ReceiptState.Executed);
        await house.SendAsync("door-2", captured);
        var refusal = await house.NextReceiptAsync("door-2", device.Certificate);
        (refusal.State, refusal.Reason, refusal.Digest).ShouldBe((ReceiptState.Rejected, RejectReason.Replayed, Thumbprint.OfBytes(captured)));
        await device.SaidAsync("refused: replayed");
    }

    [Fact]
    public async Task A_lost_connection_is_announced_by_a_signed_last_will_and_comes_back()
    {
        await using var house = new Loopback(fleet);
        await house.ConnectCenterAsync();
        await using var device = new RunningDevice(fleet.Add("door-3", port: house.Port));
        await device.OnlineAsync();
        var first = await house.NextStatusAsync("door-3", device.Certificate);
        house.Cut("door-3").ShouldBe(1);
        var will = await house.NextStatusAsync("door-3", device.Certificate);
        (first.State, will.State).ShouldBe((StatusState.Online, StatusState.Offline));
        var second = await house.NextStatusAsync("door-3", device.Certificate);
        second.State.ShouldBe(StatusState.Online);
        (first.Sequence < will.Sequence && will.Sequence < second.Sequence).ShouldBeTrue();
    }

    [Fact]
    public async Task What_is_said_anew_on_a_connection_stands_below_its_last_will()
    {
        await using var house = new Loopback(fleet);
        await house.ConnectCenterAsync();
        await using var device = new RunningDevice(fleet.Add("door-5", port: house.Port));
        await device.OnlineAsync();
        var first = await house.NextStatusAsync("door-5", device.Certificate);
        await house.SayAsync(Topics.Manifest("door-5"), fleet.Manifest("door-5", 1));
        var anew = await house.NextStatusAsync("door-5", device.Certificate);
        (anew.State, (int?)anew.Details["manifest"]).ShouldBe((StatusState.Online, 1));
        house.Cut("door-5").ShouldBe(1);
        var will = await house.NextStatusAsync("door-5", device.Certificate);
        will.State.ShouldBe(StatusState.Offline);
        (first.Sequence < anew.Sequence && anew.Sequence < will.Sequence).ShouldBeTrue($"{first.Sequence} {anew.Sequence} {will.Sequence}: an older will would not be taken");
    }

    [Fact]
    public async Task A_broker_that_was_away_is_found_again()
    {
        await using var house = new Loopback(fleet);
        await using var device = new RunningDevice(fleet.Add("door-4", port: house.Port));
        await device.OnlineAsync();
        await house.RestartBrokerAsync();
        await device.SaidAsync("trying again");
        await house.ConnectCenterAsync();
        (await house.NextStatusAsync("door-4", device.Certificate)).State.ShouldBe(StatusState.Online);
        await house.SendAsync("door-4", house.SignCommand("door-4", "open"));
        (await house.NextReceiptAsync("door-4", device.Certificate)).State.ShouldBe(ReceiptState.Executed);
    }

    [Fact]
    public async Task A_restart_is_answered_and_leaves_no_command_to_be_sent_again()
    {
        await using var house = new Loopback(fleet);
        await house.ConnectCenterAsync();
        await using var device = new RunningDevice(fleet.Add("door-5", port: house.Port, commands: "\"open\", \"restart\""));
        await device.OnlineAsync();
        await house.SendAsync("door-5", house.SignCommand("door-5", "restart"));
        (await house.NextReceiptAsync("door-5", device.Certificate)).State.ShouldBe(ReceiptState.Executed);
        await device.SaidAsync("starts again");
        foreach (var expected in (StatusState[])[StatusState.Online, StatusState.Offline, StatusState.Online])
            (await house.NextStatusAsync("door-5", device.Certificate)).State.ShouldBe(expected);
        await house.SendAsync("door-5", house.SignCommand("door-5", "open"));
        (await house.NextReceiptAsync("door-5", device.Certificate)).Reason.ShouldBe(RejectReason.None);
    }

    [Fact]
    public async Task A_command_at_work_outlives_its_connection_and_holds_up_the_next_one()
    {
        await using var house = new Loopback(fleet);
        await house.ConnectCenterAsync();
        var ending = new TaskCompletionSource<CommandOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        var told = CancellationToken.None;
        var runs = new List<string>();
        var handlers = new CommandHandlers()
            .Handle("open", ArgumentSchema.None, (_, stop) =>
            {
                runs.Add("open");
                told = stop;
                return ending.Task.WaitAsync(stop);
            }, timeLimit: TimeSpan.FromMinutes(10))
            .Handle("close", ArgumentSchema.None, _ =>
            {
                runs.Add("close");
                return CommandOutcome.Done();
            });
        await using var device = new RunningDevice(fleet.Add("door-10", port: house.Port, commands: "\"open\", \"close\""), handlers);
        await device.OnlineAsync();
        (await house.NextStatusAsync("door-10", device.Certificate)).State.ShouldBe(StatusState.Online);
        await house.SendAsync("door-10", house.SignCommand("door-10", "open"));
        var accepted = await house.NextReceiptAsync("door-10", device.Certificate);
        accepted.State.ShouldBe(ReceiptState.Accepted);

        house.Cut("door-10").ShouldBe(1);
        (await house.NextStatusAsync("door-10", device.Certificate)).State.ShouldBe(StatusState.Offline);
        (await house.NextStatusAsync("door-10", device.Certificate)).State.ShouldBe(StatusState.Online, "it does not wait for its handler to come back");
        var again = await house.NextReceiptAsync("door-10", device.Certificate);
        (again.State, again.InReplyTo, again.Digest).ShouldBe((ReceiptState.Accepted, accepted.InReplyTo, accepted.Digest), "who counts anew hears what it is at work on");
        await house.SendAsync("door-10", house.SignCommand("door-10", "close"));
        told.IsCancellationRequested.ShouldBeFalse("a lost connection stops nothing");
        runs.ShouldBe(["open"]);

        ending.SetResult(CommandOutcome.Done());
        var receipts = new List<ReceiptClaims>();
        while (receipts.Count(r => r.State == ReceiptState.Executed) < 2) receipts.Add(await house.NextReceiptAsync("door-10", device.Certificate));
        (receipts[0].State, receipts[0].InReplyTo).ShouldBe((ReceiptState.Executed, accepted.InReplyTo));
        // The broker delivers what was not acknowledged a second time: refused, and nothing else.
        receipts.Where(r => r.State == ReceiptState.Rejected).ShouldAllBe(r => r.Reason == RejectReason.Replayed && r.Digest == accepted.Digest);
        runs.ShouldBe(["open", "close"]);
    }

    [Fact]
    public async Task What_is_at_work_when_the_device_stops_is_told_to_stop_and_answered_at_the_next_start()
    {
        await using var house = new Loopback(fleet);
        await house.ConnectCenterAsync();
        var home = fleet.Add("door-11", port: house.Port);
        await using (var device = new RunningDevice(home, new CommandHandlers().Handle("open", ArgumentSchema.None, (_, stop) => new TaskCompletionSource<CommandOutcome>().Task.WaitAsync(stop))))
        {
            await device.OnlineAsync();
            await house.SendAsync("door-11", house.SignCommand("door-11", "open"));
            (await house.NextReceiptAsync("door-11", device.Certificate)).State.ShouldBe(ReceiptState.Accepted);
            house.Cut("door-11").ShouldBe(1);
        }

        await using var again = new RunningDevice(home);
        ReceiptClaims receipt;
        do receipt = await house.NextReceiptAsync("door-11", again.Certificate);
        while (receipt.State == ReceiptState.Accepted);
        receipt.State.ShouldBe(ReceiptState.Interrupted);
        ((string)receipt.Result["detail"]!).ShouldContain("stopped while it ran");
    }

    [Fact]
    public async Task An_older_manifest_and_one_of_a_stranger_are_told_to_the_center_in_signed_words()
    {
        await using var house = new Loopback(fleet);
        await house.ConnectCenterAsync();
        var home = fleet.Add("door-12", port: house.Port);
        fleet.WriteManifest(home, "door-12", 2);
        await using var device = new RunningDevice(home);
        await device.OnlineAsync();
        using var strangers = new DeviceFleet();

        foreach (var (message, reason, words) in new[]
        {
            (fleet.Manifest("door-12", 1), RejectReason.Replayed, "version 1 is older than 2"), (strangers.Manifest("door-12", 3), RejectReason.UnknownKey, "no pinned key"), (fleet.Manifest("door-13", 3), RejectReason.WrongAudience, "meant for door-13"),
        })
        {
            await house.SayAsync(Topics.Manifest("door-12"), message);
            var told = await house.NextReceiptAsync("door-12", device.Certificate);
            (told.State, told.Reason, told.Digest, (string)told.Result["refused"]!).ShouldBe((ReceiptState.Rejected, reason, Thumbprint.OfBytes(message), "manifest"));
            ((string)told.Result["detail"]!).ShouldContain(words);
        }

        // The one it obeys already is no news: what comes next is about the command.
        await house.SayAsync(Topics.Manifest("door-12"), fleet.Manifest("door-12", 2));
        await house.SendAsync("door-12", house.SignCommand("door-12", "open"));
        (await house.NextReceiptAsync("door-12", device.Certificate)).State.ShouldBe(ReceiptState.Executed);
    }

    [Fact]
    public async Task A_receipt_the_broker_did_not_take_is_sent_at_the_next_connection()
    {
        await using var house = new Loopback(fleet);
        await house.ConnectCenterAsync();
        var home = fleet.Add("door-6", port: house.Port);
        house.Rules.MayPublish = request => !request.Topic.EndsWith("/receipt", StringComparison.Ordinal);
        await using (var device = new RunningDevice(home))
        {
            await device.OnlineAsync();
            await house.SendAsync("door-6", house.SignCommand("door-6", "open"));
            await device.SaidAsync("the broker refused");
        }
        house.Rules.MayPublish = _ => true;
        house.PolicyChanged();
        await using var again = new RunningDevice(home);
        (await house.NextReceiptAsync("door-6", again.Certificate)).State.ShouldBe(ReceiptState.Executed);
    }

    [Fact]
    public async Task A_receipt_that_a_broker_acknowledged_and_lost_comes_over_the_next_one_until_the_center_says_that_it_is_there()
    {
        await using var house = new Loopback(fleet);
        await house.ConnectCenterAsync();
        var home = fleet.Add("door-7", port: house.Port, change: BeatsEachSecond);
        string first, second;
        await using (var device = new RunningDevice(home))
        {
            await device.OnlineAsync();
            await house.SendAsync("door-7", house.SignCommand("door-7", "open"));
            first = await ReceiptAsync(device); // for a center that did not get so far
            var since = await SentAsync(device, 1, after: 0);
            await house.RestartBrokerAsync();
            (await ReceiptAsync(device)).ShouldBe(first);

            // The center has it. What it says about another connection, or about fewer, is no word about this one.
            await house.SayAsync(Topics.Checkpoint("door-7"), house.SignHeartbeat("door-7", since, sent: 0, heard: 1));
            since = await SentAsync(device, 1, after: since);
            await house.SayAsync(Topics.Checkpoint("door-7"), house.SignHeartbeat("door-7", since, sent: 0, heard: 0));
            house.Cut("door-7").ShouldBe(1);
            (await ReceiptAsync(device)).ShouldBe(first);
            since = await SentAsync(device, 1, after: since);
            await house.SayAsync(Topics.Checkpoint("door-7"), house.SignHeartbeat("door-7", since, sent: 0, heard: 1));
            await house.SendAsync("door-7", house.SignCommand("door-7", "close"));
            second = await ReceiptAsync(device);
            house.Cut("door-7").ShouldBe(1);
            (await ReceiptAsync(device)).ShouldBe(second);
        }

        await using var again = new RunningDevice(home);
        (await ReceiptAsync(again)).ShouldBe(second, "it stands in the journal");

        // A cut may come before the broker has the device's acknowledgement of the command: it sends that again, and the device refuses the copy.
        async Task<string> ReceiptAsync(RunningDevice device)
        {
            while (true)
                if (await house.NextReceiptAsync("door-7", device.Certificate) is { State: not ReceiptState.Rejected } receipt) return receipt.Id;
        }

        // The broker has taken so many on a newer connection: the number of its beginning.
        async Task<long> SentAsync(RunningDevice device, long count, long after)
        {
            while (true)
                if (await house.NextHeartbeatAsync("door-7", device.Certificate) is var beat && beat.Since > after && beat.Sent == count) return beat.Since;
        }
    }

    [Fact]
    public async Task A_receipt_waits_while_nobody_is_subscribed_and_what_follows_waits_behind_it()
    {
        await using var house = new Loopback(fleet);
        await using var device = new RunningDevice(fleet.Add("door-9", port: house.Port));
        await device.OnlineAsync();
        foreach (var command in (string[])["open", "close"]) await house.SayAsync(Topics.Command("door-9"), house.SignCommand("door-9", command));
        await device.SaidAsync("nobody is subscribed");
        await house.ConnectCenterAsync();
        (await house.NextReceiptAsync("door-9", device.Certificate)).Result.ToJsonString().ShouldBe("""{"open":true}""");
        (await house.NextReceiptAsync("door-9", device.Certificate)).Result.ToJsonString().ShouldBe("""{"open":false}""");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_command_that_had_arrived_when_its_connection_was_lost_is_obeyed_once_on_the_next_one(bool brokerForgets)
    {
        await using var house = new Loopback(fleet);
        await house.ConnectCenterAsync();
        var (begun, ending, closed) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), 0);
        await using var device = new RunningDevice(fleet.Add("door-10", port: house.Port, change: BeatsEachSecond), new CommandHandlers().Handle("open", ArgumentSchema.None, async (_, stop) =>
        {
            begun.TrySetResult();
            await ending.Task.WaitAsync(stop);
            return CommandOutcome.Done();
        }, timeLimit: TimeSpan.FromMinutes(5)).Handle("close", ArgumentSchema.None, _ =>
        {
            Interlocked.Increment(ref closed);
            return CommandOutcome.Done();
        }));
        await device.OnlineAsync();
        await house.SendAsync("door-10", house.SignCommand("door-10", "open"));
        await begun.Task.WaitAsync(TimeSpan.FromSeconds(60));
        var waiting = house.SignCommand("door-10", "close", lifetime: TimeSpan.FromMinutes(5));
        await house.SendAsync("door-10", waiting);

        // The broker's answer to a heartbeat from after that stands behind the command; with the next heartbeat the device has read both.
        var sent = DateTimeOffset.UtcNow;
        while ((await house.NextHeartbeatAsync("door-10", device.Certificate)).IssuedAt <= sent) { }
        await house.NextHeartbeatAsync("door-10", device.Certificate);
        if (brokerForgets) await house.RestartBrokerAsync();
        else house.Cut("door-10").ShouldBe(1);
        await device.SaidAsync("door-10 is online", times: 2); // and the first command is still at work
        closed.ShouldBe(0);
        ending.SetResult();

        (await ReceiptsToAsync(waiting)).ShouldAllBe(receipt => receipt.State != ReceiptState.Rejected || receipt.Reason == RejectReason.Replayed, "a broker that remembers sends the first one again too");
        closed.ShouldBe(1);
        var next = house.SignCommand("door-10", "close", lifetime: TimeSpan.FromMinutes(5));
        await house.SendAsync("door-10", next);
        (await ReceiptsToAsync(next)).ShouldNotContain(receipt => receipt.Digest == Thumbprint.OfBytes(waiting), "it came once");

        // All up to the one that says that this was done.
        async Task<List<ReceiptClaims>> ReceiptsToAsync(byte[] command)
        {
            List<ReceiptClaims> came = [];
            do came.Add(await house.NextReceiptAsync("door-10", device.Certificate));
            while (came[^1].Digest != Thumbprint.OfBytes(command));
            came[^1].State.ShouldBe(ReceiptState.Executed);
            return came;
        }
    }

    private static string BeatsEachSecond(string settings) => settings.Replace("\"version\": 1,", "\"version\": 1, \"heartbeatSeconds\": 1,", StringComparison.Ordinal);

    [Fact]
    public async Task A_broker_with_another_name_or_of_another_house_is_not_talked_to()
    {
        using var elsewhere = fleet.Authority.Issue(new(CertificateProfile.Broker, "mqtt_broker", ["broker.example.org"]));
        await RefusesAsync(elsewhere, "does not name localhost");
        using var console = fleet.Authority.Issue(new(CertificateProfile.Center, "command_center", ["localhost"]));
        await RefusesAsync(console, "is one for a Center");
        using var foreign = new DeviceFleet();
        await RefusesAsync(foreign.Broker, "the broker's certificate is refused");

        async Task RefusesAsync(IssuedCertificate server, string words)
        {
            await using var house = new Loopback(fleet, server.Certificate);
            await using var device = new RunningDevice(fleet.Add("door-7", port: house.Port));
            await device.SaidAsync(words);
            device.Lines.ToString().ShouldNotContain("is online");
        }
    }
}
