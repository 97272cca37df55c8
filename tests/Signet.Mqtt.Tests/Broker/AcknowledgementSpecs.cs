using System.Text;
using Signet.Mqtt.Broker.Storage;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Broker;

/// <summary>The observer hears when a client has a message; the packets are written by hand, so that the moment is exact.</summary>
public sealed class AcknowledgementSpecs
{
    private static MqttMessage Text(string topic, QoS qos) => new() { Topic = topic, Payload = Encoding.UTF8.GetBytes("1"), QoS = qos, CorrelationData = new byte[] { 7 }, UserProperties = [new("k", "v")] };

    private static Task<TestBroker> StartAsync(ISessionStore? store = null) => TestBroker.StartAsync(store: store, with: o => o with { ReportAcknowledged = topic => topic == "t" });

    private static async Task<RawClient> SubscribedAsync(TestBroker house, string filter = "#", string connect = RawClient.Connect5)
    {
        var raw = await RawClient.OpenAsync(house.Port, connect);
        await raw.SendAsync($"82 07 0001 00 '{filter}' 02");
        await raw.ExpectAsync("90 04 0001 00 02");
        return raw;
    }

    [Fact]
    public async Task A_puback_is_reported_with_the_message_and_who_sent_it_and_not_before()
    {
        await using var house = await StartAsync();
        using var raw = await SubscribedAsync(house);
        await house.Broker.PublishAsync(Text("t", QoS.AtLeastOnce), TestContext.Current.CancellationToken);
        (await raw.ReadAsync()).ShouldStartWith("32");
        house.Recorder.Acknowledgements.ShouldBeEmpty();

        await raw.SendAsync("40 02 0001");

        await Until.TrueAsync(() => house.Recorder.Acknowledgements.Count == 1);
        var told = house.Recorder.Acknowledgements[0];
        (told.Identity, told.ClientId, told.Code).ShouldBe(("anyone", "r", ReasonCode.Success));
        (told.Message.Topic, told.Message.QoS, told.Message.Payload.Span[0]).ShouldBe(("t", QoS.AtLeastOnce, (byte)'1'));
        told.Message.CorrelationData!.Value.ToArray().ShouldBe([7]);
        told.Message.UserProperties.ShouldBe([new("k", "v")]);
    }

    [Fact]
    public async Task Qos_2_is_reported_at_pubcomp_and_once()
    {
        await using var house = await StartAsync();
        using var raw = await SubscribedAsync(house);
        await house.Broker.PublishAsync(Text("t", QoS.ExactlyOnce), TestContext.Current.CancellationToken);
        (await raw.ReadAsync()).ShouldStartWith("34");
        await raw.SendAsync("50 02 0001");
        await raw.ExpectAsync("62 02 0001");
        house.Recorder.Acknowledgements.ShouldBeEmpty();

        await raw.SendAsync("70 02 0001 70 02 0001 C0 00");

        await raw.ExpectAsync("D0 00");
        house.Recorder.Acknowledgements.Single().Message.QoS.ShouldBe(QoS.ExactlyOnce);
    }

    [Theory]
    [InlineData(QoS.AtLeastOnce, "40 03 0001 97")]
    [InlineData(QoS.ExactlyOnce, "50 03 0001 97")]
    public async Task A_refusal_is_reported_with_its_code_and_frees_the_identifier(QoS qos, string refusal)
    {
        await using var house = await StartAsync();
        using var raw = await SubscribedAsync(house);
        await house.Broker.PublishAsync(Text("t", qos), TestContext.Current.CancellationToken);
        await raw.ReadAsync();

        await raw.SendAsync(refusal + " C0 00");

        await raw.ExpectAsync("D0 00");
        house.Recorder.Acknowledgements.Single().Code.ShouldBe(ReasonCode.QuotaExceeded);
        house.Broker.Sessions().Single().InFlight.ShouldBe(0);
    }

    [Fact]
    public async Task Other_topics_and_qos_0_are_not_reported()
    {
        await using var house = await StartAsync();
        using var raw = await SubscribedAsync(house);
        await house.Broker.PublishAsync(Text("u", QoS.AtLeastOnce), TestContext.Current.CancellationToken);
        await house.Broker.PublishAsync(Text("t", QoS.AtMostOnce), TestContext.Current.CancellationToken);
        await raw.ReadAsync();
        await raw.ReadAsync();

        await raw.SendAsync("40 02 0001 C0 00");

        await raw.ExpectAsync("D0 00");
        house.Recorder.Acknowledgements.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_message_sent_before_a_restart_is_reported_when_it_is_acknowledged_after_it()
    {
        const string lasting = "10 13 'MQTT' 05 00 00 3C 05 11 00000100 'r'";
        var directory = Directory.CreateTempSubdirectory("mqtt-acks").FullName;
        try
        {
            await using (var house = await StartAsync(SqliteSessionStore.Open(Path.Combine(directory, "sessions.db"))))
            {
                using var raw = await SubscribedAsync(house, connect: lasting);
                await house.Broker.PublishAsync(Text("t", QoS.AtLeastOnce), TestContext.Current.CancellationToken);
                (await raw.ReadAsync()).ShouldStartWith("32");
                raw.Crash();
            }

            await using var again = await StartAsync(SqliteSessionStore.Open(Path.Combine(directory, "sessions.db")));
            using var back = await RawClient.OpenAsync(again.Port, lasting);
            (await back.ReadAsync()).ShouldStartWith("3A");
            await back.SendAsync("40 02 0001");
            await Until.TrueAsync(() => again.Recorder.Acknowledgements.Count == 1);
            again.Recorder.Acknowledgements[0].Message.CorrelationData!.Value.ToArray().ShouldBe([7]);
        }
        finally
        {
            Directory.Delete(directory, true);
        }
    }
}
