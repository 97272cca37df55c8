using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using Signet.Agent;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Control.Tests;

/// <summary>The same over a real Mosquitto: a device and a center that talk through it, and somebody in between who has the broker's key.</summary>
[Trait("database", "sqlite")]
public sealed class HostileMosquittoSpecs
{
    private const string Device = "door-1", Other = "valve-1";

    private sealed class Scene : IAsyncDisposable
    {
        private readonly TempDirectory _temp = new();
        private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
        private readonly OutgoingSequence _sequence = OutgoingSequence.Start(0, TimeProvider.System);
        private readonly Channel<(string Topic, byte[] Payload)> _heard = Channel.CreateUnbounded<(string, byte[])>();
        private TestHouse _house = null!;
        private Process _mosquitto = null!;
        private MqttClient _center = null!;
        private SigningKey _key = null!;
        private KeyRing _keys = null!;
        private RunningDevice _device = null!;
        public HostileBroker Broker { get; private set; } = null!;
        public int Runs;

        public static async Task<Scene> OpenAsync()
        {
            // The house only makes the keys; nothing of its center runs here.
            var scene = new Scene { _house = await TestHouse.StartAsync() };
            var port = scene.StartMosquitto();
            var pki = scene._house.Center.Installation.PkiDirectory;
            var server = PemFile.ReadWithKey(Path.Combine(pki, "mqtt_broker.crt"), Path.Combine(pki, "mqtt_broker.key"));
            var signer = PemFile.ReadWithKey(Path.Combine(pki, "center_sign.crt"), Path.Combine(pki, "center_sign.key"));
            scene._key = SigningKey.Ps256(signer.GetRSAPrivateKey()!, Thumbprint.Of(signer));
            var home = scene._house.Center.Installation.DeviceDirectory(Device);
            scene._keys = KeyRing.Empty.With(PinnedKey.FromCertificate(PemFile.Read(Path.Combine(home, Device + ".crt"))[0], Device, "ES256"));
            var intermediate = scene._house.Center.Authority.Intermediate;
            scene.Broker = new(new IPEndPoint(IPAddress.Loopback, port), () => HostileBroker.Stolen(server, intermediate), asClient: null);
            scene._center = await MqttClient.ConnectAsync(new() { Host = "127.0.0.1", Port = port, ClientId = "command_center" });
            await scene._center.SubscribeAsync(Topics.Receipt(Device), Topics.Receipt(Other), Topics.Status(Device), Topics.Telemetry(Device, HeartbeatClaims.Reading));
            _ = scene.ListenAsync();
            scene._house.Rewire(Device, scene.Broker.Port);
            var settings = Path.Combine(home, "device.json");
            await File.WriteAllTextAsync(settings, (await File.ReadAllTextAsync(settings)).Replace("\"version\": 1,", "\"version\": 1, \"heartbeatSeconds\": 1,", StringComparison.Ordinal));
            scene._device = scene._house.RunElsewhere(Device, new CommandHandlers().Handle("open", ArgumentSchema.None, _ => { Interlocked.Increment(ref scene.Runs); return CommandOutcome.Done(); }));
            await scene._device.Online.WaitAsync(TimeSpan.FromSeconds(60));
            return scene;
        }

        public byte[] Sign(string device = Device, int seconds = 20) => CommandMessage.Sign(new()
        {
            Issuer = "command_center", Audience = device, Id = MessageId.New(TimeProvider.System, _random), IssuedAt = DateTimeOffset.UtcNow, ExpiresAt = DateTimeOffset.UtcNow.AddSeconds(seconds), Epoch = _sequence.Epoch, Sequence = _sequence.Next(),
            Topic = Topics.Command(device), Command = "open", Arguments = [], OriginatorName = "alice", OriginatorRole = "operator",
        }, _key);

        public Task<PublishResult> SendAsync(byte[] command) => _center.PublishAsync(new() { Topic = Topics.Command(Device), Payload = command, QoS = QoS.AtLeastOnce });

        /// <summary>The next receipt that verifies.</summary>
        public async Task<ReceiptClaims> ReceiptAsync()
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            while (true)
            {
                var (topic, payload) = await _heard.Reader.ReadAsync(limit.Token);
                if (ReceiptMessage.TryVerify(payload, Expect(topic), out var receipt, out _)) return receipt.Claims;
            }
        }

