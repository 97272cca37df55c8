using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>Root, intermediate, ledger and revocation lists in one directory. Safe for any number of threads; one process at a time.</summary>
public sealed class CertificateAuthority : IDisposable
{
    private CertificateAuthority() => throw new NotSupportedException("lands next");

    /// <summary>Makes a new authority in an empty or missing directory.</summary>
    public static CertificateAuthority Create(string directory, AuthorityOptions options, TimeProvider time, RandomNumberGenerator random)
        => throw new NotSupportedException($"lands next {directory}{options}{time}{random}");

    /// <exception cref="PkiException">Files are missing, contradict each other or are readable by others; one clear line.</exception>
    public static CertificateAuthority Open(string directory, AuthorityOptions options, TimeProvider time, RandomNumberGenerator random)
        => throw new NotSupportedException($"lands next {directory}{options}{time}{random}");

    public X509Certificate2 Root { get; } = null!;

    /// <summary>The one that issues now.</summary>
    public X509Certificate2 Intermediate { get; } = null!;

    /// <summary>Intermediate and root, for a server's own chain.</summary>
    public X509Certificate2Collection Chain { get; } = [];

    public TrustStore Trust { get; } = null!;

    /// <summary>The present state; swapped as a whole.</summary>
    public RevocationState Revocations { get; } = RevocationState.Empty;

    /// <summary>A judge over this authority's roots and revocations.</summary>
    public CertificateJudge Judge { get; } = null!;

    /// <summary>Everything ever issued, oldest first: a snapshot.</summary>
    public IReadOnlyList<LedgerEntry> Ledger { get; } = [];

    /// <summary>Latest revocation list of the root, DER.</summary>
    public byte[] RootCrl { get; } = [];

    /// <summary>Latest revocation list of the intermediate, DER.</summary>
    public byte[] IntermediateCrl { get; } = [];

    /// <summary>Raised after a revocation is durable and in force.</summary>
    public event Action<RevocationResult>? Revoked;

    /// <summary>Makes a key and a certificate for it.</summary>
    /// <exception cref="ArgumentException">The spec asks for something the profile does not allow (the message says what).</exception>
    public IssuedCertificate Issue(CertificateRequestSpec spec) => throw new NotSupportedException($"lands next {spec}");

    /// <summary>A certificate for a key that stays with its owner.</summary>
    /// <param name="subjectPublicKeyInfo">DER, from an intake that has seen proof of possession.</param>
    public IssuedCertificate IssueFor(CertificateRequestSpec spec, PublicKey subjectPublicKeyInfo) => throw new NotSupportedException($"lands next {spec}{subjectPublicKeyInfo.EncodedKeyValue.RawData.Length}");

    public LedgerEntry? Find(string serial) => throw new NotSupportedException($"lands next {serial}");

    /// <summary>Everything issued to a name, oldest first.</summary>
    public IReadOnlyList<LedgerEntry> FindByName(string name) => throw new NotSupportedException($"lands next {name}");

    /// <summary>The ledger is durable, the CRL rewritten and the state swapped when this returns.</summary>
    public RevocationResult Revoke(string serial, RevocationReason reason) => Revoke([serial], reason);

    /// <summary>Many at once: one ledger write, one CRL. Unknown and already revoked serials are passed over; the outcome is <see cref="RevocationOutcome.Done"/> when at least one changed.</summary>
    public RevocationResult Revoke(IReadOnlyCollection<string> serials, RevocationReason reason)
    {
        Revoked?.Invoke(null!);
        throw new NotSupportedException($"lands next {serials}{reason}");
    }

    /// <summary>Undoes a <see cref="RevocationReason.CertificateHold"/>.</summary>
    public RevocationResult Release(string serial) => throw new NotSupportedException($"lands next {serial}");

    /// <summary>Writes new lists where the present ones are past half their life; call it from time to time.</summary>
    public void RenewCrls() => throw new NotSupportedException("lands next");

    public void Dispose() => throw new NotSupportedException("lands next");
}
