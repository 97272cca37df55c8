using System.Text;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Broker;

/// <summary>Sessions over connections: expiry, resumption, takeover, wills (MQTT 5.0 sections 3.1.2, 3.1.4, 4.1, 4.4).</summary>
public sealed class SessionSpecs
{
    private static MqttMessage Text(string topic, string text, QoS qos = QoS.AtLeastOnce, bool retain = false) => new() { Topic = topic, Payload = Encoding.UTF8.GetBytes(text), QoS = qos, Retain = retain };

    private static MqttClientOptions Lasting(MqttClientOptions o) => o with { CleanStart = false, SessionExpiry = TimeSpan.FromHours(1) };

    [Theory, InlineData(MqttVersion.V311), InlineData(MqttVersion.V5)]
    public async Task Messages_wait_for_a_client_that_is_away(MqttVersion version)
    {
        await using var house = await TestBroker.StartAsync();
        await using (var client = await house.ConnectAsync("c", o => Lasting(o) with { Version = version }))
        {
            client.SessionPresent.ShouldBeFalse();
            await client.SubscribeAsync([new TopicSubscription("t", QoS.ExactlyOnce)]);
        }

        await Until.TrueAsync(() => house.Broker.Counters.Connections == 0);
        foreach (var qos in Enum.GetValues<QoS>()) await house.Broker.PublishAsync(Text("t", $"{qos}", qos), TestContext.Current.CancellationToken);
        await using var back = await house.ConnectAsync("c", o => Lasting(o) with { Version = version });
        back.SessionPresent.ShouldBeTrue();
        var inbox = Inbox.Of(back);
        (await inbox.NextTextAsync()).ShouldBe("AtLeastOnce");
        (await inbox.NextTextAsync()).ShouldBe("ExactlyOnce");
        (await inbox.IsQuietAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task A_clean_start_forgets_everything() // [MQTT-3.1.2-4]
    {
        await using var house = await TestBroker.StartAsync();
        await using (var client = await house.ConnectAsync("c", Lasting)) await client.SubscribeAsync("t");
        await using var fresh = await house.ConnectAsync("c");
        fresh.SessionPresent.ShouldBeFalse();
        house.Broker.Counters.Subscriptions.ShouldBe(0);
    }

    [Fact]
    public async Task A_session_ends_with_its_expiry() // [MQTT-3.1.2-23]
    {
        await using var house = await TestBroker.StartAsync();
        await using (var client = await house.ConnectAsync("c", o => Lasting(o) with { SessionExpiry = TimeSpan.FromSeconds(1) })) await client.SubscribeAsync("t");
        house.Broker.Sessions().Count.ShouldBe(1);
        await Until.TrueAsync(() => house.Broker.Sessions().Count == 0);
        await Until.TrueAsync(() => house.Broker.Counters.Subscriptions == 0); // counted down just after the session left the table
    }

    [Fact]
    public async Task What_was_not_acknowledged_is_sent_again_with_its_identifier_and_dup() // [MQTT-4.4.0-1]
    {
        await using var house = await TestBroker.StartAsync();
        const string connect = "10 13 'MQTT' 05 00 00 3C 05 11 00000100 'r'";
        using (var raw = await RawClient.OpenAsync(house.Port, connect))
        {
            await raw.SendAsync("82 07 0001 00 't' 02");
            await raw.ExpectAsync("90 04 0001 00 02");
            await house.Broker.PublishAsync(Text("t", "1"), TestContext.Current.CancellationToken);
            await house.Broker.PublishAsync(Text("t", "2", QoS.ExactlyOnce), TestContext.Current.CancellationToken);
            await house.Broker.PublishAsync(Text("t", "3", QoS.ExactlyOnce), TestContext.Current.CancellationToken);
            await raw.ExpectAsync("32 07 't' 0001 00 31", "34 07 't' 0002 00 32", "34 07 't' 0003 00 33");
            await raw.SendAsync("50 02 0003");
            await raw.ExpectAsync("62 02 0003");
            raw.Crash();
        }

        using var again = await house.RawAsync();
        await again.SendAsync(connect);
        (await again.ReadAsync()).ShouldStartWith("20");
        await again.ExpectAsync("3A 07 't' 0001 00 31", "3C 07 't' 0002 00 32", "62 02 0003");
        await again.SendAsync("40 02 0001 50 02 0002 70 02 0003");
        await again.ExpectAsync("62 02 0002");
        await again.SendAsync("70 02 0002 C0 00");
        await again.ExpectAsync("D0 00");
        house.Broker.Sessions().Single().InFlight.ShouldBe(0);
    }

    [Fact]
    public async Task A_qos_2_identifier_of_the_client_survives_its_reconnect()
    {
        await using var house = await TestBroker.StartAsync();
        const string connect = "10 13 'MQTT' 05 00 00 3C 05 11 00000100 'r'";
        await using var subscriber = await house.ConnectAsync("s");
        await subscriber.SubscribeAsync("t");
        var inbox = Inbox.Of(subscriber);
        using (var raw = await RawClient.OpenAsync(house.Port, connect))
        {
            await raw.SendAsync("34 07 't' 0009 00 41");
            await raw.ExpectAsync("50 02 0009");
            raw.Crash();
        }

        using var again = await RawClient.OpenAsync(house.Port, connect);
        await again.SendAsync("3C 07 't' 0009 00 41");
        await again.ExpectAsync("50 02 0009");
        (await inbox.NextTextAsync()).ShouldBe("A");
        (await inbox.IsQuietAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task The_same_identity_takes_its_session_over() // [MQTT-3.1.4-3]
    {
        await using var house = await TestBroker.StartAsync();
        using var first = await RawClient.OpenAsync(house.Port);
        await using var second = await house.ConnectAsync("r");
        await first.ExpectDisconnectAsync(ReasonCode.SessionTakenOver);
        second.IsConnected.ShouldBeTrue();
        await Until.TrueAsync(() => house.Broker.Counters.Connections == 1);
        house.Broker.Sessions().Single().Connected.ShouldBeTrue();
    }

    [Fact]
    public async Task Another_identity_with_the_same_client_id_gets_its_own_session()
    {
        await using var house = await TestBroker.StartAsync();
        await using var alice = await house.ConnectAsync("same", o => Lasting(o) with { UserName = "alice" });
        await alice.SubscribeAsync("t");
        await using var mallory = await house.ConnectAsync("same", o => Lasting(o) with { UserName = "mallory" });
        mallory.SessionPresent.ShouldBeFalse();
        alice.IsConnected.ShouldBeTrue();
        var inbox = Inbox.Of(mallory);
        await alice.PublishAsync(Text("t", "for alice"), TestContext.Current.CancellationToken);
        (await Inbox.Of(alice).NextTextAsync()).ShouldBe("for alice");
        (await inbox.IsQuietAsync()).ShouldBeTrue();
        house.Broker.Sessions().Select(s => s.Identity).Order().ShouldBe(["alice", "mallory"]);
    }

    [Fact]
    public async Task A_crash_publishes_the_will_and_a_goodbye_does_not() // [MQTT-3.1.2-8], [MQTT-3.14.4-3]
    {
        await using var house = await TestBroker.StartAsync();
        await using var watcher = await house.ConnectAsync("w");
        await watcher.SubscribeAsync("status");
        var inbox = Inbox.Of(watcher);
        const string connect = "10 20 'MQTT' 05 26 00 3C 00 'r' 00 'status' 0007 6F66666C696E65"; // will retained
        using (var polite = await RawClient.OpenAsync(house.Port, connect))
        {
            await polite.SendAsync("E0 00");
            await polite.ExpectClosedAsync();
        }

        (await inbox.IsQuietAsync()).ShouldBeTrue();
        var clock = System.Diagnostics.Stopwatch.StartNew();
        using (var crash = await RawClient.OpenAsync(house.Port, connect)) crash.Crash();
        (await inbox.NextTextAsync()).ShouldBe("offline");
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(2));
        using (var asks = await RawClient.OpenAsync(house.Port, connect)) await asks.SendAsync("E0 01 04");
        (await inbox.NextTextAsync()).ShouldBe("offline");
        house.Broker.Counters.RetainedMessages.ShouldBe(1);
    }

    [Fact]
    public async Task A_delayed_will_is_dropped_when_the_client_comes_back_in_time() // [MQTT-3.1.3-9]
    {
        await using var house = await TestBroker.StartAsync();
        await using var watcher = await house.ConnectAsync("w");
        await watcher.SubscribeAsync("status");
        var inbox = Inbox.Of(watcher);
        const string connect = "10 28 'MQTT' 05 04 00 3C 05 11 00000100 'r' 05 18 00000001 'status' 0005 6C617465 21";
        using (var crash = await RawClient.OpenAsync(house.Port, connect)) crash.Crash();
        await Until.TrueAsync(() => house.Broker.Counters.Connections == 1);
        using (var back = await RawClient.OpenAsync(house.Port, connect))
        {
            await Task.Delay(1500, TestContext.Current.CancellationToken);
            inbox.Count.ShouldBe(0);
            back.Crash();
        }

        (await inbox.NextTextAsync()).ShouldBe("late!");
    }

    [Fact]
    public async Task A_queue_that_is_full_drops_and_tells()
    {
        await using var house = await TestBroker.StartAsync(new BrokerLimits { PerIdentity = new IdentityLimits { QueuedMessages = 5 } });
        await using (var client = await house.ConnectAsync("c", Lasting)) await client.SubscribeAsync("t");
        await Until.TrueAsync(() => house.Broker.Counters.Connections == 0);
        for (var i = 0; i < 8; i++) await house.Broker.PublishAsync(Text("t", $"{i}"), TestContext.Current.CancellationToken);
        house.Broker.Sessions().Single().QueuedMessages.ShouldBe(5);
        house.Broker.Sessions().Single().Dropped.ShouldBe(3);
        house.Recorder.Refusals.ShouldAllBe(r => r.Kind == RefusalKind.Quota && r.Topic == "t");
    }

    [Fact]
    public async Task A_slow_reader_costs_bounded_memory_and_harms_nobody()
    {
        await using var house = await TestBroker.StartAsync(new BrokerLimits { WriteTimeout = TimeSpan.FromSeconds(1), PerIdentity = new IdentityLimits { QueuedMessages = 100, QueuedBytes = 4_000_000 } });
        using var slow = await RawClient.OpenAsync(house.Port);
        await slow.SendAsync("82 07 0001 00 't' 00");
        await slow.ExpectAsync("90 04 0001 00 00");
        await using var quick = await house.ConnectAsync("q", o => o with { ReceiveQueue = 10_000 });
        await quick.SubscribeAsync([new TopicSubscription("t")], null, TestContext.Current.CancellationToken);
        var inbox = Inbox.Of(quick);
        var payload = new byte[50_000];
        for (var i = 0; i < 400; i++) await quick.PublishAsync(new MqttMessage { Topic = "t", Payload = payload, QoS = QoS.AtLeastOnce }, TestContext.Current.CancellationToken);
        await Until.TrueAsync(() => inbox.Count == 400);
        house.Broker.Counters.QueuedBytes.ShouldBeLessThan(5_000_000);
        await Until.TrueAsync(() => house.Recorder.Refusals.Any(r => r.Reason.Contains("took no byte", StringComparison.Ordinal)));
        await Until.TrueAsync(() => house.Broker.Counters.Connections == 1);
        house.Broker.Counters.QueuedBytes.ShouldBe(0);
    }

    [Fact]
    public async Task Shutting_down_says_so()
    {
        var house = await TestBroker.StartAsync();
        using var raw = await RawClient.OpenAsync(house.Port);
        await house.DisposeAsync();
        await raw.ExpectDisconnectAsync(ReasonCode.ServerShuttingDown);
    }

    [Fact]
    public async Task Session_expiry_can_be_changed_at_disconnect()
    {
        await using var house = await TestBroker.StartAsync();
        using (var raw = await RawClient.OpenAsync(house.Port, "10 13 'MQTT' 05 02 00 3C 05 11 00000100 'r'")) await raw.SendAsync("E0 07 00 05 11 00000000");
        await Until.TrueAsync(() => house.Broker.Sessions().Count == 0);
    }
}
