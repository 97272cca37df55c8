using Signet.Pki;

namespace Signet.Control;

/// <summary>What a revocation did.</summary>
/// <param name="Serials">That were revoked by this call.</param>
/// <param name="Closed">Live sessions that were cut.</param>
public sealed record RevocationReport(IReadOnlyList<string> Serials, int Closed, long CrlNumber);

/// <summary>Certificates as people handle them: every act is authorised and audited, and revoking cuts live sessions.</summary>
public sealed class Certificates
{
    internal Certificates() { }

    /// <summary>Everything issued, newest first.</summary>
    public IReadOnlyList<LedgerEntry> List() => throw new NotSupportedException("lands next");

    /// <summary>Issues a leaf with a new key for somebody to carry away.</summary>
    public Task<Outcome<IssuedCertificate>> IssueAsync(CertificateRequestSpec spec, Actor actor, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>Revokes one serial, or all certificates of a name, and closes their sessions. The center's own need <paramref name="confirmed"/>.</summary>
    public Task<Outcome<RevocationReport>> RevokeAsync(string serialOrName, RevocationReason reason, Actor actor, bool confirmed = false, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>Raised after a revocation is in force: for listeners of one's own (console sessions, event streams). Do not block.</summary>
    public event Action<RevocationReport>? Revoked { add { } remove { } }
}
