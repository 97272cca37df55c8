using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>
/// Decides about a peer's certificate without ever touching the network: path to one of our roots, revocation, time, purpose, names, in this order.
/// Safe for any number of threads. The path is built once for each certificate and remembered by its SHA-256; time and revocation are looked at
/// every time, so a swapped <see cref="RevocationState"/> acts on the next call. Only genuine paths are remembered: strangers cannot fill the memory.
/// </summary>
public sealed class CertificateJudge(Func<TrustStore> trust, Func<RevocationState> revocations, TimeProvider time)
{
    private readonly ConcurrentDictionary<Digest, JudgedPath> _paths = new();

    /// <param name="leaf">What the peer sent first; null when it sent nothing.</param>
    /// <param name="sent">Further certificates it sent, used to find a path, never trusted.</param>
    /// <param name="purpose">What it wants to do.</param>
    public CertificateVerdict Judge(X509Certificate2? leaf, X509Certificate2Collection? sent, CertificatePurpose purpose) => Judge(leaf, sent, purpose, TimeSpan.Zero);

    /// <summary>
    /// For the one door that a device may use when it comes back after its certificate expired: renewing it. Expired is accepted up to <paramref name="maximumAbsence"/>, nothing else is:
    /// what was ever revoked stays revoked, whenever it expired. Never use this for anything but re-enrolment.
    /// </summary>
    public CertificateVerdict JudgeForRenewal(X509Certificate2? leaf, X509Certificate2Collection? sent, TimeSpan maximumAbsence)
    {
        var verdict = Judge(leaf, sent, CertificatePurpose.TlsClient, maximumAbsence);
        return verdict.Accepted && verdict.Identity!.Profile != CertificateProfile.Device
            ? verdict with { Refusal = CertificateRefusal.WrongUsage, Detail = "only a device's certificate can be renewed this way" } : verdict;
    }

    private CertificateVerdict Judge(X509Certificate2? leaf, X509Certificate2Collection? sent, CertificatePurpose purpose, TimeSpan absence)
    {
        if (leaf is null) return new(CertificateRefusal.Missing, "no certificate was sent", null);
        var digest = Digest.Of(leaf);
        var store = trust();
        var now = time.GetUtcNow();
        if (!_paths.TryGetValue(digest, out var path) || path.Trust != store || path.EndOfAuthorities <= now)
        {
            path = JudgedPath.Build(leaf, sent, store, now, out var why);
            if (path is null) return new(CertificateRefusal.Untrusted, why, null);
            if (_paths.Count >= PkiLimits.CachedPaths) _paths.Clear();
            _paths[digest] = path;
        }

        return path.Judge(purpose, revocations(), now, absence);
    }

    // 256 bits as a key without an allocation.
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Digest(UInt128 High, UInt128 Low)
    {
        public static Digest Of(X509Certificate2 certificate)
        {
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(certificate.RawDataMemory.Span, hash);
            return new(MemoryMarshal.Read<UInt128>(hash), MemoryMarshal.Read<UInt128>(hash[16..]));
        }
    }
}