        /// <summary>Why the next receipt that is refused is refused.</summary>
        public async Task<Rejection> RefusedReceiptAsync(string device)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            while (true)
            {
                var (topic, payload) = await _heard.Reader.ReadAsync(limit.Token);
                if (topic == Topics.Receipt(device) && !ReceiptMessage.TryVerify(payload, Expect(topic), out _, out var rejection)) return rejection;
            }
        }

        /// <summary>Waits for a heartbeat that fits.</summary>
        public async Task<HeartbeatClaims> HeartbeatAsync(Func<HeartbeatClaims, bool> fits)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            while (true)
            {
                var (topic, payload) = await _heard.Reader.ReadAsync(limit.Token);
                if (HeartbeatMessage.TryVerify(payload, Expect(topic), out var beat, out _) && fits(beat.Claims)) return beat.Claims;
            }
        }

        private Expectation Expect(string topic) => new() { Keys = _keys, Audience = "command_center", Topic = topic, Now = DateTimeOffset.UtcNow, MaximumAge = Expectation.AnyAge };

        private async Task ListenAsync()
        {
            await foreach (var message in _center.ReadMessagesAsync()) _heard.Writer.TryWrite((message.Topic, message.Payload.ToArray()));
        }

        private int StartMosquitto()
        {
            using var free = new TcpListener(IPAddress.Loopback, 0);
            free.Start();
            var port = ((IPEndPoint)free.LocalEndpoint).Port;
            free.Stop();
            File.WriteAllText(_temp.File("mosquitto.conf"), string.Create(CultureInfo.InvariantCulture, $"listener {port} 127.0.0.1\nallow_anonymous true\nuser {Environment.UserName}\n"));
            const string program = "/usr/sbin/mosquitto";
            File.Exists(program).ShouldBeTrue($"{program} is missing: install the Debian package mosquitto");
            _mosquitto = Process.Start(new ProcessStartInfo(program, ["-c", _temp.File("mosquitto.conf")]) { RedirectStandardError = true })!;
            _ = _mosquitto.StandardError.ReadToEndAsync();
            for (var look = 0; look < 200; look++)
            {
                using var probe = new TcpClient();
                try
                {
                    probe.Connect(IPAddress.Loopback, port);
                    return port;
                }
                catch (SocketException)
                {
                    Thread.Sleep(50);
                }
            }

            throw new TimeoutException("mosquitto did not start");
        }

        public async ValueTask DisposeAsync()
        {
            if (_device is not null) await _device.DisposeAsync();
            if (_center is not null) await _center.DisposeAsync();
            if (Broker is not null) await Broker.DisposeAsync();
            _mosquitto?.Kill();
            _mosquitto?.Dispose();
            _key?.Dispose();
            if (_house is not null) await _house.DisposeAsync();
            _random.Dispose();
            _temp.Dispose();
        }
    }

    private static bool IsCommand(Carried one) => one.ToClient && one.Topic == Topics.Command(Device);

    [Fact]
    public async Task Dropped_repeated_reordered_edited_and_rerouted_nothing_wrong_runs_and_the_loss_shows_in_the_signed_counts()
    {
        await using var scene = await Scene.OpenAsync();

        scene.Broker.Deed = one => IsCommand(one) ? [one, one] : [one];
        await scene.SendAsync(scene.Sign());
        (await scene.ReceiptAsync()).State.ShouldBe(ReceiptState.Executed);
        (await scene.ReceiptAsync()).Reason.ShouldBe(RejectReason.Replayed);
        scene.Runs.ShouldBe(1);

        Carried? held = null;
        scene.Broker.Deed = one =>
        {
            if (!IsCommand(one)) return [one];
            if (held is not null) return [one, held];
            held = one;
            return [];
        };
        await scene.SendAsync(scene.Sign());
        await scene.SendAsync(scene.Sign());
        for (var i = 0; i < 2; i++) (await scene.ReceiptAsync()).State.ShouldBe(ReceiptState.Executed);
        scene.Runs.ShouldBe(3);

        scene.Broker.Deed = one =>
        {
            if (!IsCommand(one)) return [one];
            var edited = one.Payload.ToArray();
            edited[^20] = edited[^20] == (byte)'A' ? (byte)'B' : (byte)'A';
            return [one with { Payload = edited }];
        };
        await scene.SendAsync(scene.Sign());
        (await scene.ReceiptAsync()).Reason.ShouldBe(RejectReason.BadSignature);

        scene.Broker.Deed = one => [one];
        await scene.Broker.InjectAsync(Device, Topics.Command(Device), scene.Sign("valve-1"));
        (await scene.ReceiptAsync()).Reason.ShouldBe(RejectReason.WrongAudience);
        scene.Runs.ShouldBe(3);

        // Four commands were for this device and are whole; one more is swallowed: the device's own signed word says that it heard three (an edited one is not heard).
        scene.Broker.Deed = one => IsCommand(one) ? [] : [one];
        await scene.SendAsync(scene.Sign());
        (await scene.HeartbeatAsync(beat => beat.Heard == 3)).Heard.ShouldBe(3);
        var later = await scene.HeartbeatAsync(_ => true);
        (later.Heard, later.Sent).ShouldBe((3, 6)); // six receipts were sent: three executed, a copy, an edited and a foreign one refused
        scene.Runs.ShouldBe(3);
    }

    [Fact]
    public async Task A_command_held_back_runs_once_while_it_is_good_and_not_at_all_when_it_comes_too_late()
    {
        await using var scene = await Scene.OpenAsync();
        var held = new List<byte[]>();
        scene.Broker.Deed = one =>
        {
            if (!IsCommand(one)) return [one];
            lock (held) held.Add(one.Payload);
            return [];
        };
        await scene.SendAsync(scene.Sign());
        await scene.SendAsync(scene.Sign(seconds: 2));
        await Eventually.True(() => { lock (held) return held.Count == 2; }, "both are held back");
        await Task.Delay(TimeSpan.FromSeconds(3.1)); // the second one's two seconds are over, to the second
        scene.Runs.ShouldBe(0);

        foreach (var late in held) await scene.Broker.InjectAsync(Device, Topics.Command(Device), late);

        (await scene.ReceiptAsync()).State.ShouldBe(ReceiptState.Executed);
        var refused = await scene.ReceiptAsync();
        (refused.State, refused.Reason).ShouldBe((ReceiptState.Rejected, RejectReason.Expired));
        scene.Runs.ShouldBe(1);
    }

    [Fact]
    public async Task A_receipt_that_is_published_as_another_devices_is_refused_for_its_topic()
    {
        await using var scene = await Scene.OpenAsync();
        scene.Broker.Deed = one => one is { ToClient: false, Topic: var topic } && topic == Topics.Receipt(Device) ? [one with { Topic = Topics.Receipt(Other) }] : [one];

        await scene.SendAsync(scene.Sign());

        (await scene.RefusedReceiptAsync(Other)).Reason.ShouldBe(RejectReason.WrongTopic);
        scene.Runs.ShouldBe(1);
    }
}
