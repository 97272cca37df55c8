using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Client;

/// <summary>Unfinished exchanges of a client over the end of its process, SIGKILL included.</summary>
public sealed class InFlightStoreSpecs : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("mqtt-inflight").FullName;
    private readonly List<Process> started = [];

    private string File => Path.Combine(directory, "inflight.db");

    public void Dispose()
    {
        foreach (var process in started)
        {
            process.Kill();
            process.Dispose();
        }

        Directory.Delete(directory, true);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_a_killed_process_had_not_seen_answered_is_sent_by_the_next_in_order(int qos)
    {
        await using var house = await TestBroker.StartAsync();
        await using var cable = await Cable.StartAsync(house.Port);
        var inbox = await SubscribeAsync(house);
        var first = await StartAsync(cable.Port, qos, "a", 20);
        cable.SwallowsToBroker = true;
        await first.StandardInput.WriteLineAsync("go");
        (await LineAsync(first)).ShouldBe("held");
        first.Kill();
        await first.WaitForExitAsync(TestContext.Current.CancellationToken);
        cable.Cut();
        cable.SwallowsToBroker = false;
        inbox.Count.ShouldBe(0);

        var second = await StartAsync(cable.Port, qos, "b", 1, 20);
        for (var i = 0; i < 20; i++) (await inbox.NextTextAsync()).ShouldBe($"a-{i}");
        second.StandardInput.Close();
        await second.WaitForExitAsync(TestContext.Current.CancellationToken);
        inbox.Count.ShouldBe(0);
        (await StartAsync(cable.Port, qos, "c", 1, 0)).StandardInput.Close();
    }

    [Fact]
    public async Task Qos_2_is_exactly_once_and_in_order_over_kills_of_the_publishing_process()
    {
        var kills = Environment.GetEnvironmentVariable("SIGNET_FULL") == "1" ? 50 : 4;
        await using var house = await TestBroker.StartAsync();
        await using var subscriber = await house.ConnectAsync("s", o => o with { ReceiveQueue = 1_000_000 });
        await subscriber.SubscribeAsync([new TopicSubscription("kept", QoS.ExactlyOnce)], cancellationToken: TestContext.Current.CancellationToken);
        var received = new ConcurrentQueue<(int Generation, int Number)>();
        var reading = Task.Run(async () =>
        {
            await foreach (var m in subscriber.ReadMessagesAsync()) received.Enqueue(Parse(Encoding.UTF8.GetString(m.Payload.Span)));
        }, TestContext.Current.CancellationToken);

        for (var kill = 0; kill <= kills; kill++)
        {
            var process = await StartAsync(house.Port, 2, $"{kill}", int.MaxValue, -1);
            if (kill == kills) break;
            await process.StandardInput.WriteLineAsync("go");
            var enough = received.Count + 50 + (kill * 37 % 100);
            await Until.TrueAsync(() => received.Count >= enough);
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        await subscriber.DisconnectAsync();
        await reading;
        foreach (var generation in received.GroupBy(r => r.Generation)) generation.Select(r => r.Number).ShouldBe(Enumerable.Range(0, generation.Count()), $"generation {generation.Key}");
        received.Select(r => r.Generation).Distinct().Count().ShouldBe(kills);
    }

    [Fact]
    public async Task A_qos_2_message_the_program_was_done_with_is_not_given_to_the_next_process()
    {
        await using var house = await TestBroker.StartAsync();
        await using var cable = await Cable.StartAsync(house.Port);
        await using var publisher = await house.ConnectAsync();
        await using (var store = InFlightStore.Open(File))
        {
            var reader = await MqttClient.ConnectAsync(Kept(cable.Port, store), TestContext.Current.CancellationToken);
            await reader.SubscribeAsync([new TopicSubscription("t", QoS.ExactlyOnce)], cancellationToken: TestContext.Current.CancellationToken);
            var done = 0;
            var reading = Task.Run(async () =>
            {
                await foreach (var _ in reader.ReadMessagesAsync(TestContext.Current.CancellationToken)) Interlocked.Increment(ref done);
            }, TestContext.Current.CancellationToken);
            cable.SwallowsToBroker = true; // PUBREC never arrives, nor does the goodbye
            await publisher.PublishAsync(new() { Topic = "t", QoS = QoS.ExactlyOnce, Payload = "one"u8.ToArray() }, TestContext.Current.CancellationToken);
            await Until.TrueAsync(() => Volatile.Read(ref done) == 1);
            await Until.TrueAsync(() => store.Load("kept").Received.Count == 1);
            await reader.DisconnectAsync();
            await reading;
        }

        cable.Cut();
        cable.SwallowsToBroker = false;
        await using var again = InFlightStore.Open(File);
        await using var next = await MqttClient.ConnectAsync(Kept(cable.Port, again), TestContext.Current.CancellationToken);
        next.SessionPresent.ShouldBeTrue();
        var inbox = Inbox.Of(next);
        await publisher.PublishAsync(new() { Topic = "t", QoS = QoS.ExactlyOnce, Payload = "two"u8.ToArray() }, TestContext.Current.CancellationToken);
        (await inbox.NextTextAsync()).ShouldBe("two");
        await Until.TrueAsync(() => again.Load("kept").Received.Count == 0, "the identifiers are free again when PUBREL came");
    }

    [Fact]
    public async Task Who_subscribes_again_takes_no_identifier_that_a_kept_message_has()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        await using var store = InFlightStore.Open(File);
        foreach (var id in (ushort[])[1, 2, 65_534, 65_535])
            await store.WriteAsync(new InFlightChange.Saved("kept", new KeptMessage(id, id, new() { Topic = "t", QoS = QoS.AtLeastOnce, Payload = new byte[] { 1 } }, null, false)));
        var options = Kept(((System.Net.IPEndPoint)listener.LocalEndpoint).Port, store) with { Reconnect = new ReconnectOptions { First = TimeSpan.FromMilliseconds(10) } };
        var connecting = MqttClient.ConnectAsync(options, TestContext.Current.CancellationToken);
        using (var first = RawClient.Of(await listener.AcceptSocketAsync(TestContext.Current.CancellationToken)))
        {
            (await first.ReadAsync()).ShouldStartWith("10");
            await first.SendAsync("20 03 01 00 00"); // session present
            for (var i = 0; i < 4; i++) (await first.ReadAsync()).ShouldStartWith("3A");
            var subscribing = (await connecting).SubscribeAsync("a");
            var asked = await first.ReadAsync();
            asked.ShouldStartWith("82");
            await first.SendAsync($"90 04 {asked.Substring(4, 4)} 00 01");
            await subscribing;
        }

        await using var client = await connecting;
        using var second = RawClient.Of(await listener.AcceptSocketAsync(TestContext.Current.CancellationToken));
        (await second.ReadAsync()).ShouldStartWith("10");
        await second.SendAsync("20 03 00 00 00"); // the session is lost
        var again = await second.ReadAsync();
        again.ShouldStartWith("82");
        var kept = new List<string>();
        for (var i = 0; i < 4; i++) kept.Add((await second.ReadAsync()).Substring(10, 4));
        kept.ShouldBe(["0001", "0002", "FFFE", "FFFF"]);
        kept.ShouldNotContain(again.Substring(4, 4));
        await second.SendAsync($"90 04 {again.Substring(4, 4)} 00 01");
        await second.SendAsync(string.Concat(kept.Select(id => $"40 02 {id}")));
        await Until.TrueAsync(() => client.UnacknowledgedCount == 0);
    }

    [Fact]
    public async Task What_cannot_be_kept_is_not_sent_and_a_session_that_ends_with_the_connection_is_refused()
    {
        await using var house = await TestBroker.StartAsync();
        var inbox = await SubscribeAsync(house);
        var store = InFlightStore.Open(File);
        await using var client = await MqttClient.ConnectAsync(Kept(house.Port, store), TestContext.Current.CancellationToken);
        await store.DisposeAsync();
        (await Should.ThrowAsync<MqttException>(() => client.PublishAsync(new() { Topic = "kept", QoS = QoS.AtLeastOnce }))).Message.ShouldContain("could not be kept");
        (await inbox.IsQuietAsync()).ShouldBeTrue();
        (await Should.ThrowAsync<ArgumentException>(() => MqttClient.ConnectAsync(Kept(house.Port, store) with { CleanStart = true }))).Message.ShouldContain("CleanStart");
    }

    private static async Task<Inbox> SubscribeAsync(TestBroker house)
    {
        var subscriber = await house.ConnectAsync();
        await subscriber.SubscribeAsync([new TopicSubscription("kept", QoS.ExactlyOnce)]);
        return Inbox.Of(subscriber);
    }

    private static MqttClientOptions Kept(int port, InFlightStore store) =>
        new() { Host = "127.0.0.1", Port = port, ClientId = "kept", CleanStart = false, SessionExpiry = TimeSpan.FromHours(1), InFlight = store, Reconnect = null };

    private static (int Generation, int Number) Parse(string text) => text.Split('-') is [var generation, var number]
        ? (int.Parse(generation, CultureInfo.InvariantCulture), int.Parse(number, CultureInfo.InvariantCulture))
        : throw new FormatException(text);

    /// <summary>Starts the client and waits until what was left is settled; <paramref name="resumed"/> -1: any number.</summary>
    private async Task<Process> StartAsync(int port, int qos, string name, int count, int resumed = 0)
    {
        var process = Process.Start(new ProcessStartInfo("dotnet",
            [Path.Combine(AppContext.BaseDirectory, "Signet.Bench.dll"), "keep", "--port", $"{port}", "--store", File, "--qos", $"{qos}", "--name", name, "--count", count.ToString(CultureInfo.InvariantCulture)])
        {
            UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardInput = true,
        })!;
        started.Add(process);
        var line = await LineAsync(process);
        if (resumed >= 0) line.ShouldBe($"resumed {resumed}");
        (await LineAsync(process)).ShouldBe("settled");
        return process;
    }

    private static async Task<string> LineAsync(Process process) => await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)) ?? throw new InvalidOperationException("the process ended");
}
