using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>
/// Decides about a peer's certificate without ever touching the network: path to one of our roots, purpose, time, revocation.
/// Safe for any number of threads. The path is built once for each certificate; time and revocation are looked at every time,
/// so a swapped <see cref="RevocationState"/> acts on the next call.
/// </summary>
public sealed class CertificateJudge
{
    public CertificateJudge(Func<TrustStore> trust, Func<RevocationState> revocations, TimeProvider time)
    {
        _ = (trust, revocations, time);
        throw new NotSupportedException("lands next");
    }

    /// <param name="leaf">What the peer sent first; null when it sent nothing.</param>
    /// <param name="sent">Further certificates it sent, used to find a path, never trusted.</param>
    /// <param name="purpose">What it wants to do.</param>
    public CertificateVerdict Judge(X509Certificate2? leaf, X509Certificate2Collection? sent, CertificatePurpose purpose)
    {
        _ = (leaf, sent, purpose);
        throw new NotSupportedException("lands next");
    }
}
