using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Agent;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>
/// A whole device, the agent that <c>signet device run</c> runs, with its home, journal and TLS, at a real broker that is in the attacker's hands: it has the broker's genuine
/// certificate and lets the attacker read and publish everything. What the device did is read from its signed receipts.
/// </summary>
internal sealed class WholeDevice : IDeviceUnderAttack, IAsyncDisposable
{
    private readonly LabIdentities _who;
    private readonly LabClock _clock;
    private readonly RandomNumberGenerator _random;
    private readonly string _home;
    private readonly MqttBroker _broker;
    private readonly MqttListener _listener;
    private readonly ConcurrentDictionary<string, Channel<ReceiptClaims>> _receipts = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private MqttClient _attacker = null!;
    private Task _reading = Task.CompletedTask;
    private DeviceHome? _opened;
    private DeviceAgent? _agent;
    private CancellationTokenSource? _on;
    private Task _running = Task.CompletedTask;

    private WholeDevice(LabIdentities who, LabClock clock, RandomNumberGenerator random, string home)
    {
        (_who, _clock, _random, _home) = (who, clock, random, home);
        Commands = new CommandForge(who, clock, random);
        _broker = new MqttBroker(new BrokerOptions(), new OpenPolicy(), TimeProvider.System);
        var chain = SslStreamCertificateContext.Create(who.BrokerServer.Certificate, who.Authority.Chain, offline: true);
        _listener = MqttListener.Start(_broker, new()
        {
            EndPoint = new(IPAddress.Loopback, 0),
            Name = "captured",
            Tls = () => new() { ServerCertificateContext = chain, EnabledSslProtocols = SslProtocols.Tls13, ClientCertificateRequired = true },
            ValidateClientCertificate = (certificate, sent) => who.Authority.Judge.Judge(certificate, sent, CertificatePurpose.TlsClient) is { Accepted: false } verdict ? verdict.Detail : null,
        });
    }

    public CommandForge Commands { get; }

    public static async Task<WholeDevice> StartAsync(LabContext lab, LabClock clock, bool onlySealed, CancellationToken cancellationToken)
    {
        var device = new WholeDevice(lab.Identities, clock, lab.Secrets, lab.NewFolder("device"));
        try
        {
            device.WriteHome(onlySealed);
            await device.ListenAsync(cancellationToken);
            await device.SwitchOnAsync(cancellationToken);
            return device;
        }
        catch
        {
            await device.DisposeAsync();
            throw;
        }
    }

    public DeviceAnswer Deliver(byte[] message, string? topic = null) => DeliverAsync(message, topic ?? Topics.Command(LabIdentities.Victim)).GetAwaiter().GetResult();

    public void Restart() => Task.Run(async () =>
    {
        await SwitchOffAsync();
        await SwitchOnAsync(_stop.Token);
    }).GetAwaiter().GetResult();

    private async Task<DeviceAnswer> DeliverAsync(byte[] message, string topic)
    {
        var answers = On(Thumbprint.OfBytes(message)).Reader;
        await _attacker.PublishAsync(new() { Topic = topic, Payload = message, QoS = QoS.AtLeastOnce }, _stop.Token);
        using var patience = new CancellationTokenSource(LabLimits.Settle, TimeProvider.System);
        try
        {
            while (await answers.ReadAsync(patience.Token) is var receipt)
            {
                if (receipt.State == ReceiptState.Accepted) continue; // the end follows
                return receipt.State == ReceiptState.Rejected ? new(false, RejectReasons.Of(receipt.Reason).Name) : new(true, $"the device says {ReceiptClaims.NameOf(receipt.State)}");
            }
        }
        catch (OperationCanceledException)
        {
            // it said nothing
        }
        return new(false, "no receipt");
    }

