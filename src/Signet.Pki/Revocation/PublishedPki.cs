using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>
/// What the PKI endpoint gives to everybody: at the addresses that stand in certificates and lists (<see cref="PublicAddresses"/>), for every authority there ever was,
/// and at <c>/crl/root.crl</c>, <c>/crl/intermediate.crl</c>, <c>/ca/root.crt</c>, <c>/ca/intermediate.crt</c> for the present ones. Read at each request: a revocation swaps the lists.
/// </summary>
public sealed class PublishedPki(CertificateAuthority authority)
{
    public const string CrlType = "application/pkix-crl";
    public const string CertificateType = "application/pkix-cert";

    /// <param name="path">As in the request line, without the host.</param>
    /// <returns>DER and its media type; null when nothing is published there.</returns>
    public (string Type, byte[] Der)? Find(string path) => path.Split('/') switch
    {
        ["", "crl", var file] when NameOf(file, ".crl") is { } name => Crl(name) is { } list ? (CrlType, list) : null,
        ["", "ca", var file] when NameOf(file, ".crt") is { } name => Authority(name) is { } certificate ? (CertificateType, certificate.RawData) : null,
        _ => null,
    };

    private byte[]? Crl(string name)
    {
        const string Delta = "-delta";
        var isDelta = name.EndsWith(Delta, StringComparison.Ordinal);
        if (Authority(isDelta ? name[..^Delta.Length] : name) is not { } issuer) return null;
        var id = DistinguishedNames.Id(issuer.SubjectName);
        return (isDelta ? authority.Deltas : authority.Lists).FirstOrDefault(l => l.Issuer == id)?.Der;
    }

    private X509Certificate2? Authority(string name) => name switch
    {
        "root" => authority.Root,
        "intermediate" => authority.Intermediate,
        _ => authority.Authorities.FirstOrDefault(a => PublicAddresses.FileNameOf(a) == name),
    };

    private static string? NameOf(string file, string end) => file.EndsWith(end, StringComparison.Ordinal) ? file[..^end.Length] : null;
}
