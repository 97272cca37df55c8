using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Signet.Pki;

namespace Signet.Agent;

/// <summary>How a device does TLS with its broker: 1.3, its own certificate, and its own judgement of the broker's. No network is asked: the path must lead to the pinned root with what the broker sends.</summary>
internal sealed class BrokerTls
{
    private readonly DeviceHome _home;
    private readonly CertificateJudge _judge;
    private readonly SslStreamCertificateContext _own;

    public BrokerTls(DeviceHome home, TimeProvider time)
    {
        _home = home;
        _judge = new CertificateJudge(() => new TrustStore(home.Roots), () => RevocationState.Empty, time);
        _own = SslStreamCertificateContext.Create(home.Certificate, home.Chain, offline: true);
    }

    /// <summary>Why the broker's certificate was refused at the last handshake; null when it was not. The handshake's own error does not say.</summary>
    public string? LastRefusal { get; private set; }

    public SslClientAuthenticationOptions Options() => new()
    {
        TargetHost = _home.Settings.BrokerHost,
        EnabledSslProtocols = SslProtocols.Tls13,
        ClientCertificateContext = _own,
        // The broker gives no tickets; without this the platform keeps a TLS context for each certificate this process ever had.
        AllowTlsResume = false,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        RemoteCertificateValidationCallback = (_, certificate, chain, _) => (LastRefusal = Refusal(certificate as X509Certificate2, chain)) is null,
    };

    private string? Refusal(X509Certificate2? certificate, X509Chain? chain)
    {
        var sent = new X509Certificate2Collection();
        foreach (var element in chain?.ChainPolicy.ExtraStore ?? []) sent.Add(element);
        var verdict = _judge.Judge(certificate, sent, CertificatePurpose.TlsServer);
        if (!verdict.Accepted) return $"the broker's certificate is refused: {verdict.Detail}";
        if (verdict.Identity!.Profile is not (null or CertificateProfile.Broker)) return $"the broker's certificate is one for a {verdict.Identity.Profile}";
        // RFC 9525: the subject alternative name counts, the common name does not, and no wildcards here.
        return certificate!.MatchesHostname(_home.Settings.BrokerHost, allowWildcards: false, allowCommonName: false)
            ? null
            : $"the broker's certificate does not name {_home.Settings.BrokerHost}";
    }
}
