using System.Text;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Client;

/// <summary>A reader that takes all messages that are there at once: in what order, how many, and when the broker hears that it is done with them.</summary>
public sealed class BatchSpecs
{
    private static MqttMessage Text(string text, QoS qos) => new() { Topic = "t", Payload = Encoding.UTF8.GetBytes(text), QoS = qos };

    private static string[] TextsOf(IReadOnlyList<MqttMessage> batch) => [.. batch.Select(m => Encoding.UTF8.GetString(m.Payload.Span))];

    private static async Task<MqttClient> SubscribedAsync(TestBroker house, QoS qos)
    {
        var client = await house.ConnectAsync("c", o => o with { CleanStart = false, SessionExpiry = TimeSpan.FromHours(1) });
        if (!client.SessionPresent) await client.SubscribeAsync([new TopicSubscription("t", qos)]);
        return client;
    }

    private static async Task SayAsync(TestBroker house, QoS qos, int count)
    {
        await using var speaker = await house.ConnectAsync("speaker");
        for (var i = 1; i <= count; i++) await speaker.PublishAsync(Text($"{i}", qos));
    }

    /// <summary>The client has them all: an answer to it comes behind them.</summary>
    private static async Task HasThemAsync(TestBroker house, MqttClient client, int count)
    {
        await Until.TrueAsync(() => InFlight(house) == count);
        await client.SubscribeAsync("nothing");
    }

    private static int InFlight(TestBroker house) => house.Broker.Sessions().Single(s => s.ClientId == "c").InFlight;

    [Theory, InlineData(QoS.AtLeastOnce), InlineData(QoS.ExactlyOnce)]
    public async Task Batches_are_in_order_no_larger_than_asked_and_acknowledged_together_when_the_reader_comes_back(QoS qos)
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await SubscribedAsync(house, qos);
        await SayAsync(house, qos, 5);
        await HasThemAsync(house, client, 5);
        await using var batches = client.ReadBatchesAsync(3).GetAsyncEnumerator();

        (await batches.MoveNextAsync()).ShouldBeTrue();
        TextsOf(batches.Current).ShouldBe(["1", "2", "3"]);
        await Task.Delay(100);
        InFlight(house).ShouldBe(5, "the reader has them in hand: nothing is acknowledged");

        (await batches.MoveNextAsync()).ShouldBeTrue();
        TextsOf(batches.Current).ShouldBe(["4", "5"]);
        await Until.TrueAsync(() => InFlight(house) == 2, "the first three and no more");

        var waiting = batches.MoveNextAsync().AsTask();
        await Until.TrueAsync(() => InFlight(house) == 0, "asking for more is enough, also when there is nothing more");
        await SayAsync(house, qos, 1);
        (await waiting).ShouldBeTrue();
        TextsOf(batches.Current).ShouldBe(["1"]);
    }

    [Theory, InlineData(QoS.AtLeastOnce), InlineData(QoS.ExactlyOnce)]
    public async Task A_reader_that_fails_in_the_middle_of_a_batch_has_had_nothing_of_it_and_all_of_the_one_before(QoS qos)
    {
        await using var house = await TestBroker.StartAsync();
        await using (var client = await SubscribedAsync(house, qos))
        {
            await SayAsync(house, qos, 5);
            await HasThemAsync(house, client, 5);
            var handled = new List<string>();
            await Should.ThrowAsync<InvalidDataException>(async () =>
            {
                await foreach (var batch in client.ReadBatchesAsync(2))
                    foreach (var text in TextsOf(batch))
                    {
                        if (text == "4") throw new InvalidDataException();
                        handled.Add(text);
                    }
            });
            handled.ShouldBe(["1", "2", "3"]);
            await Until.TrueAsync(() => InFlight(house) == 3, "the first batch is done with");
            await Task.Delay(100);
            InFlight(house).ShouldBe(3, "3 was handled, but its batch was not");
        }

        await using var back = await SubscribedAsync(house, qos);
        back.SessionPresent.ShouldBeTrue();
        var again = new List<string>();
        await foreach (var batch in back.ReadBatchesAsync(2))
        {
            again.AddRange(TextsOf(batch));
            if (again.Count == 3) break;
        }

        again.ShouldBe(["3", "4", "5"]);
    }

    [Fact]
    public async Task A_batch_of_none_is_not_asked_for()
    {
        await using var house = await TestBroker.StartAsync();
        await using var client = await house.ConnectAsync("c");
        Should.Throw<ArgumentOutOfRangeException>(() => client.ReadBatchesAsync(0));
    }
}
