using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Mqtt.Broker.Transport;

/// <summary>What came of the client's certificate in one handshake.</summary>
internal sealed class Judgement
{
    public string? Refusal { get; set; }

    public X509Certificate2? Certificate { get; set; }
}

/// <summary>
/// TLS as this listener does it, over what its owner chose: no tickets (a resumed session would skip the check of revocation), no network during a handshake,
/// TLS 1.3 unless the owner says otherwise. The platform's own chain building is kept from searching: the owner's validator decides.
/// "Resume" is allowed to the platform only where <see cref="OpenSsl"/> gives out nothing to resume with: it is the platform's condition for sharing one context.
/// </summary>
internal sealed class TlsTerms(Func<SslServerAuthenticationOptions> owner, Func<X509Certificate2?, X509Certificate2Collection, string?>? validate)
{
    private (X509Certificate2 Certificate, SslStreamCertificateContext Context)? prepared;

    public SslServerAuthenticationOptions For(Judgement judgement)
    {
        var o = owner();
        var context = o.ServerCertificateContext ?? (o.ServerCertificate is X509Certificate2 certificate ? Prepare(certificate) : null);
        var protocols = o.EnabledSslProtocols == SslProtocols.None ? SslProtocols.Tls13 : o.EnabledSslProtocols;
        var terms = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = context, ServerCertificateSelectionCallback = context is null ? o.ServerCertificateSelectionCallback : null,
            EnabledSslProtocols = protocols, CipherSuitesPolicy = o.CipherSuitesPolicy,
            ApplicationProtocols = o.ApplicationProtocols, AllowRenegotiation = false, AllowTlsResume = protocols == SslProtocols.Tls13 && OpenSsl.IssuesNoTickets, CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        };
        if (validate is null) return terms;
        terms.ClientCertificateRequired = true;
        terms.CertificateChainPolicy = o.CertificateChainPolicy ?? NoSearch();
        terms.RemoteCertificateValidationCallback = (_, certificate, chain, _) => Judge(certificate, chain, judgement);
        return terms;
    }

    private bool Judge(X509Certificate? certificate, X509Chain? chain, Judgement judgement)
    {
        var leaf = certificate as X509Certificate2;
        judgement.Certificate = leaf;
        try
        {
            judgement.Refusal = validate!(leaf, chain?.ChainPolicy.ExtraStore ?? []);
        }
        catch (Exception e)
        {
            judgement.Refusal = "the certificate could not be judged: " + e.Message;
        }

        return judgement.Refusal is null;
    }

    private SslStreamCertificateContext Prepare(X509Certificate2 certificate)
    {
        if (prepared is { } known && ReferenceEquals(known.Certificate, certificate)) return known.Context;
        var context = SslStreamCertificateContext.Create(certificate, null, offline: true);
        prepared = (certificate, context);
        return context;
    }

    /// <summary>An empty trust store ends the platform's chain building at once: no search through directories, no downloads.</summary>
    private static X509ChainPolicy NoSearch() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true, VerificationFlags = X509VerificationFlags.AllFlags,
    };
}
