using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Channels;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Agent.Tests;

/// <summary>A real broker on loopback with mutual TLS 1.3, and a center that signs commands and verifies what devices say.</summary>
internal sealed class Loopback : IAsyncDisposable
{
    private readonly DeviceFleet _fleet;
    private readonly SigningKey _signing;
    private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
    private readonly OutgoingSequence _sequence = OutgoingSequence.Start(0, TimeProvider.System);
    private readonly ConcurrentDictionary<string, Channel<MqttMessage>> _received = new(StringComparer.Ordinal);
    private MqttBroker _broker;
    private MqttListener _listener;
    private MqttClient? _center;
    private IssuedCertificate? _centerCertificate;

    public Loopback(DeviceFleet fleet, X509Certificate2? serverCertificate = null)
    {
        _fleet = fleet;
        _signing = SigningKey.Ps256(fleet.CenterSign.Certificate.GetRSAPrivateKey()!, fleet.CenterSign.Thumbprint);
        Server = serverCertificate ?? fleet.Broker.Certificate;
        (_broker, _listener) = Open(0);
    }

    public X509Certificate2 Server { get; set; }
    public int Port => _listener.EndPoint.Port;
    public Policy Rules { get; } = new();

    public async Task ConnectCenterAsync()
    {
        _centerCertificate ??= _fleet.Authority.Issue(new(CertificateProfile.Center, "command_center", ["localhost"])); // it connects again
        var chain = SslStreamCertificateContext.Create(_centerCertificate.Certificate, [_fleet.Authority.Intermediate], offline: true);
        _center = await MqttClient.ConnectAsync(new MqttClientOptions
        {
            Host = "localhost", Port = Port, ClientId = "command_center",
            Tls = () => new SslClientAuthenticationOptions { TargetHost = "localhost", ClientCertificateContext = chain, RemoteCertificateValidationCallback = (_, server, _, _) => server!.GetRawCertData().AsSpan().SequenceEqual(Server.RawDataMemory.Span) },
        });
        _ = ReadAsync(_center);
        await _center.SubscribeAsync("signet/+/receipt", "signet/+/status", "signet/+/telemetry/+", "signet/+/witness");
    }

    public byte[] SignCommand(string device, string command, System.Text.Json.Nodes.JsonObject? arguments = null, TimeSpan? lifetime = null) => CommandMessage.Sign(new CommandClaims
    {
        Issuer = "command_center", Audience = device, Id = MessageId.New(TimeProvider.System, _random), IssuedAt = DateTimeOffset.UtcNow, ExpiresAt = DateTimeOffset.UtcNow + (lifetime ?? TimeSpan.FromSeconds(30)),
        Epoch = _sequence.Epoch, Sequence = _sequence.Next(), Topic = Topics.Command(device), Command = command, Arguments = arguments ?? [], OriginatorName = "alice", OriginatorRole = "operator",
    }, _signing);

    /// <summary>The center's heartbeat about the connection that began with the <c>online</c> numbered <paramref name="since"/>.</summary>
    public byte[] SignHeartbeat(string device, long since, long sent, long heard = 1, int nextWithin = 60, DateTimeOffset? at = null) => HeartbeatMessage.Sign(new HeartbeatClaims
    {
        Issuer = "command_center", Audience = device, Id = MessageId.New(TimeProvider.System, _random), IssuedAt = at ?? DateTimeOffset.UtcNow, Epoch = _sequence.Epoch, Sequence = _sequence.Next(), Topic = Topics.Checkpoint(device),
        Since = since, NextWithin = nextWithin, Sent = sent, Heard = heard, Readings = 0,
    }, _signing);

    /// <param name="device">Whom it is for.</param>
    /// <param name="message">Signed or not.</param>
    /// <param name="note">A checkpoint that travels with it.</param>
    public Task SendAsync(string device, byte[] message, string? note = null) => _center!.PublishAsync(new MqttMessage
    {
        Topic = Topics.Command(device), Payload = message, QoS = QoS.AtLeastOnce, UserProperties = note is null ? [] : [new(Topics.CheckpointProperty, Topics.CheckpointValue(note))],
    });

    /// <summary>Whatever a center, or who runs the broker, may put on a device's topics.</summary>
    public Task SayAsync(string topic, byte[] message) => _broker.PublishAsync(new MqttMessage { Topic = topic, Payload = message, QoS = QoS.AtLeastOnce }).AsTask();

    /// <summary>What a device finds when it comes; nothing waits in its session.</summary>
    public Task KeepAsync(string topic, byte[] message) => _broker.PublishAsync(new MqttMessage { Topic = topic, Payload = message, QoS = QoS.AtMostOnce, Retain = true }).AsTask();

    /// <summary>What a device says as a witness, as it comes.</summary>
    public ChannelReader<MqttMessage> Witnessing(string device) => On(Topics.Witness(device)).Reader;

    /// <summary>The next receipt of a device, verified.</summary>
    public async Task<ReceiptClaims> NextReceiptAsync(string device, X509Certificate2 certificate) =>
        Verified(await NextAsync(Topics.Receipt(device)), certificate, device, (b, e) => ReceiptMessage.TryVerify(b.Span, e, out var v, out _) ? v!.Claims : null);

    public async Task<StatusClaims> NextStatusAsync(string device, X509Certificate2 certificate) =>
        Verified(await NextAsync(Topics.Status(device)), certificate, device, (b, e) => StatusMessage.TryVerify(b.Span, e, out var v, out _) ? v!.Claims : null);

