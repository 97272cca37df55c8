namespace Signet.Pki;

/// <summary>One certificate of this authority's making, and what became of it.</summary>
/// <param name="Serial">Lower-case hexadecimal.</param>
/// <param name="Issuer">Key of the issuing authority, as in <see cref="RevokedCertificate"/>.</param>
/// <param name="Thumbprint">SHA-256 of the DER, base64url.</param>
/// <param name="Key">SHA-256 of the public key (SubjectPublicKeyInfo), base64url; null in lines of an imported authority.</param>
/// <param name="RevokedAt">Null: not revoked (or the hold was undone).</param>
public sealed record LedgerEntry(
    string Serial, string Issuer, CertificateProfile Profile, string Name, string Thumbprint, DateTimeOffset NotBefore, DateTimeOffset NotAfter,
    DateTimeOffset IssuedAt, DateTimeOffset? RevokedAt = null, RevocationReason? Reason = null, string? Key = null)
{
    public bool IsRevoked => RevokedAt is not null;
}
