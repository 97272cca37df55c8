using System.Text;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Client;

public sealed class RoundTripSpecs
{
    public static TheoryData<MqttVersion, QoS> Kinds()
    {
        var data = new TheoryData<MqttVersion, QoS>();
        foreach (var version in Enum.GetValues<MqttVersion>())
        {
            foreach (var qos in Enum.GetValues<QoS>()) data.Add(version, qos);
        }

        return data;
    }

    [Theory, MemberData(nameof(Kinds))]
    public async Task A_message_arrives_once_at_each_qos_and_version(MqttVersion version, QoS qos)
    {
        await using var house = await TestBroker.StartAsync();
        await using var subscriber = await house.ConnectAsync("sub", o => o with { Version = version });
        await using var publisher = await house.ConnectAsync("pub", o => o with { Version = version });
        (await subscriber.SubscribeAsync([new TopicSubscription("a/+", qos)])).Single().Reason.ShouldBe((ReasonCode)qos);
        var received = Inbox.Of(subscriber);
        for (var i = 0; i < 100; i++)
        {
            (await publisher.PublishAsync(new MqttMessage { Topic = "a/b", Payload = Encoding.UTF8.GetBytes($"{i}"), QoS = qos })).Reason.ShouldBe(ReasonCode.Success);
        }

        for (var i = 0; i < 100; i++)
        {
            var m = await received.NextAsync();
            Encoding.UTF8.GetString(m.Payload.Span).ShouldBe($"{i}");
            m.QoS.ShouldBe(qos);
            m.Topic.ShouldBe("a/b");
            m.Retain.ShouldBeFalse();
        }

        received.Count.ShouldBe(0);
    }

    [Fact]
    public async Task Every_property_travels()
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c");
        await client.SubscribeAsync([new TopicSubscription("a/#")], 268_435_455);
        var sent = new MqttMessage
        {
            Topic = "a/b", Payload = "{}"u8.ToArray(), QoS = QoS.AtLeastOnce, MessageExpiry = TimeSpan.FromSeconds(100), PayloadIsText = true, ContentType = "application/json", ResponseTopic = "r",
            CorrelationData = new byte[] { 1, 2, 3 }, UserProperties = [new("k", "1"), new("k", "2")],
        };
        await client.PublishAsync(sent, TestContext.Current.CancellationToken);
        var got = await Inbox.Of(client).NextAsync();
        got.MessageExpiry!.Value.ShouldBeInRange(TimeSpan.FromSeconds(98), TimeSpan.FromSeconds(100));
        got.PayloadIsText.ShouldBeTrue();
        got.ContentType.ShouldBe("application/json");
        got.ResponseTopic.ShouldBe("r");
        got.CorrelationData!.Value.ToArray().ShouldBe([1, 2, 3]);
        got.UserProperties.ShouldBe([new("k", "1"), new("k", "2")]);
        got.SubscriptionIdentifiers.ShouldBe([268_435_455]);
    }

    [Theory, InlineData(0), InlineData(100), InlineData(16_383), InlineData(20_000), InlineData(900_000)]
    public async Task Payloads_of_every_size_arrive_whole(int size)
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c");
        await client.SubscribeAsync("t");
        var payload = new byte[size];
        new Random(7).NextBytes(payload);
        await client.PublishAsync(new MqttMessage { Topic = "t", Payload = payload, QoS = QoS.AtLeastOnce }, TestContext.Current.CancellationToken);
        (await Inbox.Of(client).NextAsync()).Payload.ToArray().ShouldBe(payload);
    }
}