    public async Task<TelemetryClaims> NextReadingAsync(string device, string name, X509Certificate2 certificate) =>
        Verified(await NextAsync(Topics.Telemetry(device, name)), certificate, device, (b, e) => TelemetryMessage.TryVerify(b.Span, e, out var v, out _) ? v!.Claims : null);

    public async Task<HeartbeatClaims> NextHeartbeatAsync(string device, X509Certificate2 certificate) =>
        Verified(await NextAsync(Topics.Telemetry(device, HeartbeatClaims.Reading)), certificate, device, (b, e) => HeartbeatMessage.TryVerify(b.Span, e, out var v, out _) ? v!.Claims : null);

    public int Cut(string identity) => _broker.Disconnect(s => s.Identity == identity, ReasonCode.AdministrativeAction, "cut by the test");

    public void PolicyChanged() => _broker.PolicyChanged();

    /// <summary>The broker ends and another one begins on the same port, with nothing remembered.</summary>
    public async Task RestartBrokerAsync()
    {
        var port = Port;
        await _listener.DisposeAsync();
        await _broker.DisposeAsync();
        (_broker, _listener) = Open(port);
    }

    public async ValueTask DisposeAsync()
    {
        if (_center is not null) await _center.DisposeAsync();
        _centerCertificate?.Dispose();
        await _listener.DisposeAsync();
        await _broker.DisposeAsync();
        _random.Dispose();
    }

    private (MqttBroker Broker, MqttListener Listener) Open(int port)
    {
        var broker = new MqttBroker(new BrokerOptions(), Rules, TimeProvider.System);
        var listener = MqttListener.Start(broker, new ListenerOptions
        {
            EndPoint = new IPEndPoint(IPAddress.Loopback, port),
            Tls = () => new SslServerAuthenticationOptions
            {
                ServerCertificateContext = SslStreamCertificateContext.Create(Server, [_fleet.Authority.Intermediate], offline: true), EnabledSslProtocols = SslProtocols.Tls13, ClientCertificateRequired = true,
            },
            ValidateClientCertificate = (certificate, sent) => _fleet.Authority.Judge.Judge(certificate, sent, CertificatePurpose.TlsClient) is { Accepted: false } verdict ? verdict.Detail : null,
        });
        return (broker, listener);
    }

    private async Task<MqttMessage> NextAsync(string topic)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await On(topic).Reader.ReadAsync(limit.Token);
    }

    private Channel<MqttMessage> On(string topic) => _received.GetOrAdd(topic, _ => Channel.CreateUnbounded<MqttMessage>());

    private async Task ReadAsync(MqttClient client)
    {
        await foreach (var message in client.ReadMessagesAsync()) On(message.Topic).Writer.TryWrite(message);
    }

    private static T Verified<T>(MqttMessage message, X509Certificate2 certificate, string device, Func<ReadOnlyMemory<byte>, Expectation, T?> verify)
        where T : class
    {
        var expected = new Expectation
        {
            Keys = KeyRing.Empty.With(PinnedKey.FromCertificate(certificate, device, "ES256")), Audience = "command_center", Topic = message.Topic, Now = DateTimeOffset.UtcNow, MaximumAge = Expectation.AnyAge,
        };
        return verify(message.Payload, expected).ShouldNotBeNull();
    }

    internal sealed class Policy : IBrokerPolicy
    {
        public Func<PublishRequest, bool> MayPublish { get; set; } = _ => true;

        public ValueTask<ConnectDecision> AuthenticateAsync(ConnectRequest request, CancellationToken cancellationToken) =>
            ValueTask.FromResult(ConnectDecision.Accept(request.Facts.ClientCertificate!.GetNameInfo(X509NameType.SimpleName, forIssuer: false)));

        public PolicyDecision AuthorizePublish(in PublishRequest request) => MayPublish(request) ? PolicyDecision.Allow : PolicyDecision.Deny("the test says no");
        public PolicyDecision AuthorizeSubscribe(in SubscribeRequest request) => PolicyDecision.Allow;
        public PolicyDecision AuthorizeDeliver(in DeliverRequest request) => PolicyDecision.Allow;
    }
}

/// <summary>A device that runs in this process, from its directory.</summary>
internal sealed class RunningDevice : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
    private readonly DeviceAgent _agent;
    private readonly Task _running;

    public RunningDevice(string directory, CommandHandlers? handlers = null)
    {
        Home = DeviceHome.Open(directory, TimeProvider.System);
        Certificate = X509CertificateLoader.LoadCertificate(Home.Certificate.RawData);
        var simulator = Simulator.Of(Home.Settings.Kind, Home.Settings.Commands, TimeProvider.System, new Random(1));
        Lines = new LockedWriter();
        _agent = new DeviceAgent(Home, handlers ?? simulator.Handlers, TimeProvider.System, _random, new LineLogger(TextWriter.Synchronized(Lines))) { Measure = simulator.Measure };
        _running = _agent.RunAsync(_stop.Token);
    }

    public DeviceHome Home { get; }
    public LockedWriter Lines { get; }
    public X509Certificate2 Certificate { get; }

    public async Task OnlineAsync() => await (await Task.WhenAny(_agent.Online, _running)).WaitAsync(TimeSpan.FromSeconds(60));

    public async Task SaidAsync(string words, int times = 1)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (Lines.ToString().Split(words).Length <= times) await Task.Delay(5, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await _agent.DisposeAsync();
        Home.Dispose();
        _random.Dispose();
        _stop.Dispose();
    }
}
