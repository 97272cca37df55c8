namespace Signet.Pki;

/// <summary>Why a certificate was not accepted. Numbers stand in audit entries: append only.</summary>
public enum CertificateRefusal
{
    None = 0,

    /// <summary>The peer sent no certificate.</summary>
    Missing = 1,

    /// <summary>No path to one of our roots: foreign authority, broken signature, violated constraint.</summary>
    Untrusted = 2,
    Expired = 3,
    NotYetValid = 4,

    /// <summary>The leaf, or an authority on its path, is revoked or on hold.</summary>
    Revoked = 5,

    /// <summary>Key usage or extended key usage does not cover the purpose.</summary>
    WrongUsage = 6,

    /// <summary>The names inside contradict each other or are not names this house uses.</summary>
    WrongName = 7,
}

/// <summary>What the peer wants to do with its certificate.</summary>
public enum CertificatePurpose
{
    TlsServer = 1,
    TlsClient = 2,
    CommandSigning = 3,
    Sealing = 4,
    CheckpointSigning = 5,
    OcspSigning = 6,
}

/// <summary>Who an accepted certificate speaks for.</summary>
/// <param name="Name">Name of the device, person or service (from the <c>urn:signet:KIND:NAME</c> URI, else the common name).</param>
/// <param name="Profile">Null when the certificate names no kind: made by another authority's tools. Such a one never is the center.</param>
/// <param name="Serial">Lower-case hexadecimal.</param>
/// <param name="Thumbprint">SHA-256, base64url.</param>
/// <param name="NotAfter">End of validity.</param>
public sealed record CertificateIdentity(string Name, CertificateProfile? Profile, string Serial, string Thumbprint, DateTimeOffset NotAfter);

/// <summary>Outcome of judging a certificate.</summary>
/// <param name="Refusal"><see cref="CertificateRefusal.None"/>: accepted.</param>
/// <param name="Detail">One line for the audit log; empty when accepted.</param>
/// <param name="Identity">Of an accepted certificate. Of a refused one too when its path was genuine (expired, revoked, wrong usage), so the log can say whose it was; null otherwise.</param>
public readonly record struct CertificateVerdict(CertificateRefusal Refusal, string Detail, CertificateIdentity? Identity)
{
    public bool Accepted => Refusal == CertificateRefusal.None && Identity is not null;
}
