using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>Reads whom a genuine certificate speaks for.</summary>
internal static class PathIdentity
{
    /// <returns>The identity, and what is wrong with the names ("" when nothing is).</returns>
    public static (CertificateIdentity Identity, string Wrong) Of(X509Certificate2 leaf)
    {
        var common = DistinguishedNames.CommonName(leaf.SubjectName);
        var (name, profile, wrong) = Read(leaf, common);
        return (new(name, profile, CertificateFacts.Serial(leaf), CertificateFacts.Thumbprint(leaf), CertificateFacts.NotAfter(leaf)), wrong);
    }

    private static (string Name, CertificateProfile? Profile, string Wrong) Read(X509Certificate2 leaf, string? common)
    {
        if (AlternativeNames.Of(leaf) is not { } names) return (common ?? "", null, "the subject alternative name cannot be read");
        var ours = names.Uris.Where(u => u.StartsWith("urn:signet:", StringComparison.OrdinalIgnoreCase)).ToList();
        switch (ours)
        {
            case []:
                return common is { Length: > 0 } && CertificateNames.IsOther(common)
                    ? (common, null, "")
                    : (common ?? "", null, "the common name is missing, given twice or no name this house uses");
            case [var only] when CertificateNames.TryParseUrn(only, out var rules, out var name):
                return name == common ? (name, rules.Profile, "") : (name, rules.Profile, "the common name is not the name in its urn:signet URI");
            default:
                return (common ?? "", null, "it names more than one urn:signet identity, or one that cannot be read");
        }
    }
}
