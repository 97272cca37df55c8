using System.Text;

namespace Signet.Proof;

/// <summary>
/// How entries hang together: <c>link(i) = SHA-256(leaf(i) || mac(i))</c> covers the body and the HMAC of entry i, and stands as <c>prev</c> inside the body of entry i+1,
/// so the HMAC, the Merkle leaf and every checkpoint over i+1 cover all of entry i as well.
/// </summary>
public static class Chain
{
    /// <summary>What stands before the first entry: SHA-256 of "signet-audit-log-v1\n" and the log's origin, so that entries of two logs never fit together.</summary>
    public static Digest Start(string origin) => Digest.Sha256(Encoding.UTF8.GetBytes("signet-audit-log-v1\n" + origin));

    public static Digest Link(in Digest leaf, in Digest mac)
    {
        Span<byte> both = stackalloc byte[2 * Digest.Size];
        leaf.CopyTo(both);
        mac.CopyTo(both[Digest.Size..]);
        return Digest.Sha256(both);
    }
}
