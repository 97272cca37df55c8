namespace Signet.Pki;

/// <summary>Object identifiers by the name their specification gives them.</summary>
internal static class Oids
{
    public const string CommonName = "2.5.4.3";
    public const string Organization = "2.5.4.10";

    public const string SubjectAltName = "2.5.29.17";
    public const string CrlNumber = "2.5.29.20";
    public const string CrlReason = "2.5.29.21";
    public const string DeltaCrlIndicator = "2.5.29.27";
    public const string IssuingDistributionPoint = "2.5.29.28";
    public const string NameConstraints = "2.5.29.30";
    public const string CrlDistributionPoints = "2.5.29.31";
    public const string FreshestCrl = "2.5.29.46";
    public const string AuthorityKeyIdentifier = "2.5.29.35";
    public const string AuthorityInformationAccess = "1.3.6.1.5.5.7.1.1";

    public const string ServerAuth = "1.3.6.1.5.5.7.3.1";
    public const string ClientAuth = "1.3.6.1.5.5.7.3.2";
    public const string OcspSigning = "1.3.6.1.5.5.7.3.9";
    public const string OcspNoCheck = "1.3.6.1.5.5.7.48.1.5";

    /// <summary>
    /// Signet's own arc: a random UUID in seven numbers, under the arc that Microsoft leaves open to everybody for that. Every number fits 24 bits: Go's crypto/x509 reads none above 31 bits,
    /// python3-cryptography before 39 none above 63, and a certificate with an identifier that cannot be read cannot be used at all there.
    /// </summary>
    private const string Signet = "1.2.840.113556.1.8000.2554.16367.2085.54269.17284.45471.4004546.4864745";

    public const string CommandSigning = Signet + ".1";
    public const string CheckpointSigning = Signet + ".2";
    public const string Sealing = Signet + ".3";

    // The same UUID as one number of 127 bits (ITU-T X.667): in certificates of earlier versions.
    private const string FormerSignet = "2.25.84982487939965880188292412488649685737.";

    /// <summary>A usage of ours as it was written formerly, in today's writing; every other as it is.</summary>
    public static string Present(string usage) => usage.StartsWith(FormerSignet, StringComparison.Ordinal) ? $"{Signet}.{usage.AsSpan(FormerSignet.Length)}" : usage;

    /// <summary>MD2, MD4, MD5 and SHA-1 under RSA, DSA and ECDSA: forgeable, refused anywhere on a path.</summary>
    public static readonly IReadOnlySet<string> BrokenSignatures = new HashSet<string>(StringComparer.Ordinal)
    {
        "1.2.840.113549.1.1.2", "1.2.840.113549.1.1.3", "1.2.840.113549.1.1.4", "1.2.840.113549.1.1.5", "1.2.840.10040.4.3", "1.2.840.10045.4.1", "1.3.14.3.2.29",
    };
}
