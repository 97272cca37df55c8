using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Agent;
using Signet.Control;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Bench;

/// <summary>
/// From a command to its verified receipt over mutual TLS 1.3, beside a plain request and its answer without any of it on the same broker; one at a time, block by block in one run, everything in
/// this process. First without any durable log (journal and databases in memory), then the whole center with its logs in memory and on the disk: the difference is the fsync.
/// </summary>
internal static class RoundTrip
{
    private const int Block = 100;

    public static async Task<int> RunAsync(Arguments arguments)
    {
        var blocks = arguments.Number("blocks", 20);
        var memory = Directory.CreateDirectory($"/dev/shm/signet-bench-{Environment.ProcessId}").FullName;
        var disk = Directory.CreateTempSubdirectory("signet-bench-").FullName;
        try
        {
            await using var plain = await Plain.StartAsync();
            await using var es256 = await Pipeline.StartAsync(Path.Combine(memory, "es"), rsa: false);
            await using var ps256 = await Pipeline.StartAsync(Path.Combine(memory, "ps"), rsa: true);
            await using var inMemory = await House.StartAsync(Path.Combine(memory, "house"));
            await using var onDisk = await House.StartAsync(Path.Combine(disk, "house"));
            (string Name, Func<Task> Once)[] ways =
            [
                ("plain MQTT 5 over TCP, QoS 1, no security", plain.OnceAsync),
                ("ES256 command and receipt, mutual TLS, device journal in memory", es256.OnceAsync),
                ("PS256 command, ES256 receipt, mutual TLS, device journal in memory", ps256.OnceAsync),
                ("the whole center (PS256), audit log and databases in memory", inMemory.OnceAsync),
                ("the whole center (PS256), audit log and databases on the disk", onDisk.OnceAsync),
            ];
            var times = ways.Select(_ => new List<double>()).ToArray();
            for (var block = -3; block < blocks; block++)
                for (var way = 0; way < ways.Length; way++)
                    for (var i = 0; i < Block; i++)
                    {
                        var began = Stopwatch.GetTimestamp();
                        await ways[way].Once();
                        if (block >= 0) times[way].Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                    }
            foreach (var list in times) list.Sort();
            Console.WriteLine($"{times[0].Count} each, one at a time\n| way | p50 ms | p99 ms | p50 to plain |\n|---|---|---|---|");
            for (var way = 0; way < ways.Length; way++)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {ways[way].Name} | {At(times[way], 0.5):0.000} | {At(times[way], 0.99):0.000} | **{At(times[way], 0.5) / At(times[0], 0.5):0.0}** |"));
            return 0;
        }
        finally
        {
            Directory.Delete(memory, recursive: true);
            Directory.Delete(disk, recursive: true);
        }
    }

    private static double At(List<double> sorted, double share) => sorted[(int)(sorted.Count * share)];

    /// <summary>A request and its answer, as somebody without any of this would have it.</summary>
    private sealed class Plain : IAsyncDisposable
    {
        private MqttBroker _broker = null!;
        private MqttListener _listener = null!;
        private MqttClient _asker = null!, _answerer = null!;
        private IAsyncEnumerator<MqttMessage> _answers = null!;

