using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// The center's own line to the broker: a client like any other, over mutual TLS with <c>command_center</c>. It publishes recorded commands and reads what devices say.
/// Its session outlives a broken line, so receipts wait for it.
/// </summary>
internal sealed class BrokerLink(MqttClient client, TimeSpan commandLifetime, bool isOurs, ILogger logger) : IAsyncDisposable
{
    private readonly TopicSubscription[] _subscriptions =
    [
        new("signet/+/receipt") { RetainHandling = RetainHandling.DoNotSend },
        new("signet/+/witness") { RetainHandling = RetainHandling.DoNotSend },
        new("signet/+/telemetry/+") { RetainHandling = RetainHandling.DoNotSend },
        // A retained status is a hint about the past; presence needs a word of the present. Another broker says nothing of sessions: there the kept word is the last one there is.
        new("signet/+/status") { RetainHandling = isOurs ? RetainHandling.DoNotSend : RetainHandling.SendAtSubscribe },
    ];

    private readonly MqttClient _client = client;
    private readonly TimeSpan _commandLifetime = commandLifetime;
    private readonly ILogger _logger = logger;
    private volatile bool _isSubscribed;

    public bool IsUp => _client.IsConnected && _isSubscribed;

    /// <exception cref="ControlException">The broker does not let its own center in.</exception>
    public static async Task<BrokerLink> ConnectAsync(DnsEndPoint broker, CenterOptions options, ServerCertificates certificates, CertificateJudge judge, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        var host = broker.Host switch { "0.0.0.0" => "127.0.0.1", "::" => "::1", var other => other };
        var isOurs = options.OtherBroker is null;
        try
        {
            var client = await MqttClient.ConnectAsync(new()
            {
                Host = host,
                Version = options.OtherBroker?.Version ?? MqttVersion.V5,
                Port = broker.Port,
                ClientId = Actor.Center.Name,
                CleanStart = false,
                SessionExpiry = ControlLimits.LinkSession,
                // Our own, and a child of ours, is known by its port; one that somebody else runs by the name it is reached under.
                Tls = () => Tls(options.OtherBroker?.Address is null ? "localhost" : host, certificates, judge),
                Reconnect = new() { Longest = TimeSpan.FromSeconds(2) },
                Time = time,
            }, cancellationToken);
            var link = new BrokerLink(client, options.CommandLifetime, isOurs, logger);
            client.StateChanged += link.StateChanged;
            await link.SubscribeAsync(cancellationToken);
            return link;
        }
        catch (MqttException e)
        {
            throw new ControlException($"the center cannot reach its {(isOurs ? "own " : "")}broker on {host}:{broker.Port}: {e.Message}", e);
        }
    }

    /// <summary>Step 5. Takes nothing but a recorded command. The broker drops it when it could no longer be taken by the device.</summary>
    /// <exception cref="MqttException">The line is down, or the answer did not come.</exception>
    public Task<PublishResult> PublishAsync(RecordedCommand command, CancellationToken cancellationToken) => _client.PublishAsync(new()
    {
        Topic = Topics.Command(command.View.Device),
        Payload = command.Bytes,
        QoS = QoS.AtLeastOnce,
        MessageExpiry = _commandLifetime,
        ContentType = "application/jose",
        UserProperties = Checkpoint() is { } note ? [new(Wire.Topics.CheckpointProperty, Wire.Topics.CheckpointValue(note)), .. Tracing.Properties] : Tracing.Properties,
    }, cancellationToken);

    /// <summary>The newest checkpoint of the audit log, in front of every command (as a user property) once there is one.</summary>
    public Func<string?> Checkpoint { get; set; } = () => null;

    /// <summary>A checkpoint, the answer to a device that asked for a proof, or a heartbeat of the center.</summary>
    /// <exception cref="MqttException">The line is down, or the answer did not come.</exception>
    public Task<PublishResult> PublishCheckpointAsync(string device, ReadOnlyMemory<byte> payload, QoS qos, bool retain, CancellationToken cancellationToken) => _client.PublishAsync(new()
    {
        Topic = Wire.Topics.Checkpoint(device), Payload = payload, QoS = qos, Retain = retain,
    }, cancellationToken);

    /// <summary>A device's manifest, kept by the broker for when the device comes.</summary>
    /// <exception cref="MqttException">As above.</exception>
    public Task<PublishResult> PublishManifestAsync(string device, string message, CancellationToken cancellationToken) => _client.PublishAsync(new()
    {
        Topic = Topics.Manifest(device), Payload = System.Text.Encoding.ASCII.GetBytes(message), QoS = QoS.AtLeastOnce, Retain = true, ContentType = "application/jose",
    }, cancellationToken);

    /// <summary>The certificate of the key that signs commands from now on, kept by the broker for when the device comes.</summary>
    /// <exception cref="MqttException">As above.</exception>
    public Task<PublishResult> PublishSignerAsync(string device, string pem, CancellationToken cancellationToken) => _client.PublishAsync(new()
    {
        Topic = Topics.Signer(device), Payload = System.Text.Encoding.ASCII.GetBytes(pem), QoS = QoS.AtLeastOnce, Retain = true, ContentType = "application/pem-certificate-chain",
    }, cancellationToken);

    /// <summary>What devices say, all that is there at once. It is acknowledged when the reader asks for more: what a crash interrupts comes again.</summary>
    public IAsyncEnumerable<IReadOnlyList<MqttMessage>> ReadAsync(CancellationToken cancellationToken) => _client.ReadBatchesAsync(ControlLimits.IntakeBatch, cancellationToken);

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static SslClientAuthenticationOptions Tls(string name, ServerCertificates certificates, CertificateJudge judge) => new()
    {
        TargetHost = name,
        ClientCertificateContext = certificates.Center,
        EnabledSslProtocols = SslProtocols.Tls13,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        // The platform checks only the name here; path, purpose, time and revocation are the judge's.
        RemoteCertificateValidationCallback = (_, certificate, chain, errors) => !errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch)
            && judge.Judge(certificate as X509Certificate2, chain?.ChainPolicy.ExtraStore, CertificatePurpose.TlsServer).Accepted,
    };

    private void StateChanged(MqttClientStateChange change)
    {
        if (change.Cause is not null) Log.LinkChanged(_logger, Words.Of(change.State), change.Cause.Message); // without a cause it was our own doing
        if (change.State != MqttClientState.Connected) return;
        if (change.SessionPresent) _isSubscribed = true;
        else _ = SubscribeAsync(CancellationToken.None);
    }

    private async Task SubscribeAsync(CancellationToken cancellationToken)
    {
        _isSubscribed = false;
        try
        {
            var results = await _client.SubscribeAsync(_subscriptions, cancellationToken: cancellationToken);
            _isSubscribed = results.All(r => r.IsAccepted);
            if (!_isSubscribed) Log.LinkChanged(_logger, "subscription refused", string.Join(' ', results.Where(r => !r.IsAccepted).Select(r => $"{r.Filter}: {r.Reason}")));
        }
        catch (MqttException e)
        {
            Log.LinkChanged(_logger, "not subscribed", e.Message); // the next connection tries again
        }
    }
}
