using System.Text;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Peers;

/// <summary>One set of tests for our client, against our broker, Mosquitto and RabbitMQ (whose release in Debian speaks 3.1.1 only, and QoS 2 as QoS 1).</summary>
public sealed class ClientAgainstSpecs
{
    [Theory]
    [InlineData("signet", MqttVersion.V311), InlineData("signet", MqttVersion.V5)]
    [InlineData("mosquitto", MqttVersion.V311), InlineData("mosquitto", MqttVersion.V5)]
    [InlineData("rabbitmq", MqttVersion.V311)]
    public async Task The_client_does_the_same_everywhere(string name, MqttVersion version)
    {
        await using var broker = await PeerBroker.StartAsync(name);
        await MessagesOfEveryQosComeBackInOrder(broker, version, name == "rabbitmq" ? QoS.AtLeastOnce : QoS.ExactlyOnce);
        await RetainedMessagesAreKeptAndRemoved(broker, version);
        await ASessionKeepsWhatComesWhileTheClientIsAway(broker, version);
        await AWillIsPublishedAfterACrash(broker, version);
        await ABrokenLineLosesNothing(broker, version);
    }

    private static MqttMessage Text(string topic, string text, QoS qos = QoS.AtLeastOnce, bool retain = false) => new() { Topic = topic, Payload = Encoding.UTF8.GetBytes(text), QoS = qos, Retain = retain };

    private static MqttClientOptions Lasting(PeerBroker broker, string id, MqttVersion version) => broker.Options(id, version) with { CleanStart = false, SessionExpiry = TimeSpan.FromHours(1) };

    private static async Task MessagesOfEveryQosComeBackInOrder(PeerBroker broker, MqttVersion version, QoS highest)
    {
        await using var client = await MqttClient.ConnectAsync(broker.Options("a", version), TestContext.Current.CancellationToken);
        var inbox = Inbox.Of(client);
        await client.SubscribeAsync([new TopicSubscription("q/+", highest)]);
        foreach (var qos in Enum.GetValues<QoS>().Where(q => q <= highest))
        {
            for (var i = 0; i < 20; i++) (await client.PublishAsync(Text($"q/{(int)qos}", $"{i}", qos), TestContext.Current.CancellationToken)).IsAccepted.ShouldBeTrue();
            for (var i = 0; i < 20; i++) (await inbox.NextAsync()).ShouldSatisfyAllConditions(m => m.QoS.ShouldBe(qos), m => Encoding.UTF8.GetString(m.Payload.Span).ShouldBe($"{i}"));
        }

        await client.UnsubscribeAsync(["q/+"]);
        await client.PublishAsync(Text("q/1", "unheard"), TestContext.Current.CancellationToken);
        (await inbox.IsQuietAsync()).ShouldBeTrue();
    }

    private static async Task RetainedMessagesAreKeptAndRemoved(PeerBroker broker, MqttVersion version)
    {
        await using var client = await MqttClient.ConnectAsync(broker.Options("b", version), TestContext.Current.CancellationToken);
        var inbox = Inbox.Of(client);
        await client.PublishAsync(Text("kept", "value", retain: true), TestContext.Current.CancellationToken);
        await client.SubscribeAsync("kept");
        (await inbox.NextAsync()).ShouldSatisfyAllConditions(m => m.Retain.ShouldBeTrue(), m => Encoding.UTF8.GetString(m.Payload.Span).ShouldBe("value"));
        await client.PublishAsync(Text("kept", "", retain: true), TestContext.Current.CancellationToken);
        (await inbox.NextAsync()).Payload.IsEmpty.ShouldBeTrue();
        await using var later = await MqttClient.ConnectAsync(broker.Options("b2", version), TestContext.Current.CancellationToken);
        await later.SubscribeAsync("kept");
        (await Inbox.Of(later).IsQuietAsync()).ShouldBeTrue();
    }

    private static async Task ASessionKeepsWhatComesWhileTheClientIsAway(PeerBroker broker, MqttVersion version)
    {
        await using (var first = await MqttClient.ConnectAsync(Lasting(broker, "c", version), TestContext.Current.CancellationToken)) await first.SubscribeAsync("away/#");
        await using (var other = await MqttClient.ConnectAsync(broker.Options("d", version), TestContext.Current.CancellationToken)) await other.PublishAsync(Text("away/1", "waits"), TestContext.Current.CancellationToken);
        await using var back = await MqttClient.ConnectAsync(Lasting(broker, "c", version), TestContext.Current.CancellationToken);
        back.SessionPresent.ShouldBeTrue();
        (await Inbox.Of(back).NextTextAsync()).ShouldBe("waits");
    }

    private static async Task AWillIsPublishedAfterACrash(PeerBroker broker, MqttVersion version)
    {
        await using var heir = await MqttClient.ConnectAsync(broker.Options("e", version), TestContext.Current.CancellationToken);
        await heir.SubscribeAsync("will");
        await using var cable = await Cable.StartAsync(broker.Port);
        await using var doomed = await MqttClient.ConnectAsync(broker.Options("f", version) with { Port = cable.Port, Will = new MqttWill(Text("will", "gone")) }, TestContext.Current.CancellationToken);
        cable.Cut();
        (await Inbox.Of(heir).NextTextAsync()).ShouldBe("gone");
    }

    private static async Task ABrokenLineLosesNothing(PeerBroker broker, MqttVersion version)
    {
        await using var cable = await Cable.StartAsync(broker.Port);
        await using var subscriber = await MqttClient.ConnectAsync(broker.Options("g", version), TestContext.Current.CancellationToken);
        await subscriber.SubscribeAsync("line");
        var inbox = Inbox.Of(subscriber);
        await using var client = await MqttClient.ConnectAsync(Lasting(broker, "h", version) with { Port = cable.Port, Reconnect = new ReconnectOptions { First = TimeSpan.FromMilliseconds(20) } }, TestContext.Current.CancellationToken);
        var sent = new List<Task>();
        for (var i = 0; i < 60; i++)
        {
            sent.Add(client.PublishAsync(Text("line", $"{i}"), TestContext.Current.CancellationToken));
            if (i % 20 == 10) cable.Cut();
            await Task.Delay(2, TestContext.Current.CancellationToken);
        }

        await Task.WhenAll(sent).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (seen.Count < 60) seen.Add(await inbox.NextTextAsync()); // QoS 1: some may come twice
    }
}
