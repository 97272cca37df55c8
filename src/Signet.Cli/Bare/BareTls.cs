using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Cli.Shell;
using Signet.Pki;

namespace Signet.Cli.Bare;

/// <summary>The bare broker's side of mutual TLS, from other people's PEM files. The revocation list is read again on <see cref="Reload"/>.</summary>
internal sealed class BareTls
{
    private readonly SslStreamCertificateContext _server;
    private readonly TrustStore _trust;
    private readonly CertificateJudge _judge;
    private readonly string? _crl;
    private volatile RevocationState _revoked;

    /// <exception cref="CliException">A file is missing or is not what it should be.</exception>
    public BareTls(string ca, string cert, string key, string? crl)
    {
        _crl = crl;
        _server = ServerContext(cert, key);
        var authorities = Certificates(ca);
        _trust = new(authorities.Where(IsSelfSigned), authorities.Where(certificate => !IsSelfSigned(certificate)));
        _revoked = ReadList();
        _judge = new(() => _trust, () => _revoked, TimeProvider.System);
    }

    public SslServerAuthenticationOptions Server => new() { ServerCertificateContext = _server, EnabledSslProtocols = SslProtocols.Tls13 };

    /// <summary>Null: accepted; else why not.</summary>
    public string? WhyNot(X509Certificate2? leaf, X509Certificate2Collection? sent)
    {
        var verdict = _judge.Judge(leaf, sent, CertificatePurpose.TlsClient);
        return verdict.Refusal == CertificateRefusal.None ? null : verdict.Detail;
    }

    /// <exception cref="CliException">The list cannot be read; the one before stays in force.</exception>
    public void Reload() => _revoked = ReadList();

    private RevocationState ReadList()
    {
        if (_crl is null) return RevocationState.Empty;
        try
        {
            return ForeignLists.Load(_crl, _trust, out _);
        }
        catch (PkiException e)
        {
            throw new CliException(ExitCode.WrongUsage, $"--crl: {e.Message}");
        }
    }

    private static SslStreamCertificateContext ServerContext(string certFile, string keyFile)
    {
        using var key = KeyFile.Load(keyFile);
        var chain = Certificates(certFile);
        var leaf = key switch
        {
            RSA rsa => chain[0].CopyWithPrivateKey(rsa),
            ECDsa ec => chain[0].CopyWithPrivateKey(ec),
            _ => throw new CliException(ExitCode.WrongUsage, $"The key of {certFile} is of a kind that TLS cannot use here."),
        };
        return SslStreamCertificateContext.Create(leaf, new X509Certificate2Collection(chain.Skip(1).ToArray()), offline: true);
    }

    private static X509Certificate2Collection Certificates(string file)
    {
        var found = new X509Certificate2Collection();
        try
        {
            found.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new CliException(ExitCode.WrongUsage, $"{file} cannot be read: {e.Message}");
        }

        return found.Count > 0 ? found : throw new CliException(ExitCode.WrongUsage, $"{file} holds no certificate in PEM.");
    }

    private static bool IsSelfSigned(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);
}
