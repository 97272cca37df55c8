using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>
/// Where the PKI endpoint publishes: <c>/crl/NAME.crl</c>, <c>/crl/NAME-delta.crl</c>, <c>/ca/NAME.crt</c> (both DER) and <c>/ocsp</c>. NAME is the issuer's <see cref="FileNameOf"/>:
/// it stays true after a rotation, for certificates that carry the address inside.
/// </summary>
public sealed class PublicAddresses(Uri publicUrl)
{
    private readonly string _base = publicUrl.AbsoluteUri.TrimEnd('/');

    /// <summary>NAME of an authority: the first 16 hexadecimal digits of its key identifier.</summary>
    public static string FileNameOf(X509Certificate2 authority)
    {
        var id = authority.Extensions.OfType<X509SubjectKeyIdentifierExtension>().FirstOrDefault()?.SubjectKeyIdentifier ?? CertificateFacts.Serial(authority);
        return id.ToLowerInvariant()[..Math.Min(16, id.Length)];
    }

    public string Crl(X509Certificate2 issuer) => $"{_base}/crl/{FileNameOf(issuer)}.crl";

    public string Delta(X509Certificate2 issuer) => $"{_base}/crl/{FileNameOf(issuer)}-delta.crl";

    public string Certificate(X509Certificate2 issuer) => $"{_base}/ca/{FileNameOf(issuer)}.crt";

    public string Ocsp => $"{_base}/ocsp";

    internal IEnumerable<X509Extension> For(X509Certificate2 issuer)
    {
        yield return CertificateRevocationListBuilder.BuildCrlDistributionPointExtension([Crl(issuer)]);
        yield return new X509AuthorityInformationAccessExtension([Ocsp], [Certificate(issuer)]);
    }
}
