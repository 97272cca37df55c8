using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Broker;

/// <summary>The seams: what the policy refuses, and who is told.</summary>
public sealed class PolicySpecs
{
    private static MqttMessage Text(string topic, QoS qos = QoS.AtLeastOnce, bool retain = false) => new() { Topic = topic, Payload = "x"u8.ToArray(), QoS = qos, Retain = retain };

    [Theory, InlineData(QoS.AtLeastOnce), InlineData(QoS.ExactlyOnce)]
    public async Task A_refused_publish_tells_its_reason_to_a_version_5_client(QoS qos)
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnPublish = r => r.Topic == "no" ? PolicyDecision.Deny("read only") : PolicyDecision.Allow;
        await using var client = await house.ConnectAsync("c");
        await client.SubscribeAsync("no");
        var inbox = Inbox.Of(client);
        (await client.PublishAsync(Text("no", qos), TestContext.Current.CancellationToken)).ShouldBe(new PublishResult(ReasonCode.NotAuthorized, "read only"));
        (await inbox.IsQuietAsync()).ShouldBeTrue();
        house.Recorder.Refusals.Single().ShouldBe(new BrokerRefusal(RefusalKind.Publish, ReasonCode.NotAuthorized, "read only", "anyone", "c", "no", house.Recorder.Connects[0].Remote, "mqtt"));
        house.Broker.Counters.Refusals(RefusalKind.Publish).ShouldBe(1);
    }

    [Fact]
    public async Task A_refused_publish_of_a_3_1_1_client_is_acknowledged_dropped_and_reported()
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnPublish = _ => PolicyDecision.Deny("read only");
        await using var client = await house.ConnectAsync("c", o => o with { Version = MqttVersion.V311 });
        await client.SubscribeAsync("t");
        var inbox = Inbox.Of(client);
        (await client.PublishAsync(Text("t"), TestContext.Current.CancellationToken)).IsAccepted.ShouldBeTrue();
        (await client.PublishAsync(Text("t", QoS.ExactlyOnce), TestContext.Current.CancellationToken)).IsAccepted.ShouldBeTrue();
        (await inbox.IsQuietAsync()).ShouldBeTrue();
        house.Broker.Counters.Refusals(RefusalKind.Publish).ShouldBe(2);
    }

    [Fact]
    public async Task Delivery_is_authorised_for_live_and_retained_messages()
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnDeliver = r => r.Topic == "secret" && r.Client.ClientId == "s" ? PolicyDecision.Deny("not for you") : PolicyDecision.Allow;
        await using var publisher = await house.ConnectAsync("p");
        await using var subscriber = await house.ConnectAsync("s");
        await publisher.PublishAsync(Text("secret", retain: true), TestContext.Current.CancellationToken);
        await subscriber.SubscribeAsync("#");
        var inbox = Inbox.Of(subscriber);
        await publisher.PublishAsync(Text("secret"), TestContext.Current.CancellationToken);
        await publisher.PublishAsync(Text("open"), TestContext.Current.CancellationToken);
        (await inbox.NextAsync()).Topic.ShouldBe("open");
        house.Broker.Counters.Refusals(RefusalKind.Deliver).ShouldBe(2);
    }

    [Fact]
    public async Task A_changed_policy_bites_open_sessions_existing_subscriptions_and_waiting_messages()
    {
        await using var house = await TestBroker.StartAsync();
        var open = true;
        house.Policy.OnSubscribe = _ => open ? PolicyDecision.Allow : PolicyDecision.Deny("closed");
        house.Policy.OnDeliver = _ => open ? PolicyDecision.Allow : PolicyDecision.Deny("closed");
        house.Policy.OnPublish = r => open || r.Client.ClientId == "p" ? PolicyDecision.Allow : PolicyDecision.Deny("closed");
        await using var subscriber = await house.ConnectAsync("s", o => o with { SessionExpiry = TimeSpan.FromHours(1) });
        await subscriber.SubscribeAsync("t");
        await using var publisher = await house.ConnectAsync("p");
        (await subscriber.PublishAsync(Text("u"), TestContext.Current.CancellationToken)).IsAccepted.ShouldBeTrue();
        await subscriber.DisconnectAsync();
        await Until.TrueAsync(() => house.Broker.Counters.Connections == 1);
        await publisher.PublishAsync(Text("t"), TestContext.Current.CancellationToken);
        house.Broker.Sessions().Single(s => s.ClientId == "s").QueuedMessages.ShouldBe(1);
        open = false;
        house.Broker.PolicyChanged();
        house.Broker.Counters.Subscriptions.ShouldBe(0);
        await using var back = await house.ConnectAsync("s", o => o with { CleanStart = false, SessionExpiry = TimeSpan.FromHours(1) });
        back.SessionPresent.ShouldBeTrue();
        var inbox = Inbox.Of(back);
        (await inbox.IsQuietAsync()).ShouldBeTrue();
        (await back.PublishAsync(Text("u"), TestContext.Current.CancellationToken)).Reason.ShouldBe(ReasonCode.NotAuthorized);
        house.Broker.Sessions().Single(s => s.ClientId == "s").QueuedMessages.ShouldBe(0);
    }

    [Fact]
    public async Task A_will_on_a_forbidden_topic_refuses_the_connect()
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnPublish = r => r.Kind == PublishKind.Will ? PolicyDecision.Deny("no wills") : PolicyDecision.Allow;
        var e = await Should.ThrowAsync<MqttException>(() => house.ConnectAsync("c", o => o with { Will = new MqttWill(Text("t")) }));
        e.Reason.ShouldBe(ReasonCode.NotAuthorized);
        e.Message.ShouldContain("no wills");
        house.Broker.Counters.Refusals(RefusalKind.Will).ShouldBe(1);
    }

    [Fact]
    public async Task Nobody_writes_the_brokers_own_topics()
    {
        await using var house = await TestBroker.StartAsync(with: o => o with { SysInterval = TimeSpan.FromMilliseconds(100) });
        await using var client = await house.ConnectAsync("c");
        (await client.PublishAsync(Text("$SYS/broker/clients/connected", retain: true), TestContext.Current.CancellationToken)).Reason.ShouldBe(ReasonCode.NotAuthorized);
        await client.SubscribeAsync("$SYS/broker/clients/connected");
        var inbox = Inbox.Of(client);
        var first = await inbox.NextTextAsync();
        (first == "0" ? await inbox.NextTextAsync() : first).ShouldBe("1"); // the retained value may be older than this client
    }

    [Fact]
    public async Task An_identity_that_sends_too_fast_is_read_more_slowly_and_loses_nothing()
    {
        await using var house = await TestBroker.StartAsync();
        house.Policy.OnConnect = _ => ConnectDecision.Accept("one", limits: new IdentityLimits { MessagesPerSecond = 200 });
        await using var client = await house.ConnectAsync("c", o => o with { SendMaximum = 10 });
        var clock = System.Diagnostics.Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, 400).Select(_ => client.PublishAsync(Text("t"))));
        clock.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(0.7));
        house.Broker.Counters.Refusals(RefusalKind.Quota).ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task A_kick_names_its_reason_and_a_purge_leaves_nothing()
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c", o => o with { SessionExpiry = TimeSpan.FromHours(1) });
        await client.SubscribeAsync("t");
        MqttException? cause = null;
        client.StateChanged += c => cause = c.Cause;
        house.Broker.Disconnect(s => s.ClientId == "c", ReasonCode.AdministrativeAction, "certificate revoked", purge: true).ShouldBe(1);
        await Until.TrueAsync(() => cause is not null);
        cause!.Reason.ShouldBe(ReasonCode.AdministrativeAction);
        cause.Message.ShouldContain("certificate revoked");
        await Until.TrueAsync(() => house.Broker.Counters.Connections == 0);
        house.Broker.Sessions().ShouldBeEmpty();
        house.Broker.Counters.Subscriptions.ShouldBe(0);
        house.Recorder.Disconnects.Single().Info.Reason.ShouldBe("certificate revoked");
    }
}
