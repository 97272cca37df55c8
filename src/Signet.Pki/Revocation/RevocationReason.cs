namespace Signet.Pki;

/// <summary>CRLReason of RFC 5280, section 5.3.1, with its numbers.</summary>
public enum RevocationReason
{
    Unspecified = 0,
    KeyCompromise = 1,
    CaCompromise = 2,
    AffiliationChanged = 3,
    Superseded = 4,
    CessationOfOperation = 5,

    /// <summary>The only one that can be undone.</summary>
    CertificateHold = 6,

    /// <summary>Only inside a delta CRL: a hold was undone.</summary>
    RemoveFromCrl = 8,
    PrivilegeWithdrawn = 9,
    AaCompromise = 10,
}
