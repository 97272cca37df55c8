using System.Net;
using System.Net.Sockets;
using System.Text;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Client;

/// <summary>The client keeps its connection, its session and its messages.</summary>
public sealed class ReconnectSpecs
{
    private static readonly ReconnectOptions Quick = new() { First = TimeSpan.FromMilliseconds(20), Longest = TimeSpan.FromMilliseconds(100) };

    private static MqttMessage Text(string topic, string text, QoS qos = QoS.AtLeastOnce) => new() { Topic = topic, Payload = Encoding.UTF8.GetBytes(text), QoS = qos };

    [Theory, InlineData(QoS.AtLeastOnce), InlineData(QoS.ExactlyOnce)]
    public async Task Messages_in_flight_survive_broken_connections(QoS qos)
    {
        await using var house = await TestBroker.StartAsync();
        await using var subscriber = await house.ConnectAsync("s", o => o with { ReceiveQueue = 100_000 });
        await subscriber.SubscribeAsync([new TopicSubscription("t", QoS.ExactlyOnce)]);
        var inbox = Inbox.Of(subscriber);
        await using var client = await house.ConnectAsync("c", o => o with { SessionExpiry = TimeSpan.FromMinutes(1), Reconnect = Quick });
        var reconnects = 0;
        client.StateChanged += c => reconnects += c.State == MqttClientState.Connected ? 1 : 0;
        var sending = Task.WhenAll(Enumerable.Range(0, 2000).Select(i => client.PublishAsync(Text("t", $"{i}", qos))));
        for (var i = 0; i < 5; i++)
        {
            await Task.Delay(30, TestContext.Current.CancellationToken);
            house.Broker.Disconnect(s => s.ClientId == "c", ReasonCode.AdministrativeAction, "shake");
        }

        (await sending.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken)).ShouldAllBe(r => r.IsAccepted);
        await Until.TrueAsync(() => inbox.Count >= 2000);
        var got = new List<string>();
        while (inbox.Count > 0) got.Add(await inbox.NextTextAsync());
        got.Distinct().Count().ShouldBe(2000);
        if (qos == QoS.ExactlyOnce) got.Count.ShouldBe(2000);
        reconnects.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Subscriptions_come_back_when_the_broker_lost_the_session()
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c", o => o with { Reconnect = Quick });
        await client.SubscribeAsync("t");
        var connected = new TaskCompletionSource();
        client.StateChanged += c =>
        {
            if (c.State == MqttClientState.Connected) connected.TrySetResult();
        };
        house.Broker.Disconnect(_ => true, ReasonCode.AdministrativeAction, "shake", purge: true);
        await connected.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        client.SessionPresent.ShouldBeFalse();
        await client.PublishAsync(Text("t", "back"), TestContext.Current.CancellationToken);
        (await Inbox.Of(client).NextTextAsync()).ShouldBe("back");
    }

    [Theory, InlineData(QoS.AtLeastOnce), InlineData(QoS.ExactlyOnce)]
    public async Task A_message_is_acknowledged_when_the_program_asks_for_the_next_one_or_says_so(QoS qos)
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c");
        await client.SubscribeAsync([new TopicSubscription("t", qos)], cancellationToken: TestContext.Current.CancellationToken);
        foreach (var text in (string[])["1", "2", "3"]) await client.PublishAsync(Text("t", text, qos), TestContext.Current.CancellationToken);
        await using (var messages = client.ReadMessagesAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken))
        {
            await messages.MoveNextAsync();
            await Task.Delay(100, TestContext.Current.CancellationToken);
            await Until.TrueAsync(() => house.Broker.Sessions().Single().InFlight == 3);
            await messages.MoveNextAsync();
            await Until.TrueAsync(() => house.Broker.Sessions().Single().InFlight == 2);
            client.Acknowledge();
            await Until.TrueAsync(() => house.Broker.Sessions().Single().InFlight == 1);
        }

        client.Acknowledge(); // nothing in hand
        (await Inbox.Of(client).NextTextAsync()).ShouldBe("3");
        await Until.TrueAsync(() => house.Broker.Sessions().Single().InFlight == 0);
    }

    [Theory, InlineData(QoS.AtLeastOnce), InlineData(QoS.ExactlyOnce)]
    public async Task A_message_that_a_reader_left_in_the_middle_comes_to_the_next_reader_first_and_to_the_next_process(QoS qos)
    {
        await using var house = await TestBroker.StartAsync();
        await using (var client = await house.ConnectAsync("c", o => o with { SessionExpiry = TimeSpan.FromHours(1) }))
        {
            await client.SubscribeAsync([new TopicSubscription("t", qos)], cancellationToken: TestContext.Current.CancellationToken);
            foreach (var text in (string[])["1", "2"]) await client.PublishAsync(Text("t", text, qos), TestContext.Current.CancellationToken);
            (await LeaveAsync(client)).ShouldBe("1");
            (await LeaveAsync(client)).ShouldBe("1");
            await Task.Delay(100, TestContext.Current.CancellationToken);
            house.Broker.Sessions().Single().InFlight.ShouldBe(2);
        }

        await using var back = await house.ConnectAsync("c", o => o with { CleanStart = false, SessionExpiry = TimeSpan.FromHours(1) });
        var inbox = Inbox.Of(back);
        (await inbox.NextTextAsync()).ShouldBe("1");
        (await inbox.NextTextAsync()).ShouldBe("2");

        static async Task<string> LeaveAsync(MqttClient client)
        {
            var text = "";
            await Should.ThrowAsync<InvalidDataException>(async () =>
            {
                await foreach (var message in client.ReadMessagesAsync(TestContext.Current.CancellationToken))
                {
                    text = Encoding.UTF8.GetString(message.Payload.Span);
                    throw new InvalidDataException("the program failed at this message");
                }
            });
            return text;
        }
    }

    [Fact]
    public async Task A_reader_that_publishes_and_waits_does_not_lock_itself_out()
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c", o => o with { ReceiveQueue = 2 });
        await client.SubscribeAsync([new TopicSubscription("in", QoS.AtMostOnce)]);
        await using var flood = await house.ConnectAsync("f");
        for (var i = 0; i < 20; i++) await flood.PublishAsync(Text("in", $"{i}"), TestContext.Current.CancellationToken);
        var seen = 0;
        await foreach (var m in client.ReadMessagesAsync(TestContext.Current.CancellationToken))
        {
            (await client.PublishAsync(Text("out", "x"), TestContext.Current.CancellationToken)).IsAccepted.ShouldBeTrue();
            if (++seen == 20) break;
        }

        client.DroppedMessages.ShouldBe(0);
    }

    [Fact]
    public async Task A_program_that_does_not_read_is_not_drowned()
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c", o => o with { ReceiveQueue = 10 });
        await client.SubscribeAsync([new TopicSubscription("in", QoS.AtMostOnce)]);
        await using var flood = await house.ConnectAsync("f");
        var payload = new byte[10_000];
        for (var i = 0; i < 3000; i++) await flood.PublishAsync(new MqttMessage { Topic = "in", Payload = payload, QoS = QoS.AtLeastOnce }, TestContext.Current.CancellationToken);
        await Until.TrueAsync(() => house.Broker.Sessions().Single(s => s.ClientId == "c").QueuedMessages > 100, "reading was never held back");
    }

    [Fact]
    public async Task Errors_say_what_failed_and_who_said_so()
    {
        using var nobody = new TcpListener(IPAddress.Loopback, 0);
        nobody.Start();
        var port = ((IPEndPoint)nobody.LocalEndpoint).Port;
        nobody.Stop();
        var e = await Should.ThrowAsync<MqttException>(() => MqttClient.ConnectAsync(new MqttClientOptions { Host = "127.0.0.1", Port = port }));
        e.FromPeer.ShouldBeFalse();
        e.Message.ShouldContain($"127.0.0.1:{port}");

        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        e = await Should.ThrowAsync<MqttException>(() => MqttClient.ConnectAsync(new MqttClientOptions
        {
            Host = "127.0.0.1", Port = ((IPEndPoint)silent.LocalEndpoint).Port, ConnectTimeout = TimeSpan.FromMilliseconds(200),
        }));
        e.Message.ShouldContain("did not answer");

        await using var house = await TestBroker.StartAsync(new BrokerLimits { MaximumPacketSize = 1000, MaximumQoS = QoS.AtLeastOnce });
        await using var client = await house.ConnectAsync("c");
        (await Should.ThrowAsync<MqttException>(() => client.PublishAsync(new MqttMessage { Topic = "t", Payload = new byte[2000] }))).Reason.ShouldBe(ReasonCode.PacketTooLarge);
        (await Should.ThrowAsync<MqttException>(() => client.PublishAsync(new MqttMessage { Topic = "t", QoS = QoS.ExactlyOnce }))).Reason.ShouldBe(ReasonCode.QoSNotSupported);
        await Should.ThrowAsync<ArgumentException>(() => client.PublishAsync(new MqttMessage { Topic = "a/+" }));
        await Should.ThrowAsync<ArgumentException>(() => client.SubscribeAsync("a#"));
    }

    [Fact]
    public async Task Waiting_can_be_cancelled()
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c");
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            await foreach (var m in client.ReadMessagesAsync(soon.Token)) m.ShouldBeNull();
        });
        using var gone = new CancellationTokenSource();
        await gone.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => MqttClient.ConnectAsync(house.ClientOptions("d"), gone.Token));
    }

    [Fact]
    public async Task A_client_without_reconnect_ends_with_its_reason()
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c");
        house.Broker.Disconnect(_ => true, ReasonCode.AdministrativeAction, "enough");
        var e = await Should.ThrowAsync<MqttException>(async () =>
        {
            await foreach (var m in client.ReadMessagesAsync(TestContext.Current.CancellationToken)) m.ShouldBeNull();
        });
        e.Reason.ShouldBe(ReasonCode.AdministrativeAction);
        client.State.ShouldBe(MqttClientState.Closed);
    }
}
