using System.Text;
using Signet.Mqtt.Broker.Storage;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Storage;

/// <summary>What a restart brings back.</summary>
public sealed class DurableSpecs : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("mqtt-store").FullName;

    public void Dispose() => Directory.Delete(directory, true);

    private static MqttMessage Text(string topic, string text, QoS qos = QoS.AtLeastOnce, bool retain = false) => new() { Topic = topic, Payload = Encoding.UTF8.GetBytes(text), QoS = qos, Retain = retain };

    private static MqttClientOptions Lasting(MqttClientOptions o) => o with { CleanStart = false, SessionExpiry = TimeSpan.FromHours(1) };

    private Task<TestBroker> StartAsync() => TestBroker.StartAsync(store: SqliteSessionStore.Open(Path.Combine(directory, "sessions.db")));

    [Fact]
    public async Task Sessions_subscriptions_queues_and_retained_messages_survive_a_restart()
    {
        await using (var house = await StartAsync())
        {
            await using (var client = await house.ConnectAsync("c", Lasting)) await client.SubscribeAsync([new TopicSubscription("t/#", QoS.ExactlyOnce)], 7, TestContext.Current.CancellationToken);
            await using var publisher = await house.ConnectAsync("p");
            await publisher.PublishAsync(Text("t/1", "one") with { UserProperties = [new("k", "v")], MessageExpiry = TimeSpan.FromHours(1) }, TestContext.Current.CancellationToken);
            await publisher.PublishAsync(Text("t/2", "two", QoS.ExactlyOnce), TestContext.Current.CancellationToken);
            await publisher.PublishAsync(Text("kept", "retained", retain: true), TestContext.Current.CancellationToken);
            await publisher.PublishAsync(Text("gone", "retained", retain: true), TestContext.Current.CancellationToken);
            await publisher.PublishAsync(Text("gone", "", retain: true), TestContext.Current.CancellationToken);
        }

        await using var again = await StartAsync();
        again.Broker.Counters.RetainedMessages.ShouldBe(1);
        again.Broker.Sessions().Single().QueuedMessages.ShouldBe(2);
        await using var back = await again.ConnectAsync("c", Lasting);
        back.SessionPresent.ShouldBeTrue();
        var inbox = Inbox.Of(back);
        var first = await inbox.NextAsync();
        first.UserProperties.ShouldBe([new("k", "v")]);
        first.SubscriptionIdentifiers.ShouldBe([7]);
        first.MessageExpiry!.Value.ShouldBeInRange(TimeSpan.FromMinutes(59), TimeSpan.FromHours(1));
        (await inbox.NextTextAsync()).ShouldBe("two");
        await again.Broker.PublishAsync(Text("t/3", "live"), TestContext.Current.CancellationToken);
        (await inbox.NextTextAsync()).ShouldBe("live");
        await back.SubscribeAsync("kept", "gone");
        (await inbox.NextTextAsync()).ShouldBe("retained");
        (await inbox.IsQuietAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task A_session_that_a_clean_start_ended_does_not_come_back_with_the_end_of_its_old_connection()
    {
        await using (var house = await StartAsync())
        {
            using var old = await RawClient.OpenAsync(house.Port, "10 13 'MQTT' 05 00 00 3C 05 11 00000100 'r'");
            using var fresh = await RawClient.OpenAsync(house.Port, RawClient.Connect5);
            (await old.ReadAsync()).ShouldStartWith("E0", Case.Sensitive, "taken over");
            (await old.ReadAsync()).ShouldBe("", "and closed");
            await fresh.SendAsync("E0 00");
            await Until.TrueAsync(() => house.Broker.Sessions().Count == 0);
        }

        await using var again = await StartAsync();
        again.Broker.Sessions().ShouldBeEmpty();
    }

    [Fact]
    public async Task While_the_disk_is_full_nothing_durable_is_acknowledged_and_when_there_is_space_it_goes_on_by_itself()
    {
        await RunAsync("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", directory);
        try
        {
            await using (var house = await StartAsync())
            {
                await using var publisher = await house.ConnectAsync("p");
                await publisher.PublishAsync(Text("kept", "before", retain: true), TestContext.Current.CancellationToken);
                var filler = Path.Combine(directory, "filler");
                using (var file = new FileStream(filler, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
                    try { while (true) file.Write(new byte[4096]); }
                    catch (IOException) { /* full */ }
                await Should.ThrowAsync<Exception>(async () =>
                {
                    for (var i = 0; i < 1_000; i++) await publisher.PublishAsync(Text("kept", new string('x', 4_000) + i, retain: true), TestContext.Current.CancellationToken);
                });
                File.Delete(filler);
                var isBack = false;
                for (var i = 0; i < 100 && !isBack; i++)
                {
                    try
                    {
                        await using var again = await house.ConnectAsync("q");
                        await again.PublishAsync(Text("kept", "after", retain: true), TestContext.Current.CancellationToken);
                        isBack = true;
                    }
                    catch (Exception e) when (e is not OperationCanceledException)
                    {
                        await Task.Delay(200, TestContext.Current.CancellationToken);
                    }
                }
                isBack.ShouldBeTrue();
            }
            await using var later = await StartAsync();
            await using var reader = await later.ConnectAsync("r");
            var inbox = Inbox.Of(reader);
            await reader.SubscribeAsync("kept");
            (await inbox.NextTextAsync()).ShouldBe("after");
        }
        finally
        {
            await RunAsync("umount", "-l", directory);
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(program, arguments) { UseShellExecute = false })!;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.ShouldBe(0, $"{program} needs the right to mount: run the tests as root or in a container that may");
    }

    [Fact]
    public async Task A_retained_message_that_others_acknowledge_stays_in_the_queue_of_who_is_away()
    {
        await using (var house = await StartAsync())
        {
            await using (var away = await house.ConnectAsync("away", Lasting)) await away.SubscribeAsync("kept");
            await house.Broker.PublishAsync(Text("kept", "for both", retain: true), TestContext.Current.CancellationToken);
        }

        await using (var house = await StartAsync())
        {
            // Its copy comes from the retained one, and is acknowledged: the row that waits for the other must stay.
            await using (var here = await house.ConnectAsync("here", Lasting))
            {
                var inbox = Inbox.Of(here);
                await here.SubscribeAsync("kept");
                (await inbox.NextTextAsync()).ShouldBe("for both");
                (await inbox.IsQuietAsync()).ShouldBeTrue();
            }
        }

        await using var again = await StartAsync();
        await using var back = await again.ConnectAsync("away", Lasting);
        (await Inbox.Of(back).NextTextAsync()).ShouldBe("for both");
    }

    [Fact]
    public async Task What_was_acknowledged_or_ended_does_not_come_back()
    {
        await using (var house = await StartAsync())
        {
            await using (var client = await house.ConnectAsync("c", Lasting))
            {
                await client.SubscribeAsync("t");
                var inbox = Inbox.Of(client);
                for (var i = 0; i < 50; i++) await client.PublishAsync(Text("t", $"{i}", (QoS)(1 + (i % 2))), TestContext.Current.CancellationToken);
                for (var i = 0; i < 50; i++) await inbox.NextAsync();
                await Until.TrueAsync(() => house.Broker.Sessions().Single().InFlight == 0);
            }

            await using (var other = await house.ConnectAsync("other", Lasting)) await other.SubscribeAsync("u");
            await using (await house.ConnectAsync("other")) { }
        }

        var store = SqliteSessionStore.Open(Path.Combine(directory, "sessions.db"));
        var state = await store.LoadAsync(TestContext.Current.CancellationToken);
        await store.DisposeAsync();
        state.Sessions.Single().Queue.ShouldBeEmpty();
        state.Sessions.Single().Received.ShouldBeEmpty();
        state.Messages.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_message_in_flight_is_sent_again_under_its_identifier_after_a_restart()
    {
        const string connect = "10 13 'MQTT' 05 00 00 3C 05 11 00000100 'r'";
        await using (var house = await StartAsync())
        {
            using var raw = await RawClient.OpenAsync(house.Port, connect);
            await raw.SendAsync("82 07 0001 00 't' 02");
            await raw.ExpectAsync("90 04 0001 00 02");
            await house.Broker.PublishAsync(Text("t", "1", QoS.ExactlyOnce), TestContext.Current.CancellationToken);
            await house.Broker.PublishAsync(Text("t", "2", QoS.ExactlyOnce), TestContext.Current.CancellationToken);
            await raw.ExpectAsync("34 07 't' 0001 00 31", "34 07 't' 0002 00 32");
            await raw.SendAsync("50 02 0002 34 07 'u' 0009 00 41");
            await raw.ExpectAsync("62 02 0002", "50 03 0009 10");
            raw.Crash();
        }

        await using var again = await StartAsync();
        using var back = await again.RawAsync();
        await back.SendAsync(connect);
        (await back.ReadAsync()).ShouldStartWith("20");
        await back.ExpectAsync("3C 07 't' 0001 00 31", "62 02 0002");
        await back.SendAsync("3C 07 'u' 0009 00 41"); // the broker still knows this identifier: not routed again
        await back.ExpectAsync("50 02 0009");
        again.Broker.Counters.MessagesIn.ShouldBe(1);
    }

    [Fact]
    public async Task A_session_whose_time_passed_while_the_broker_was_down_is_gone()
    {
        await using (var house = await StartAsync())
        {
            await using var client = await house.ConnectAsync("c", o => Lasting(o) with { SessionExpiry = TimeSpan.FromSeconds(1) });
        }

        await Task.Delay(1200, TestContext.Current.CancellationToken);
        await using var again = await StartAsync();
        await Until.TrueAsync(() => again.Broker.Sessions().Count == 0);
    }
}
