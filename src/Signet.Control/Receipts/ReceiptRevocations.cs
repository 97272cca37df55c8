using System.Security.Cryptography.X509Certificates;
using Signet.Pki;
using Signet.Proof;

namespace Signet.Control;

/// <summary>A certificate of a receipt that a revocation list names.</summary>
/// <param name="Part">Whose: <c>device</c>, <c>command-signer</c>, <c>checkpoint-signer</c> or <c>authority</c>.</param>
/// <param name="At">Since when it is revoked.</param>
/// <param name="Reason">As <c>key-compromise</c>.</param>
/// <param name="IsLater">After the checkpoint, at whose time the receipt was judged.</param>
public sealed record RevokedSigner(string Part, DateTimeOffset At, string Reason, bool IsLater);

/// <summary>
/// What revocation lists say about who signed a receipt, beside the verdict of <see cref="ReceiptVerifier"/>, which it does not change: what was signed and on the record before somebody lost a key stays
/// what it was, and who reads it decides what it is worth.
/// </summary>
public static class ReceiptRevocations
{
    /// <summary>None, when the file is not valid or no list names any of its certificates.</summary>
    /// <param name="file">The file.</param>
    /// <param name="roots">Self-signed certificates the caller trusts.</param>
    /// <param name="lists">Paths of lists, in DER or PEM.</param>
    /// <exception cref="PkiException">A list cannot be read, or is signed neither by a root nor by the authority of this receipt.</exception>
    public static IReadOnlyList<RevokedSigner> Find(ReadOnlySpan<byte> file, IReadOnlyCollection<X509Certificate2> roots, IEnumerable<string> lists)
    {
        if (!ReceiptVerifier.Verify(file, roots).Valid || !ReceiptFormat.TryRead(file, out var format, out _) || !Checkpoint.TryParse(format.Checkpoint, out var checkpoint, out _)) return [];
        // That it stands under a root was checked with the rest.
        using var authority = X509CertificateLoader.LoadCertificate(format.Authority);
        var trust = new TrustStore(roots, [authority]);
        var revoked = lists.Aggregate(RevocationState.Empty, (state, path) => state.With(ForeignLists.Load(path, trust, out _).All));
        (string Part, byte[] Der)[] signers = [("device", format.Device), ("command-signer", format.Signer), ("checkpoint-signer", format.Witness), ("authority", format.Authority)];
        var found = new List<RevokedSigner>();
        foreach (var (part, der) in signers)
        {
            using var certificate = X509CertificateLoader.LoadCertificate(der);
            if (revoked.TryFind(CertificateFacts.NameId(certificate.IssuerName), CertificateFacts.Serial(certificate), out var entry)) found.Add(new(part, entry.At, Words.Of(entry.Reason), entry.At > checkpoint.Time));
        }

        return found;
    }
}
