using System.Globalization;
using System.Text;
using Signet.Mqtt;
using Signet.Mqtt.Client;

namespace Signet.Bench;

/// <summary>
/// A client whose unfinished messages outlive it, for tests that kill it. Says <c>resumed N</c>, then <c>settled</c> when the broker answered those; after a line on standard input publishes
/// <c>NAME-0, NAME-1 ...</c> with 50 on their way at once, and says <c>held</c> when <c>--count</c> of them are kept and unanswered. Ends with standard input.
/// </summary>
internal static class KeptClient
{
    public static async Task<int> RunAsync(Arguments args)
    {
        await using var store = InFlightStore.Open(args.Text("store")!);
        await using var client = await MqttClient.ConnectAsync(new MqttClientOptions
        {
            Host = "127.0.0.1", Port = args.Number("port", 1883), ClientId = "kept", CleanStart = false, SessionExpiry = TimeSpan.FromHours(1), InFlight = store,
        });
        Console.WriteLine($"resumed {client.Resumed.Count}");
        await Task.WhenAll(client.Resumed.Select(one => one.Result));
        Console.WriteLine("settled");
        if (await Console.In.ReadLineAsync() is null) return 0;
        var (count, qos) = (args.Number("count", int.MaxValue), (QoS)args.Number("qos", 2));
        using var window = new SemaphoreSlim(50);
        for (var i = 0; i < count; i++)
        {
            await window.WaitAsync();
            _ = PublishAsync(client, string.Create(CultureInfo.InvariantCulture, $"{args.Text("name")}-{i}"), qos, window);
        }

        while (client.UnacknowledgedCount < count) await Task.Delay(5);
        Console.WriteLine("held");
        await Console.In.ReadLineAsync();
        return 0;
    }

    private static async Task PublishAsync(MqttClient client, string text, QoS qos, SemaphoreSlim window)
    {
        await client.PublishAsync(new MqttMessage { Topic = "kept", Payload = Encoding.UTF8.GetBytes(text), QoS = qos });
        window.Release();
    }
}
