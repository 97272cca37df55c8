using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Broker.Transport;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Transport;

/// <summary>The listener's own event loop (Linux), and the platform's where it is not used.</summary>
public sealed class PollerSpecs
{
    [Fact]
    public async Task A_signal_that_came_before_the_wait_is_not_lost_and_one_that_was_taken_is()
    {
        var signal = new ReadySignal();
        signal.Set(true);
        signal.Set(true);
        (await signal.WaitAsync()).ShouldBeTrue();
        var next = signal.WaitAsync();
        next.IsCompleted.ShouldBeFalse();
        signal.Set(true);
        (await next).ShouldBeTrue();
    }

    [Fact]
    public async Task Old_news_of_a_socket_does_not_end_a_wait()
    {
        using var pair = new Pair();
        var (socket, _) = pair.OnOnePoller();
        socket.OnEvent(canRead: true, canWrite: true, isHungUp: false); // what it tells of was read before anybody waited
        var nothing = socket.ReadAsync(Memory<byte>.Empty, TestContext.Current.CancellationToken);
        nothing.IsCompleted.ShouldBeFalse("TLS would rent its buffer now and wait holding it");
        pair.Feed(socket);
        (await nothing).ShouldBe(0);
        (await socket.ReadAsync(new byte[10], TestContext.Current.CancellationToken)).ShouldBe(1);

        socket.OnEvent(canRead: true, canWrite: true, isHungUp: false);
        var readable = socket.WhenReadable();
        readable.IsCompleted.ShouldBeFalse("the reader would rent a buffer now and wait holding it");
        pair.Feed(socket);
        (await readable).ShouldBeTrue();
    }

    [Fact]
    public async Task Giving_up_a_wait_never_runs_the_waiter_on_the_callers_thread()
    {
        var signal = new ReadySignal { RunsInline = true };
        using var over = new ManualResetEventSlim();
        var waiting = WaitAsync();
        signal.Set(false); // would not return before the waiter had run, and the waiter waits for us
        over.Set();
        (await waiting).ShouldBeFalse();

        async Task<bool> WaitAsync()
        {
            var answer = await signal.WaitAsync();
            over.Wait(TimeSpan.FromSeconds(20)).ShouldBeTrue("the waiter ran on the thread that gave the wait up");
            return answer;
        }
    }

    [Fact]
    public async Task Messages_are_handled_on_the_loops_thread_and_authentication_is_not()
    {
        await using var house = await TestBroker.StartAsync();
        var (authentication, publish) = ("", "");
        var isPool = false;
        house.Policy.OnConnect = _ =>
        {
            (authentication, isPool) = (Thread.CurrentThread.Name ?? "", Thread.CurrentThread.IsThreadPoolThread);
            return ConnectDecision.Accept("anyone");
        };
        house.Policy.OnPublish = _ =>
        {
            publish = Thread.CurrentThread.Name ?? "";
            return PolicyDecision.Allow;
        };
        await using var client = await house.ConnectAsync();
        await Task.Delay(1, TestContext.Current.CancellationToken);
        await client.PublishAsync(new() { Topic = "a", QoS = QoS.AtLeastOnce }, TestContext.Current.CancellationToken);
        await client.PublishAsync(new() { Topic = "b", QoS = QoS.AtLeastOnce }, TestContext.Current.CancellationToken);
        publish.ShouldStartWith("mqtt ");
        isPool.ShouldBeTrue(authentication);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Small_and_large_messages_arrive_whole_and_in_order(bool ownLoop, bool tls)
    {
        using var certificates = new TestCertificates();
        var server = SslStreamCertificateContext.Create(certificates.Issue("broker"), null, offline: true);
        await using var house = await TestBroker.StartAsync(listen: o => o with
        {
            OwnLoop = ownLoop, Tls = tls ? () => new SslServerAuthenticationOptions { ServerCertificateContext = server } : null,
        });
        var options = house.ClientOptions() with { Host = "localhost", Tls = tls ? () => new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = Trust(certificates.Root) } : null };
        await using var reader = await MqttClient.ConnectAsync(options, TestContext.Current.CancellationToken);
        await using var writer = await MqttClient.ConnectAsync(options, TestContext.Current.CancellationToken);
        await reader.SubscribeAsync([new TopicSubscription("t", QoS.AtLeastOnce)], cancellationToken: TestContext.Current.CancellationToken);
        var inbox = Inbox.Of(reader);
        int[] sizes = [0, 1, 100, 1023, 4096, 16_383, 16_384, 16_385, 40_000, 200_000, 3, 120_000, 5];
        var sent = sizes.Select((size, i) => writer.PublishAsync(new() { Topic = "t", QoS = QoS.AtLeastOnce, Payload = Enumerable.Repeat((byte)i, size).ToArray() }, TestContext.Current.CancellationToken)).ToList();
        await Task.WhenAll(sent);
        for (var i = 0; i < sizes.Length; i++)
        {
            var payload = (await inbox.NextAsync()).Payload;
            payload.Length.ShouldBe(sizes[i]);
            payload.Span.IndexOfAnyExcept((byte)i).ShouldBe(-1);
        }
    }

    [Fact]
    public async Task One_that_always_has_something_lets_the_others_have_their_turn()
    {
        using var pair = new Pair();
        var (busy, quiet) = pair.OnOnePoller();
        var turns = 0;
        var quietCameAt = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        const int Bytes = 200_000;
        var reading = ReadOneByOneAsync();
        var waiting = WaitAsync();
        await pair.FeedAsync(busy, new byte[Bytes]);
        await reading;
        await waiting;
        (await quietCameAt.Task).ShouldBeLessThan(Bytes);

        async Task ReadOneByOneAsync()
        {
            var one = new byte[1];
            while (turns < Bytes)
            {
                (await busy.WhenReadable()).ShouldBeTrue();
                if (await busy.ReadAsync(one) == 0) break;
                if (++turns == 100) pair.Feed(quiet);
            }
        }

        async Task WaitAsync()
        {
            await quiet.WhenReadable();
            quietCameAt.SetResult(turns);
        }
    }

    private static X509ChainPolicy Trust(X509Certificate2 root) => new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { root }, RevocationMode = X509RevocationMode.NoCheck };

    /// <summary>Connected sockets, of which two are waited for by the same thread.</summary>
    private sealed class Pair : IDisposable
    {
        private readonly Socket listening = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly Dictionary<PolledSocket, Socket> others = [];
        private readonly List<Socket> all = [];

        public Pair()
        {
            listening.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listening.Listen();
        }

        public (PolledSocket, PolledSocket) OnOnePoller()
        {
            var first = Connect();
            while (true)
            {
                var next = Connect();
                if (next.Poller == first.Poller) return (first, next);
            }
        }

        public Task<int> FeedAsync(PolledSocket socket, byte[] bytes) => others[socket].SendAsync(bytes).WaitAsync(TimeSpan.FromSeconds(60));

        public void Feed(PolledSocket socket) => others[socket].Send([1]);

        public void Dispose()
        {
            foreach (var socket in others.Keys) socket.Dispose();
            foreach (var socket in all) socket.Dispose();
            listening.Dispose();
        }

        private PolledSocket Connect()
        {
            var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(listening.LocalEndPoint!);
            var accepted = listening.Accept();
            var polled = new PolledSocket(accepted) { RunsInline = true };
            others[polled] = client;
            all.AddRange([client, accepted]);
            return polled;
        }
    }
}
