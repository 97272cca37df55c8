using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Storage;

/// <summary>
/// The broker in a process of its own, killed with SIGKILL under load, again and again. Afterwards every message that was acknowledged must have arrived,
/// and every QoS 2 message exactly once. 10 times, 100 with SIGNET_FULL=1; SIGNET_KILLS sets any other number.
/// </summary>
public sealed class KillSpecs : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("mqtt-kill").FullName;

    private Process? running;

    public void Dispose()
    {
        running?.Kill();
        running?.Dispose();
        Directory.Delete(directory, true);
    }

    [Fact]
    public async Task No_acknowledged_message_is_lost_and_no_qos_2_message_comes_twice()
    {
        var kills = int.Parse(Environment.GetEnvironmentVariable("SIGNET_KILLS") ?? (Environment.GetEnvironmentVariable("SIGNET_FULL") == "1" ? "100" : "10"), CultureInfo.InvariantCulture);
        var port = FreePort.Next();
        await StartAsync(port);
        MqttClientOptions Options(string id) => new()
        {
            Host = "127.0.0.1", Port = port, ClientId = id, CleanStart = false, SessionExpiry = TimeSpan.FromHours(1), ReceiveQueue = 1_000_000,
            Reconnect = new ReconnectOptions { First = TimeSpan.FromMilliseconds(20), Longest = TimeSpan.FromMilliseconds(100) },
        };
        await using var subscriber = await MqttClient.ConnectAsync(Options("s"), TestContext.Current.CancellationToken);
        await subscriber.SubscribeAsync([new TopicSubscription("t/+", QoS.ExactlyOnce)]);
        var received = new ConcurrentDictionary<string, int>();
        var reading = Task.Run(async () =>
        {
            await foreach (var m in subscriber.ReadMessagesAsync()) received.AddOrUpdate(Encoding.UTF8.GetString(m.Payload.Span), 1, (_, n) => n + 1);
        });

        using var stop = new CancellationTokenSource();
        var acknowledged = new ConcurrentBag<string>();
        var publishers = Enumerable.Range(0, 4).Select(p => Task.Run(async () =>
        {
            await using var client = await MqttClient.ConnectAsync(Options($"p{p}"));
            var qos = p % 2 == 0 ? QoS.AtLeastOnce : QoS.ExactlyOnce;
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var text = $"{(int)qos}-{p}-{i}";
                var result = await client.PublishAsync(new MqttMessage { Topic = $"t/{p}", Payload = Encoding.UTF8.GetBytes(text), QoS = qos });
                if (result.IsAccepted) acknowledged.Add(text);
            }
        })).ToList();

        for (var i = 0; i < kills; i++)
        {
            await Task.Delay(200 + (i * 37 % 300), TestContext.Current.CancellationToken);
            running!.Kill();
            await running.WaitForExitAsync(TestContext.Current.CancellationToken);
            running.Dispose();
            await StartAsync(port);
        }

        await Task.Delay(500, TestContext.Current.CancellationToken);
        await stop.CancelAsync();
        await Task.WhenAll(publishers).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await Until.TrueAsync(() => acknowledged.All(received.ContainsKey), $"{acknowledged.Count(a => !received.ContainsKey(a))} acknowledged messages are lost");
        await Task.Delay(300, TestContext.Current.CancellationToken);
        received.Where(r => r.Key.StartsWith('2') && r.Value > 1).ShouldBeEmpty();
        acknowledged.Count.ShouldBeGreaterThan(kills * 20);
        TestContext.Current.SendDiagnosticMessage($"{kills} kills, {acknowledged.Count} acknowledged, {received.Sum(r => r.Value)} received");
        await subscriber.DisconnectAsync();
        await reading;
    }

    private async Task StartAsync(int port)
    {
        running = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Signet.Bench.dll"), "serve", "--plain", $"{port}", "--data", directory, "--attached"])
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardInput = true,
        })!;
        (await running.StandardOutput.ReadLineAsync())!.ShouldStartWith("listening");
    }
}
