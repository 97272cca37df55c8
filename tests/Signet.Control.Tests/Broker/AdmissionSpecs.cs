using System.Security.Cryptography.X509Certificates;
using Signet.Audit;
using Signet.Mqtt;
using Signet.Pki;
using Signet.Testing;

namespace Signet.Control.Tests;

public sealed class AdmissionSpecs
{
    [Fact]
    [Trait("row", "S0-2"), Trait("row", "S0-25")]
    public async Task Without_a_certificate_or_with_a_foreign_one_nobody_comes_in_and_the_log_says_why()
    {
        await using var house = await TestHouse.StartAsync();
        using var foreign = TestCertificates.Foreign("door-1");

        await Should.ThrowAsync<MqttException>(() => house.ConnectAsync((X509Certificate2?)null));
        await Should.ThrowAsync<MqttException>(() => house.ConnectAsync(foreign));

        (await house.AuditedAsync(new() { Type = AuditTypes.AuthFail, Reason = "certificate-missing" })).Action.ShouldBe("handshake-refused");
        (await house.AuditedAsync(new() { Type = AuditTypes.AuthFail, Reason = "certificate-untrusted" })).Details["words"]!.GetValue<string>().ShouldContain("door-1");
        house.Center.Broker.Denials().ShouldContain(d => d.Kind == "handshake" && d.Reason.StartsWith("certificate-untrusted", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("row", "S0-5"), Trait("row", "S0-6")]
    public async Task A_revoked_device_is_cut_off_at_once_and_cannot_come_back()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("door-1");

        var report = (await house.Center.Certificates.RevokeAsync("door-1", RevocationReason.KeyCompromise, TestHouse.Admin)).Value;

        report.Closed.ShouldBe(1);
        report.Serials.Count.ShouldBe(1);
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Offline, "door-1 is cut off", TimeSpan.FromSeconds(1));
        (await house.AuditedAsync(new() { Type = AuditTypes.AuthFail, Reason = "certificate-revoked" })).Action.ShouldBe("handshake-refused");
        (await house.AuditedAsync(new() { Type = AuditTypes.Certificate, Action = "certificate-revoked" })).Reason.ShouldBe("key-compromise");
        (await house.Center.Certificates.RevokeAsync("door-1", RevocationReason.KeyCompromise, TestHouse.Admin)).Refusal!.Name.ShouldBe("conflict");
        (await house.Center.Certificates.RevokeAsync("command_center", RevocationReason.KeyCompromise, TestHouse.Admin)).Refusal!.Message.ShouldContain("confirm");
    }

    [Fact]
    public async Task A_disabled_device_is_refused_even_with_a_valid_certificate_until_it_is_enabled_again()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("door-1");

        (await house.Center.Fleet.SetEnabledAsync("door-1", false, TestHouse.Operator)).Refusal.ShouldBeNull();
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Offline, "door-1 is cut off", TimeSpan.FromSeconds(1));
        (await house.AuditedAsync(new() { Type = AuditTypes.AuthFail, Reason = "device-disabled" })).Action.ShouldBe("connect-refused");
        (await house.Center.Commands.SendAsync(new("door-1", "open"), TestHouse.Operator)).Refusal!.Name.ShouldBe("device-disabled");

        (await house.Center.Fleet.SetEnabledAsync("door-1", true, TestHouse.Operator)).Refusal!.Name.ShouldBe("not-allowed");
        (await house.Center.Fleet.SetEnabledAsync("door-1", true, TestHouse.Admin)).Refusal.ShouldBeNull();
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is back");
    }

    [Fact]
    [Trait("row", "S0-7")]
    public async Task A_device_speaks_and_listens_in_its_own_branch_only_and_every_denial_names_its_rule()
    {
        await using var house = await TestHouse.StartAsync();
        await using var thief = await house.ConnectAsync("door-1");

        (await thief.SubscribeAsync("signet/valve-1/command", "signet/#")).ShouldAllBe(r => !r.IsAccepted);
        (await thief.PublishAsync(new() { Topic = "signet/valve-1/receipt", QoS = QoS.AtLeastOnce })).IsAccepted.ShouldBeFalse();
        (await thief.PublishAsync(new() { Topic = "signet/door-1/command", QoS = QoS.AtLeastOnce })).IsAccepted.ShouldBeFalse();

        var denied = await house.AuditedAsync(new() { Type = AuditTypes.Authorization, Actor = "door-1", Action = "publish-refused" });
        denied.Reason.ShouldNotBeEmpty();
        (await house.AuditedAsync(new() { Type = AuditTypes.Authorization, Actor = "door-1", Action = "subscribe-refused" })).Details["topic"].ShouldNotBeNull();
    }

    [Fact]
    public async Task A_new_device_gets_a_home_that_runs_and_a_removed_one_is_gone_at_once()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false });
        (await house.Center.Fleet.AddAsync(new("pump-7", "pump"), TestHouse.Admin)).Refusal!.Message.ShouldContain("say which commands");
        (await house.Center.Fleet.AddAsync(new("Pump 7", "valve"), TestHouse.Admin)).Refusal!.Name.ShouldBe("bad-input");
        (await house.Center.Fleet.AddAsync(new("pump-7", "pump", ["start", "stop"]), TestHouse.Operator)).Refusal!.Name.ShouldBe("not-allowed");

        (await house.Center.Fleet.AddAsync(new("pump-7", "pump", ["start", "stop"]), TestHouse.Admin)).Refusal.ShouldBeNull();
        (await house.Center.Fleet.AddAsync(new("pump-7", "pump", ["start"]), TestHouse.Admin)).Refusal!.Name.ShouldBe("already-exists");
        await house.StartDeviceAsync("pump-7");
        (await house.SendAsync("pump-7", "start", new() { ["speed"] = 3 })).State.ShouldBe("executed");

        (await house.Center.Fleet.RemoveAsync("pump-7", TestHouse.Admin)).Refusal.ShouldBeNull();
        house.Center.Fleet.Find("pump-7").ShouldBeNull();
        house.Center.Broker.Sessions().ShouldNotContain(s => s.Identity == "pump-7");
        Directory.Exists(house.Center.Installation.DeviceDirectory("pump-7")).ShouldBeFalse();
        (await house.AuditedAsync(new() { Type = AuditTypes.AuthFail, Reason = "certificate-revoked" })).Action.ShouldBe("handshake-refused");
    }
}
