namespace Signet.Pki;

public enum RevocationOutcome
{
    Done = 0,
    UnknownSerial = 1,

    /// <summary>It was revoked before; the first date and reason stand.</summary>
    AlreadyRevoked = 2,

    /// <summary>Only <see cref="RevocationReason.CertificateHold"/> can be undone.</summary>
    NotOnHold = 3,
}

/// <summary>What a revocation did.</summary>
/// <param name="Entries">The ledger's entries after the change; empty when nothing changed.</param>
/// <param name="CrlNumber">Number of the CRL that carries it; null when nothing changed.</param>
/// <param name="Detail">One line that says why nothing changed; empty otherwise.</param>
public sealed record RevocationResult(RevocationOutcome Outcome, IReadOnlyList<LedgerEntry> Entries, long? CrlNumber, string Detail);
