using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Signet.Access;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;
using Signet.Pki;

namespace Signet.Lab;

/// <summary>
/// The house's broker with its TLS listener, certificate judge and access policy on a free loopback port, built so that one part can be left out.
/// Limits are small, so that an attack on them is over in a second.
/// </summary>
public sealed class BrokerBench : IAsyncDisposable, IBrokerObserver
{
    /// <summary>Half-open connections one address may have here.</summary>
    public const int HalfOpen = 16;

    /// <summary>Connections one identity may have here, messages a second it may send, and the largest packet.</summary>
    public const int Connections = 8, MessagesPerSecond = 50, PacketBytes = 64 * 1024;

    private readonly string? _without;
    private readonly MqttListener _listener;
    private readonly LenientFront? _lenient;
    private readonly ConcurrentQueue<BrokerRefusal> _protocol = new();
    private readonly ConcurrentQueue<string> _refusals = new();
    private AccessPolicy _policy = AccessPolicy.Default;

    public BrokerBench(LabIdentities who, string? without, LabClock clock)
    {
        (Who, _without, Clock) = (who, without, clock);
        // Left out: the revocation list of the day the broker started; the machine's clock instead of the house's.
        Judge = new(() => who.Authority.Trust, () => Off("revocation") ? RevocationState.Empty : who.Authority.Revocations, Off("certificate-dates") ? new LabClock(TimeProvider.System) : clock);
        Broker = new(new()
        {
            Observer = this,
            SysInterval = TimeSpan.FromMilliseconds(200),
            Limits = new()
            {
                MaximumPacketSize = Off("packet-limit") ? 16 << 20 : PacketBytes,
                ConnectTimeout = Off("connect-timeout") ? TimeSpan.FromHours(1) : TimeSpan.FromSeconds(1),
                PerIdentity = new()
                {
                    Connections = Off("identity-quota") ? 100_000 : Connections,
                    MessagesPerSecond = Off("rate-limit") ? null : MessagesPerSecond,
                },
            },
        }, new BenchPolicy(this, () => _policy), TimeProvider.System);
        var chain = SslStreamCertificateContext.Create(who.BrokerServer.Certificate, who.Authority.Chain, offline: true);
        if (Off("packet-reader")) _lenient = new LenientFront(chain);
        _listener = MqttListener.Start(Broker, new()
        {
            EndPoint = new(IPAddress.Loopback, 0),
            Name = "bench",
            Tls = Off("tls") ? null : () => new()
            {
                ServerCertificateContext = chain,
                EnabledSslProtocols = Off("tls13-only") ? SslProtocols.Tls12 | SslProtocols.Tls13 : SslProtocols.Tls13,
            },
            ValidateClientCertificate = Off("tls") ? null : Validate,
            OnRefused = refusal => _refusals.Enqueue(refusal.Reason.StartsWith("certificate-", StringComparison.Ordinal) ? refusal.Reason : "handshake: " + refusal.Reason),
            HandshakeTimeout = Off("half-open-limit") ? TimeSpan.FromHours(1) : TimeSpan.FromSeconds(5),
            MaximumHalfOpenPerAddress = Off("half-open-limit") ? 100_000 : HalfOpen,
            MaximumHalfOpen = 100_000,
        });
        // Left out: revoking is a matter for the next handshake only.
        if (!Off("live-cut")) who.Authority.Revoked += Cut;
    }

    public LabIdentities Who { get; }
    public LabClock Clock { get; }
    public MqttBroker Broker { get; }
    public CertificateJudge Judge { get; }
    public IPEndPoint EndPoint => _lenient?.EndPoint ?? _listener.EndPoint;

    /// <summary>What was closed because its bytes are not MQTT, or break its rules.</summary>
    public IReadOnlyCollection<BrokerRefusal> ProtocolErrors => _protocol;

    /// <summary>Everything refused so far, in the house's words.</summary>
    public IReadOnlyCollection<string> Refusals => _refusals;

    public bool Off(string control) => _without == control;

    /// <summary>Applies another policy to open sessions and subscriptions.</summary>
    public void Apply(AccessPolicy policy)
    {
        _policy = policy;
        if (!Off("acl-deliver")) Broker.PolicyChanged();
    }

    public static string Word(CertificateRefusal refusal) => refusal switch
    {
        CertificateRefusal.Missing => "certificate-missing",
        CertificateRefusal.Untrusted => "certificate-untrusted",
        CertificateRefusal.Expired => "certificate-expired",
        CertificateRefusal.NotYetValid => "certificate-not-yet-valid",
        CertificateRefusal.Revoked => "certificate-revoked",
        CertificateRefusal.WrongUsage => "certificate-wrong-usage",
        CertificateRefusal.WrongName => "certificate-wrong-name",
        _ => "",
    };