        public static async Task<Plain> StartAsync()
        {
            var plain = new Plain { _broker = new(new BrokerOptions(), new OpenPolicy(), TimeProvider.System) };
            plain._listener = MqttListener.Start(plain._broker, new ListenerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, 0) });
            MqttClientOptions Options(string id) => new() { Host = "127.0.0.1", Port = plain._listener.EndPoint.Port, ClientId = id };
            plain._asker = await MqttClient.ConnectAsync(Options("asker"));
            plain._answerer = await MqttClient.ConnectAsync(Options("answerer"));
            await plain._asker.SubscribeAsync("signet/door-1/receipt");
            await plain._answerer.SubscribeAsync("signet/door-1/command");
            plain._answers = plain._asker.ReadMessagesAsync().GetAsyncEnumerator();
            _ = plain.AnswerAsync();
            return plain;
        }

        public async Task OnceAsync()
        {
            var sent = _asker.PublishAsync(new() { Topic = "signet/door-1/command", Payload = """{"cmd":"open","args":{}}"""u8.ToArray(), QoS = QoS.AtLeastOnce });
            await _answers.MoveNextAsync();
            await sent;
        }

        private async Task AnswerAsync()
        {
            await foreach (var _ in _answerer.ReadMessagesAsync())
                await _answerer.PublishAsync(new() { Topic = "signet/door-1/receipt", Payload = """{"state":"executed","result":{"open":true}}"""u8.ToArray(), QoS = QoS.AtLeastOnce });
        }

        public async ValueTask DisposeAsync()
        {
            await _asker.DisposeAsync();
            await _answerer.DisposeAsync();
            await _listener.DisposeAsync();
            await _broker.DisposeAsync();
        }
    }

    /// <summary>Sign, send, verify, journal, execute, sign, send, verify: the wire and the device's own code, without the center's records.</summary>
    private sealed class Pipeline : IAsyncDisposable
    {
        private const string Device = "door-1";
        private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
        private readonly OutgoingSequence _sequence = OutgoingSequence.Start(0, TimeProvider.System);
        private MqttBroker _broker = null!;
        private MqttListener _listener = null!;
        private MqttClient _center = null!, _device = null!;
        private IAsyncEnumerator<MqttMessage> _receipts = null!;
        private SigningKey _key = null!;
        private KeyRing _deviceKeys = null!;
        private CommandJournal _journal = null!;

        public static async Task<Pipeline> StartAsync(string directory, bool rsa)
        {
            var one = new Pipeline { _broker = new(new BrokerOptions(), new OpenPolicy(), TimeProvider.System) };
            using var authority = CertificateAuthority.Create(Path.Combine(directory, "pki"), new AuthorityOptions(), TimeProvider.System, one._random);
            var server = authority.Issue(new(CertificateProfile.Broker, "mqtt_broker", ["localhost", "127.0.0.1"]));
            var center = authority.Issue(new(CertificateProfile.Center, "command_center", ["localhost"]));
            var device = authority.Issue(new(CertificateProfile.Device, Device));
            one._listener = MqttListener.Start(one._broker, new ListenerOptions
            {
                EndPoint = new IPEndPoint(IPAddress.Loopback, 0),
                Tls = () => new SslServerAuthenticationOptions { ServerCertificateContext = SslStreamCertificateContext.Create(server.Certificate, [authority.Intermediate], offline: true), EnabledSslProtocols = SslProtocols.Tls13, ClientCertificateRequired = true },
                ValidateClientCertificate = (_, _) => null,
            });
            MqttClientOptions Options(string id, IssuedCertificate own) => new()
            {
                Host = "localhost", Port = one._listener.EndPoint.Port, ClientId = id,
                Tls = () => new() { TargetHost = "localhost", ClientCertificateContext = SslStreamCertificateContext.Create(own.Certificate, [authority.Intermediate], offline: true), RemoteCertificateValidationCallback = (_, found, _, _) => found!.GetRawCertData().AsSpan().SequenceEqual(server.Certificate.RawData) },
            };
            one._center = await MqttClient.ConnectAsync(Options("command_center", center));
            one._device = await MqttClient.ConnectAsync(Options(Device, device));
            await one._center.SubscribeAsync(Topics.Receipt(Device));
            await one._device.SubscribeAsync(Topics.Command(Device));

            using var signer = Signer(rsa);
            var (id, algorithm) = (Thumbprint.Of(signer), rsa ? "PS256" : "ES256");
            one._key = rsa ? SigningKey.Ps256(signer.GetRSAPrivateKey()!, id) : SigningKey.Es256(signer.GetECDsaPrivateKey()!, id);
            one._deviceKeys = KeyRing.Empty.With(PinnedKey.FromCertificate(device.Certificate, Device, "ES256"));
            var identity = new DeviceIdentity(Device, "command_center", KeyRing.Empty.With(PinnedKey.FromCertificate(signer, "command_center", algorithm)),
                SigningKey.Es256(device.Certificate.GetECDsaPrivateKey()!, Thumbprint.Of(device.Certificate)), new HashSet<string> { "open" }, null, false, null, true);
            one._journal = CommandJournal.Open(Path.Combine(directory, "state"));
            var own = OutgoingSequence.Start(one._journal.Epoch, TimeProvider.System);
            one._journal.StartEpoch(own.Epoch, DateTimeOffset.UtcNow.AddMinutes(-1));
            var outbox = new Outbox();
            var handlers = new CommandHandlers().Handle("open", ArgumentSchema.None, _ => CommandOutcome.Done(new JsonObject { ["open"] = true }));
            var receiver = new CommandReceiver(identity, handlers, one._journal, new ReceiptSigner(identity, own, one._journal, TimeProvider.System, one._random), outbox, "", TimeProvider.System, NullLogger.Instance);
            one._receipts = one._center.ReadMessagesAsync().GetAsyncEnumerator();
            _ = one.ServeAsync(receiver, outbox);
            return one;
        }

        public async Task OnceAsync()
        {
            var command = CommandMessage.Sign(new()
            {
                Issuer = "command_center", Audience = Device, Id = MessageId.New(TimeProvider.System, _random), IssuedAt = DateTimeOffset.UtcNow, ExpiresAt = DateTimeOffset.UtcNow.AddSeconds(20), Epoch = _sequence.Epoch,
                Sequence = _sequence.Next(), Topic = Topics.Command(Device), Command = "open", Arguments = [], OriginatorName = "alice", OriginatorRole = "operator",
            }, _key);
            var sent = _center.PublishAsync(new() { Topic = Topics.Command(Device), Payload = command, QoS = QoS.AtLeastOnce });
            await _receipts.MoveNextAsync();
            var expected = new Expectation { Keys = _deviceKeys, Audience = "command_center", Topic = _receipts.Current.Topic, Now = DateTimeOffset.UtcNow };
            if (!ReceiptMessage.TryVerify(_receipts.Current.Payload.Span, expected, out var receipt, out var why) || receipt.Claims.State != ReceiptState.Executed || receipt.Claims.Digest != Thumbprint.OfBytes(command))
                throw new InvalidOperationException($"not executed: {why} {receipt?.Claims.Result}");
            await sent;
        }

        private async Task ServeAsync(CommandReceiver receiver, Outbox outbox)
        {
            var place = 0L;
            await foreach (var message in _device.ReadMessagesAsync())
            {
                await receiver.ReceiveAsync(message.Payload, message.Topic, CancellationToken.None);
                (place, var receipt) = await outbox.NextAsync(place, CancellationToken.None);
                await _device.PublishAsync(new() { Topic = Topics.Receipt(Device), Payload = receipt.Bytes, QoS = QoS.AtLeastOnce });
                outbox.Remove(place);
                _journal.Acknowledge(receipt.Id);
            }
        }

        private static X509Certificate2 Signer(bool rsa)
        {
            var (from, to) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            using var big = RSA.Create(2048); // as the center makes it
            using var small = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            return rsa ? new CertificateRequest("CN=center_sign", big, HashAlgorithmName.SHA256, RSASignaturePadding.Pss).CreateSelfSigned(from, to) : new CertificateRequest("CN=center_sign", small, HashAlgorithmName.SHA256).CreateSelfSigned(from, to);
        }

        public async ValueTask DisposeAsync()
        {
            await _center.DisposeAsync();
            await _device.DisposeAsync();
            await _listener.DisposeAsync();
            await _broker.DisposeAsync();
            _journal.Dispose();
            _random.Dispose();
        }
    }

    /// <summary>The center as it ships, and a device of its fleet.</summary>
    private sealed class House : IAsyncDisposable
    {
        private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
        private readonly CancellationTokenSource _stop = new();
        private CommandCenter _center = null!;
        private DeviceAgent _agent = null!;
        private DeviceHome _home = null!;
        private Task _running = Task.CompletedTask;

        public static async Task<House> StartAsync(string directory)
        {
            var house = new House();
            await Installation.CreateAsync(directory, new() { Demo = true }, TimeProvider.System, house._random);
            house._center = await CommandCenter.OpenAsync(new() { DataDirectory = directory, MqttPort = 0 }, TimeProvider.System, house._random, NullLoggerFactory.Instance);
            await house._center.StartAsync();
            house._home = DeviceHome.Open(house._center.Installation.DeviceDirectory("door-1"), TimeProvider.System);
            house._agent = new(house._home, Simulator.Of("door", house._home.Settings.Commands, TimeProvider.System, new Random(1)).Handlers, TimeProvider.System, house._random, NullLogger.Instance);
            house._running = house._agent.RunAsync(house._stop.Token);
            while (house._center.Fleet.Find("door-1")!.Presence.State != PresenceState.Online) await Task.Delay(20);
            return house;
        }

        public async Task OnceAsync()
        {
            var sent = (await _center.Commands.SendAsync(new("door-1", "open"), Actor.Terminal)).Value;
            var done = await _center.Commands.WaitAsync(sent.Id, TimeSpan.FromSeconds(20));
            if (done?.State != "executed") throw new InvalidOperationException($"{done?.State}: {done?.Reason}");
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            await _agent.DisposeAsync();
            _home.Dispose();
            await _center.DisposeAsync();
            _random.Dispose();
            _stop.Dispose();
        }
    }
}