    /// <summary>The home as the center writes it.</summary>
    private void WriteHome(bool onlySealed)
    {
        _who.VictimDevice.Save(_home);
        _who.VictimSealing.Save(_home, "sealing");
        File.WriteAllText(Path.Combine(_home, "root.crt"), PemFile.Encode(_who.Authority.Root));
        File.WriteAllText(Path.Combine(_home, "center_sign.crt"), _who.CenterSign.ChainPem);
        File.WriteAllBytes(Path.Combine(_home, "manifest.jws"), _who.Manifest);
        File.WriteAllText(Path.Combine(_home, "device.json"), $$"""
            { "version": 1, "name": "{{LabIdentities.Victim}}", "kind": "door", "broker": "localhost:{{_listener.EndPoint.Port}}", "center": "{{LabIdentities.Center}}",
              "commands": ["open", "close", "set-angle", "{{LabIdentities.TwoPersonCommand}}"], "telemetrySeconds": 3600, "onlySealed": {{(onlySealed ? "true" : "false")}} }
            """);
    }

    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        var chain = SslStreamCertificateContext.Create(_who.NeighbourDevice.Certificate, _who.Authority.Chain, offline: true);
        _attacker = await MqttClient.ConnectAsync(new()
        {
            Host = "localhost", Port = _listener.EndPoint.Port, ClientId = "attacker", Reconnect = null,
            Tls = () => new() { TargetHost = "localhost", ClientCertificateContext = chain, RemoteCertificateValidationCallback = (_, server, _, _) => server!.GetRawCertData().AsSpan().SequenceEqual(_who.BrokerServer.Certificate.RawDataMemory.Span) },
        }, cancellationToken);
        await _attacker.SubscribeAsync(Topics.Receipt(LabIdentities.Victim));
        _reading = Task.Run(ReadReceiptsAsync, CancellationToken.None);
    }

    private async Task ReadReceiptsAsync()
    {
        using var key = PinnedKey.FromCertificate(_who.VictimDevice.Certificate, LabIdentities.Victim, Suite.Es256.Algorithm);
        var ring = KeyRing.Empty.With(key);
        var known = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            await foreach (var message in _attacker.ReadMessagesAsync(_stop.Token))
            {
                var expected = new Expectation { Keys = ring, Audience = LabIdentities.Center, Topic = message.Topic, Now = _clock.GetUtcNow(), MaximumAge = Expectation.AnyAge };
                // A device sends a receipt again until the broker has it (docs/spec/replay.md): the same words a second time are no second deed.
                if (ReceiptMessage.TryVerify(message.Payload.Span, expected, out var verified, out _) && known.Add(verified.Claims.Id)) On(verified.Claims.Digest).Writer.TryWrite(verified.Claims);
            }
        }
        catch (OperationCanceledException)
        {
            // the bench is closing
        }
    }

    private Channel<ReceiptClaims> On(string digest) => _receipts.GetOrAdd(digest, _ => Channel.CreateUnbounded<ReceiptClaims>());

    private async Task SwitchOnAsync(CancellationToken cancellationToken)
    {
        _opened = DeviceHome.Open(_home, _clock);
        var handlers = new CommandHandlers()
            .Handle("open", ArgumentSchema.None, _ => CommandOutcome.Done())
            .Handle("close", ArgumentSchema.None, _ => CommandOutcome.Done())
            .Handle("set-angle", ArgumentSchema.Of(Argument.Integer("angle", 0, 90)), _ => CommandOutcome.Done())
            .Handle(LabIdentities.TwoPersonCommand, ArgumentSchema.None, _ => CommandOutcome.Done());
        _agent = new DeviceAgent(_opened, handlers, _clock, _random, NullLogger.Instance);
        _on = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        _running = _agent.RunAsync(_on.Token);
        var first = await Task.WhenAny(_agent.Online, _running).WaitAsync(LabLimits.Ready, TimeProvider.System, cancellationToken);
        await first;
    }

    private async Task SwitchOffAsync()
    {
        if (_on is null || _agent is null || _opened is null) return;
        await _on.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _agent.DisposeAsync();
        _opened.Dispose();
        _on.Dispose();
        (_on, _agent, _opened) = (null, null, null);
    }

    public async ValueTask DisposeAsync()
    {
        await SwitchOffAsync();
        await _stop.CancelAsync();
        await _reading;
        if (_attacker is not null) await _attacker.DisposeAsync();
        await _listener.DisposeAsync();
        await _broker.DisposeAsync();
        _stop.Dispose();
        Directory.Delete(_home, recursive: true); // a soak makes thousands
    }
}
