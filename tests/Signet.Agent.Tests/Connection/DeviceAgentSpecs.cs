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