    private string? Validate(X509Certificate2? certificate, X509Certificate2Collection sent)
    {
        if (certificate is null) return Off("client-certificate") ? null : "certificate-missing";
        if (Off("trusted-roots")) return null;
        var verdict = Judge.Judge(certificate, sent, CertificatePurpose.TlsClient);
        if (verdict.Refusal == CertificateRefusal.WrongUsage && Off("key-usage")) return null;
        return verdict.Accepted ? null : Word(verdict.Refusal);
    }

    private void Cut(RevocationResult revoked)
    {
        var serials = revoked.Entries.Select(e => e.Serial).ToHashSet(StringComparer.Ordinal);
        Broker.Disconnect(s => s.ClientCertificate is { } c && serials.Contains(CertificateFacts.Serial(c)), ReasonCode.AdministrativeAction, "certificate-revoked", purge: true);
    }

    /// <summary>Options of a client with a certificate of the house (or none); it checks the broker as devices do.</summary>
    public MqttClientOptions Options(IssuedCertificate? certificate, string clientId, X509Certificate2? root = null, int? port = null) => new()
    {
        Host = "127.0.0.1",
        Port = port ?? EndPoint.Port,
        ClientId = clientId,
        Reconnect = null,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        Tls = Off("tls") ? null : () => ClientTls(certificate, root ?? Who.Authority.Root),
        UserName = Off("tls") ? certificate?.Name : null,
    };

    internal SslClientAuthenticationOptions ClientTls(IssuedCertificate? certificate, X509Certificate2 root, SslProtocols protocols = SslProtocols.None) => new()
    {
        TargetHost = "127.0.0.1",
        EnabledSslProtocols = protocols,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        ClientCertificateContext = certificate is null ? null
            : SslStreamCertificateContext.Create(certificate.Certificate, certificate.Certificate.Issuer == Who.Foreign.Intermediate.Subject && IsForeign(certificate) ? Who.Foreign.Chain : Who.Authority.Chain, offline: true),
        RemoteCertificateValidationCallback = (_, server, chain, _) => Off("server-authentication") || Trusts(root, server as X509Certificate2, chain),
    };

    private bool IsForeign(IssuedCertificate certificate) => Who.Foreign.Find(certificate.Serial) is not null;

    private bool Trusts(X509Certificate2 root, X509Certificate2? server, X509Chain? chain)
    {
        var verdict = new CertificateJudge(() => new TrustStore([root]), () => RevocationState.Empty, TimeProvider.System).Judge(server, chain is null ? [] : [.. chain.ChainPolicy.ExtraStore], CertificatePurpose.TlsServer);
        if (!verdict.Accepted) _refusals.Enqueue("client: " + Word(verdict.Refusal));
        return verdict.Accepted;
    }

    public Task<MqttClient> ConnectAsync(IssuedCertificate? certificate, string clientId, CancellationToken cancellationToken, Func<MqttClientOptions, MqttClientOptions>? change = null)
    {
        var options = Options(certificate, clientId);
        return MqttClient.ConnectAsync(change is null ? options : change(options), cancellationToken);
    }

    /// <summary>The victim's device as it should be: connected, listening for commands.</summary>
    public async Task<MqttClient> VictimAsync(CancellationToken cancellationToken, IssuedCertificate? certificate = null, TimeSpan sessionExpiry = default)
    {
        var identity = certificate ?? Who.VictimDevice;
        var client = await ConnectAsync(identity, identity.Name, cancellationToken, o => o with { SessionExpiry = sessionExpiry, CleanStart = sessionExpiry == default });
        var granted = await client.SubscribeAsync($"signet/{identity.Name}/command");
        return granted[0].IsAccepted ? client : throw new LabException($"the victim's own subscription was refused: {granted[0].Reason}");
    }

    public Task<MqttClient> CenterAsync(CancellationToken cancellationToken) => ConnectAsync(Who.CenterClient, LabIdentities.Center, cancellationToken);

    void IBrokerObserver.Refused(BrokerRefusal refusal)
    {
        if (refusal.Kind == RefusalKind.Protocol) _protocol.Enqueue(refusal);
        _refusals.Enqueue(refusal.Reason);
    }

    public async ValueTask DisposeAsync()
    {
        Who.Authority.Revoked -= Cut;
        if (_lenient is not null) await _lenient.DisposeAsync();
        await _listener.DisposeAsync();
        await Broker.DisposeAsync();
    }
}
