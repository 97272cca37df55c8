using System.Text;
using Signet.Access;
using Signet.Audit;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>A changed policy, role, group or certificate acts on what is open, subscribed, queued and retained at that moment.</summary>
public sealed class ContinuousSpecs
{
    private static readonly string Default = Encoding.UTF8.GetString(PolicyFile.Write(AccessPolicy.Default));

    // Devices of the group "plant" may talk on alarm/#.
    private static readonly string WithAlarms = Default.Replace("\"rules\": [", """
        "rules": [
            { "name": "alarms", "effect": "allow", "who": { "kinds": ["device"], "groups": ["plant"] }, "actions": ["publish", "retain", "subscribe", "deliver", "will"], "topics": ["alarm/+"] },
        """, StringComparison.Ordinal);

    [Fact]
    [Trait("row", "S0-8")]
    public async Task A_policy_that_takes_a_right_away_ends_the_subscription_tells_why_and_nothing_is_delivered_any_more()
    {
        await using var house = await TestHouse.StartAsync();
        (await house.Center.Fleet.SetLabelsAsync("door-1", ["plant"], null, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await house.Center.Fleet.SetLabelsAsync("valve-1", ["plant"], null, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await ApplyAsync(house, WithAlarms)).Value.Version.ShouldBe(2);
        await using var reader = await house.ConnectAsync("door-1", "reader", o => o with { SessionExpiry = TimeSpan.FromHours(1) });
        (await reader.SubscribeAsync("alarm/+")).ShouldAllBe(r => r.IsAccepted);
        await using var away = await house.ConnectAsync("door-1", "away", o => o with { SessionExpiry = TimeSpan.FromHours(1) });
        await away.SubscribeAsync("alarm/+");
        await away.DisconnectAsync();
        await using var writer = await house.ConnectAsync("valve-1", "writer");
        (await writer.PublishAsync(new() { Topic = "alarm/fire", QoS = QoS.AtLeastOnce, Retain = true, Payload = "1"u8.ToArray() })).IsAccepted.ShouldBeTrue();
        (await ReadOneAsync(reader)).Topic.ShouldBe("alarm/fire");
        await Eventually.True(() => house.Center.Broker.Sessions().Any(s => s.Client == "away" && s.Queued == 1), "a message waits for the one that is away");
        var told = new TaskCompletionSource<MqttException?>();
        reader.StateChanged += c => { if (c.State == MqttClientState.Closed) told.TrySetResult(c.Cause); };

        (await ApplyAsync(house, Default, version: 2)).Value.Ended.ShouldBe(2);

        var why = (await told.Task.WaitAsync(Eventually.Patience))!;
        why.Reason.ShouldBe(ReasonCode.NotAuthorized);
        why.Message.ShouldContain("no-rule-allows");
        why.Message.ShouldContain("alarm/+");
        (await writer.PublishAsync(new() { Topic = "alarm/fire", QoS = QoS.AtLeastOnce })).ReasonString.ShouldBe("no-rule-allows");
        // What waited is gone; the retained value is not handed out.
        await using var back = await house.ConnectAsync("door-1", "away", o => o with { CleanStart = false, SessionExpiry = TimeSpan.FromHours(1) });
        back.SessionPresent.ShouldBeTrue();
        (await back.SubscribeAsync("alarm/+")).ShouldAllBe(r => !r.IsAccepted);
        await Eventually.True(() => house.Center.Broker.Sessions().Single(s => s.Client == "away").Queued == 0, "nothing waits any more");
        await Should.ThrowAsync<OperationCanceledException>(() => ReadOneAsync(back, TimeSpan.FromSeconds(0.3)));
        var entry = await house.AuditedAsync(new() { Type = AuditTypes.Authorization, Action = "policy-applied" }, e => (int?)e.Details["version"] == 3);
        ((int)entry.Details["lost"]!).ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task A_device_that_leaves_its_group_loses_what_the_group_may_at_once()
    {
        await using var house = await TestHouse.StartAsync();
        await ApplyAsync(house, WithAlarms);
        var own = house.Center.Broker.Totals().Subscriptions; // the center's
        await using var device = await house.ConnectAsync("door-1", "d");
        (await device.SubscribeAsync("alarm/+")).ShouldAllBe(r => !r.IsAccepted);
        (await house.Center.Fleet.SetLabelsAsync("door-1", ["plant"], null, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await device.SubscribeAsync("alarm/+")).ShouldAllBe(r => r.IsAccepted);
        (await device.PublishAsync(new() { Topic = "alarm/x", QoS = QoS.AtLeastOnce })).IsAccepted.ShouldBeTrue();
        var told = new TaskCompletionSource<MqttException?>();
        device.StateChanged += c => { if (c.State == MqttClientState.Closed) told.TrySetResult(c.Cause); };

        (await house.Center.Fleet.SetLabelsAsync("door-1", [], null, TestHouse.Admin)).Refusal.ShouldBeNull();

        (await told.Task.WaitAsync(Eventually.Patience))!.Reason.ShouldBe(ReasonCode.NotAuthorized);
        house.Center.Broker.Totals().Subscriptions.ShouldBe(own, "only the center's are left");
    }

    [Fact]
    public async Task The_last_will_of_a_revoked_device_is_not_spoken()
    {
        await using var house = await TestHouse.StartAsync();
        await using var device = await house.ConnectAsync("door-1", "d", o => o with { Will = new(new() { Topic = "signet/door-1/status", Payload = "gone"u8.ToArray(), QoS = QoS.AtLeastOnce }) });
        (await house.Center.Certificates.RevokeAsync("door-1", Pki.RevocationReason.KeyCompromise, TestHouse.Admin)).Refusal.ShouldBeNull();
        await Eventually.True(() => house.Center.Broker.Denials().Any(d => d.Kind == "will" && d.Reason == "no-longer-admitted"), "its will is refused");
    }

    [Fact]
    public async Task A_person_who_is_no_longer_operator_reads_no_more_and_one_who_is_removed_is_cut()
    {
        await using var house = await TestHouse.StartAsync();
        var account = (await house.Center.Accounts.CreateAsync("otto", null, Role.Operator, TestHouse.Admin)).Value;
        using var issued = (await house.Center.Certificates.IssueAsync(new(Pki.CertificateProfile.User, "otto"), TestHouse.Admin)).Value;
        using var certificate = TestCertificates.Portable(issued.Certificate);
        await using var person = await house.ConnectAsync(certificate, "otto");
        (await person.SubscribeAsync("signet/+/status")).ShouldAllBe(r => r.IsAccepted);
        var told = new TaskCompletionSource<MqttException?>();
        person.StateChanged += c => { if (c.State == MqttClientState.Closed) told.TrySetResult(c.Cause); };
        (await house.Center.Accounts.SetRoleAsync(account.Id, Role.Viewer, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await told.Task.WaitAsync(Eventually.Patience))!.Reason.ShouldBe(ReasonCode.NotAuthorized);

        await using var again = await house.ConnectAsync(certificate, "otto");
        (await again.SubscribeAsync("signet/+/status")).ShouldAllBe(r => !r.IsAccepted);
        var cut = new TaskCompletionSource<MqttException?>();
        again.StateChanged += c => { if (c.State == MqttClientState.Closed) cut.TrySetResult(c.Cause); };
        (await house.Center.Accounts.RemoveAsync(account.Id, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await cut.Task.WaitAsync(Eventually.Patience))!.Reason.ShouldBe(ReasonCode.AdministrativeAction);
    }

    [Fact]
    [Trait("row", "S0-8")]
    public async Task A_policy_is_applied_whole_or_not_at_all_and_survives_a_restart()
    {
        await using var house = await TestHouse.StartAsync();
        var policies = house.Center.Policies;
        foreach (var broken in new[] { "", "{", WithAlarms[..^40], Default.Replace("\"allow\"", "\"permit\"", StringComparison.Ordinal), "{}" })
            (await policies.ApplyAsync(Encoding.UTF8.GetBytes(broken), null, TestHouse.Admin)).Refusal!.Name.ShouldBe("bad-input", broken);
        (await policies.ApplyAsync(Encoding.UTF8.GetBytes(WithAlarms), null, TestHouse.Operator)).Refusal!.Name.ShouldBe("not-allowed");
        // Forgets the center: no command would leave any more.
        var locked = Default.Replace("\"center-commands\",\n      \"effect\": \"allow\"", "\"center-commands\",\n      \"effect\": \"deny\"", StringComparison.Ordinal);
        locked.ShouldNotBe(Default);
        (await policies.ApplyAsync(Encoding.UTF8.GetBytes(locked), null, TestHouse.Admin)).Refusal!.Message.ShouldContain("the center can publish signet/any/command");
        var spying = """{ "tests": [ { "name": "no spying", "who": "device:door-1", "action": "subscribe", "topic": "alarm/x", "groups": ["plant"], "expect": "deny" } ] }""";
        (await policies.ApplyAsync(Encoding.UTF8.GetBytes(WithAlarms), Encoding.UTF8.GetBytes(spying), TestHouse.Admin)).Refusal!.Message.ShouldContain("'no spying' fails: it is allowed by alarms");
        policies.Current.Version.ShouldBe(1);

        // The assertions of the policy in force bind the next one too.
        (await policies.ApplyAsync(Encoding.UTF8.GetBytes(Default), Encoding.UTF8.GetBytes(spying), TestHouse.Admin)).Value.Version.ShouldBe(2);
        (await ApplyAsync(house, WithAlarms, version: 2)).Refusal!.Message.ShouldContain("no spying");
        (await ApplyAsync(house, WithAlarms, version: 1)).Refusal!.Name.ShouldBe("conflict");
        (await policies.ApplyAsync(Encoding.UTF8.GetBytes(At(WithAlarms, 2)), """{ "tests": [ { "name": "own branch", "who": "door-1", "action": "publish", "topic": "signet/door-1/receipt", "expect": "allow" } ] }"""u8.ToArray(), TestHouse.Admin)).Value.Version.ShouldBe(3);

        await house.StopCenterAsync();
        await house.StartCenterAsync();
        house.Center.Policy.Version.ShouldBe(3);
        house.Center.Policy.Rules[0].Name.ShouldBe("alarms");
        house.Center.Policies.History().Select(v => v.Version).ShouldBe([3, 2, 1]);
        await house.AssertAuditIntactAsync();
    }

    [Fact]
    public async Task A_preview_says_who_loses_what_and_what_the_last_days_traffic_would_notice()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("thermostat-1");
        (await house.SendAsync("thermostat-1", "read-temperature")).State.ShouldBe("executed");
        // Receipts may no longer be sent: commands would never be answered.
        var mute = Default.Replace("\"signet/{device}/receipt\",\n", "", StringComparison.Ordinal);
        mute.ShouldNotBe(Default);
        var preview = (await house.Center.Policies.PreviewAsync(Encoding.UTF8.GetBytes(mute), null)).Value;
        preview.Changes.ShouldContain(c => !c.Gained && c.Action == TopicAction.Publish && c.Count == 3);
        var real = preview.Traffic.Single();
        (real.Gained, real.Action, real.Example).ShouldBe((false, TopicAction.Publish, "signet/thermostat-1/receipt"));
        real.Who.ShouldBe(["thermostat-1"]);
        house.Center.Policy.Version.ShouldBe(1);
    }

    private static Task<Outcome<PolicyApplied>> ApplyAsync(TestHouse house, string policy, int version = 1) => house.Center.Policies.ApplyAsync(Encoding.UTF8.GetBytes(At(policy, version)), null, TestHouse.Admin);

    private static string At(string policy, int version) => policy.Replace("\"version\": 1", $"\"version\": {version}", StringComparison.Ordinal);

    private static async Task<MqttMessage> ReadOneAsync(MqttClient client, TimeSpan? within = null)
    {
        using var patience = new CancellationTokenSource(within ?? Eventually.Patience);
        await foreach (var message in client.ReadMessagesAsync(patience.Token))
        {
            client.Acknowledge();
            return message;
        }
        throw new InvalidOperationException("the client ended");
    }
}
