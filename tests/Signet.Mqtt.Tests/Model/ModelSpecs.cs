using System.Text;
using Signet.Mqtt.Broker.Storage;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Model;

/// <summary>Random operations on the real broker over real connections, compared with <see cref="BrokerModel"/>; in memory, and on SQLite with restarts in between.</summary>
public sealed class ModelSpecs : IDisposable
{
    private const int Clients = 4;
    private static readonly string[] Topics = ["a", "a/b", "a/b/c", "b", "b/c", "$x/a", "a//c"];
    private static readonly string[] Filters = ["#", "+", "a/#", "a/+", "a/b", "+/b/c", "+/+", "$x/#", "b/c", "a/+/c", "b/#"];
    private readonly string directory = Directory.CreateTempSubdirectory("mqtt-model").FullName;
    private readonly MqttClient?[] real = new MqttClient?[Clients];
    private readonly Inbox?[] inboxes = new Inbox?[Clients];
    private readonly BrokerModel model = new(Clients);
    private readonly List<string> story = [];
    private TestBroker house = null!;
    private int sync;

    public void Dispose() => Directory.Delete(directory, true);

    [Theory]
    [InlineData(false, MqttVersion.V5), InlineData(false, MqttVersion.V311), InlineData(true, MqttVersion.V5), InlineData(true, MqttVersion.V311)]
    public async Task Random_operations_do_what_the_model_says(bool durable, MqttVersion version)
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        house = await StartAsync(durable);
        try
        {
            for (var step = 0; step < 400; step++)
            {
                await StepAsync(random, durable, version);
                if (step % 5 == 0) await CompareAsync();
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new InvalidOperationException($"random seed {seed}\n" + string.Join('\n', story.TakeLast(60)), e);
        }
        finally
        {
            foreach (var client in real)
            {
                if (client is not null) await client.DisposeAsync();
            }

            await house.DisposeAsync();
        }
    }

    private Task<TestBroker> StartAsync(bool durable) => TestBroker.StartAsync(store: durable ? SqliteSessionStore.Open(Path.Combine(directory, "s.db")) : null);

    private async Task StepAsync(Random random, bool durable, MqttVersion version)
    {
        var i = random.Next(Clients);
        var topic = Topics[random.Next(Topics.Length)];
        var filter = Filters[random.Next(Filters.Length)];
        var qos = (QoS)random.Next(3);
        switch (random.Next(durable ? 11 : 10))
        {
            case 0 when real[i] is null:
                var clean = random.Next(4) == 0;
                story.Add($"{i} connects, clean {clean}");
                real[i] = await house.ConnectAsync($"c{i}", o => o with { CleanStart = clean, SessionExpiry = TimeSpan.FromHours(1), Version = version });
                if (clean && version == MqttVersion.V311) await ReconnectLastingAsync(i); // 3.1.1: a clean session would end with its connection
                inboxes[i] = Inbox.Of(real[i]!);
                model.Connect(i, clean);
                await real[i]!.SubscribeAsync([new TopicSubscription($"sync/{i}", QoS.AtLeastOnce)]);
                break;
            case 1 when real[i] is not null && random.Next(3) == 0:
                await CompareAsync();
                story.Add($"{i} leaves");
                await real[i]!.DisconnectAsync();
                await Until.TrueAsync(() => house.Broker.Sessions().Single(s => s.ClientId == $"c{i}").Connected == false);
                real[i] = null;
                model.Disconnect(i);
                break;
            case 2 or 3 when real[i] is not null:
                var asPublished = version == MqttVersion.V5 && random.Next(2) == 0;
                story.Add($"{i} subscribes {filter} {qos} {asPublished}");
                await real[i]!.SubscribeAsync([new TopicSubscription(filter, qos) { RetainAsPublished = asPublished }]);
                model.Subscribe(i, filter, qos, asPublished);
                break;
            case 4 when real[i] is not null:
                story.Add($"{i} unsubscribes {filter}");
                await real[i]!.UnsubscribeAsync([filter]);
                model.Unsubscribe(i, filter);
                break;
            case 10 when random.Next(4) == 0:
                await CompareAsync();
                story.Add("the broker restarts");
                for (var c = 0; c < Clients; c++)
                {
                    if (real[c] is not null) await real[c]!.DisposeAsync();
                    real[c] = null;
                    model.Disconnect(c);
                }

                await house.DisposeAsync();
                house = await StartAsync(true);
                break;
            default:
                var text = random.Next(6) == 0 ? "" : $"{story.Count}";
                var retain = random.Next(4) == 0;
                story.Add($"publish {topic} '{text}' {qos} retain {retain}");
                var publisher = real[i];
                var message = new MqttMessage { Topic = topic, Payload = Encoding.UTF8.GetBytes(text), QoS = qos, Retain = retain };
                if (publisher is null || qos == QoS.AtMostOnce) await house.Broker.PublishAsync(message);
                else await publisher.PublishAsync(message);
                model.Publish(topic, text, qos, retain);
                break;
        }
    }

    private async Task ReconnectLastingAsync(int i)
    {
        await real[i]!.DisposeAsync();
        await Until.TrueAsync(() => house.Broker.Sessions().All(s => s.ClientId != $"c{i}"));
        real[i] = await house.ConnectAsync($"c{i}", o => o with { CleanStart = false, SessionExpiry = TimeSpan.FromHours(1), Version = MqttVersion.V311 });
    }

    /// <summary>A message of its own to each client comes after everything before it; then what came must be what was due.</summary>
    private async Task CompareAsync()
    {
        for (var i = 0; i < Clients; i++)
        {
            if (real[i] is null) continue;
            var mark = $"mark {++sync}";
            await house.Broker.PublishAsync(new MqttMessage { Topic = $"sync/{i}", Payload = Encoding.UTF8.GetBytes(mark), QoS = QoS.AtLeastOnce });
            var got = new List<Expected>();
            while (true)
            {
                var m = await inboxes[i]!.NextAsync();
                var text = Encoding.UTF8.GetString(m.Payload.Span);
                if (text == mark) break;
                if (!m.Topic.StartsWith("sync/", StringComparison.Ordinal)) got.Add(new Expected(m.Topic, text, m.QoS, m.Retain));
            }

            got.Select(g => g.ToString()).Order().ShouldBe(model.Clients[i].Due.Select(d => d.ToString()).Order(), $"client {i}");
            model.Clients[i].Due.Clear();
        }

        // A client that goes with an acknowledgement on its way is sent the message again, and a new client object cannot know it: both are right, and not what is compared here.
        await Until.TrueAsync(() => house.Broker.Sessions().All(s => !s.Connected || s.InFlight == 0));
    }
}
