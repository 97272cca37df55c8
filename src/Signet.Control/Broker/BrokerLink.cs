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
internal sealed class BrokerLink : IAsyncDisposable
{
    private static readonly TopicSubscription[] Subscriptions =
    [
        new("signet/+/receipt") { RetainHandling = RetainHandling.DoNotSend },
        new("signet/+/witness") { RetainHandling = RetainHandling.DoNotSend },
        new("signet/+/telemetry/+") { RetainHandling = RetainHandling.DoNotSend },
        // A retained status is a hint about the past; presence needs a word of the present.
        new("signet/+/status") { RetainHandling = RetainHandling.DoNotSend },
    ];

    private readonly MqttClient _client;
    private readonly TimeSpan _commandLifetime;
    private readonly ILogger _logger;
    private volatile bool _isSubscribed;

    private BrokerLink(MqttClient client, TimeSpan commandLifetime, ILogger logger) => (_client, _commandLifetime, _logger) = (client, commandLifetime, logger);

    public bool IsUp => _client.IsConnected && _isSubscribed;

    /// <exception cref="ControlException">The broker does not let its own center in.</exception>
    public static async Task<BrokerLink> ConnectAsync(IPEndPoint broker, CenterOptions options, ServerCertificates certificates, CertificateJudge judge, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        var address = broker.Address.Equals(IPAddress.Any) ? IPAddress.Loopback : broker.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : broker.Address;
        try
        {
            var client = await MqttClient.ConnectAsync(new()
            {
                Host = address.ToString(),
                Port = broker.Port,
                ClientId = Actor.Center.Name,
                CleanStart = false,
                SessionExpiry = ControlLimits.LinkSession,
                Tls = () => Tls(certificates, judge),
                Reconnect = new() { Longest = TimeSpan.FromSeconds(2) },
                Time = time,
            }, cancellationToken);
            var link = new BrokerLink(client, options.CommandLifetime, logger);
            client.StateChanged += link.StateChanged;
            await link.SubscribeAsync(cancellationToken);
            return link;
        }
        catch (MqttException e)
        {
            throw new ControlException($"the center cannot reach its own broker on {address}:{broker.Port}: {e.Message}", e);
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
        UserProperties = Checkpoint() is { } note ? [new(Wire.Topics.CheckpointProperty, note), .. Tracing.Properties] : Tracing.Properties,
    }, cancellationToken);

    /// <summary>The newest checkpoint of the audit log, in front of every command (as a user property) once there is one.</summary>
    public Func<string?> Checkpoint { get; set; } = () => null;

    /// <summary>A checkpoint, or the answer to a device that asked for a proof.</summary>
    /// <exception cref="MqttException">The line is down, or the answer did not come.</exception>
    public Task<PublishResult> PublishCheckpointAsync(string device, ReadOnlyMemory<byte> payload, bool retain, CancellationToken cancellationToken) => _client.PublishAsync(new()
    {
        Topic = Wire.Topics.Checkpoint(device), Payload = payload, QoS = QoS.AtLeastOnce, Retain = retain,
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

    /// <summary>What devices say. A message is acknowledged when the reader asks for the next one: what a crash interrupts comes again.</summary>
    public IAsyncEnumerable<MqttMessage> ReadAsync(CancellationToken cancellationToken) => _client.ReadMessagesAsync(cancellationToken);

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private static SslClientAuthenticationOptions Tls(ServerCertificates certificates, CertificateJudge judge) => new()
    {
        TargetHost = "localhost",
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
            var results = await _client.SubscribeAsync(Subscriptions, cancellationToken: cancellationToken);
            _isSubscribed = results.All(r => r.IsAccepted);
            if (!_isSubscribed) Log.LinkChanged(_logger, "subscription refused", string.Join(' ', results.Where(r => !r.IsAccepted).Select(r => $"{r.Filter}: {r.Reason}")));
        }
        catch (MqttException e)
        {
            Log.LinkChanged(_logger, "not subscribed", e.Message); // the next connection tries again
        }
    }
}
