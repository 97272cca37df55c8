using System.Numerics;

namespace Signet.Proof;

/// <summary>The hash of a complete subtree of 2^<paramref name="level"/> leaves: leaf <c>index·2^level</c> and those after it.</summary>
public delegate Digest MerkleNodes(int level, long index);

/// <summary>
/// RFC 9162 section 2.1: the binary Merkle tree of an append-only log.
/// leaf = SHA-256(0x00 || data), node = SHA-256(0x01 || left || right), root of the empty tree = SHA-256("").
/// Proofs are made from a source of complete-subtree hashes, so their cost is the tree's height, not its size.
/// The other side's bad proof is <c>false</c>; a size or index that cannot be is the caller's mistake and throws.
/// </summary>
public static class MerkleTree
{
    /// <summary>More hashes than any proof of a tree with fewer than 2^63 leaves can have.</summary>
    public const int MaximumProofLength = 64;

    public static Digest EmptyRoot { get; } = Digest.Sha256([]);

    public static Digest LeafHash(ReadOnlySpan<byte> data)
    {
        Span<byte> buffer = data.Length < 1024 ? stackalloc byte[data.Length + 1] : new byte[data.Length + 1];
        buffer[0] = 0;
        data.CopyTo(buffer[1..]);
        return Digest.Sha256(buffer);
    }

    public static Digest NodeHash(in Digest left, in Digest right)
    {
        Span<byte> buffer = stackalloc byte[1 + 2 * Digest.Size];
        buffer[0] = 1;
        left.CopyTo(buffer[1..]);
        right.CopyTo(buffer[(1 + Digest.Size)..]);
        return Digest.Sha256(buffer);
    }

    /// <summary>Root over leaf hashes held in memory.</summary>
    public static Digest Root(IReadOnlyList<Digest> leaves)
    {
        var frontier = new MerkleFrontier();
        foreach (var leaf in leaves) frontier.Append(leaf);
        return frontier.Root();
    }

    /// <summary>Root of the first <paramref name="size"/> leaves.</summary>
    public static Digest Root(long size, MerkleNodes nodes) => size == 0 ? EmptyRoot : Range(0, size, nodes);

    /// <summary>RFC 9162 2.1.3.1. Hashes from the leaf upwards.</summary>
    public static IReadOnlyList<Digest> InclusionProof(long index, long size, MerkleNodes nodes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        var proof = new List<Digest>();
        Path(index, 0, size, nodes, proof);
        return proof;
    }

    /// <summary>RFC 9162 2.1.3.2.</summary>
    public static bool VerifyInclusion(Digest leaf, long index, long size, IReadOnlyList<Digest> proof, Digest root)
    {
        if (index < 0 || index >= size || proof.Count > MaximumProofLength) return false;
        var (fn, sn, hash) = (index, size - 1, leaf);
        foreach (var p in proof)
        {
            if (sn == 0) return false;
            if ((fn & 1) == 1 || fn == sn)
            {
                hash = NodeHash(p, hash);
                while ((fn & 1) == 0 && fn != 0)
                {
                    fn >>= 1;
                    sn >>= 1;
                }
            }
            else
            {
                hash = NodeHash(hash, p);
            }
            fn >>= 1;
            sn >>= 1;
        }
        return sn == 0 && hash == root;
    }

    /// <summary>RFC 9162 2.1.4.1: that the tree of <paramref name="oldSize"/> leaves is the beginning of the tree of <paramref name="size"/>. Empty when they are equal or the old one is empty.</summary>
    public static IReadOnlyList<Digest> ConsistencyProof(long oldSize, long size, MerkleNodes nodes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(oldSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(oldSize, size);
        var proof = new List<Digest>();
        if (oldSize != 0 && oldSize != size) Subproof(oldSize, 0, size, complete: true, nodes, proof);
        return proof;
    }

    /// <summary>RFC 9162 2.1.4.2. An empty old tree is consistent with every tree.</summary>
    public static bool VerifyConsistency(long oldSize, Digest oldRoot, long size, Digest root, IReadOnlyList<Digest> proof)
    {
        if (oldSize < 0 || oldSize > size || proof.Count > MaximumProofLength) return false;
        if (oldSize == 0) return proof.Count == 0 && oldRoot == EmptyRoot;
        if (oldSize == size) return proof.Count == 0 && oldRoot == root;

        var next = 0;
        var (fn, sn) = (oldSize - 1, size - 1);
        while ((fn & 1) == 1)
        {
            fn >>= 1;
            sn >>= 1;
        }
        // A complete old tree is itself the first hash and is left out of the proof.
        if (!BitOperations.IsPow2(oldSize) && proof.Count == 0) return false;
        var first = BitOperations.IsPow2(oldSize) ? oldRoot : proof[next++];
        var (fr, sr) = (first, first);
        for (; next < proof.Count; next++)
        {
            if (sn == 0) return false;
            if ((fn & 1) == 1 || fn == sn)
            {
                fr = NodeHash(proof[next], fr);
                sr = NodeHash(proof[next], sr);
                while ((fn & 1) == 0 && fn != 0)
                {
                    fn >>= 1;
                    sn >>= 1;
                }
            }
            else
            {
                sr = NodeHash(sr, proof[next]);
            }
            fn >>= 1;
            sn >>= 1;
        }
        return sn == 0 && fr == oldRoot && sr == root;
    }

    private static Digest Range(long start, long end, MerkleNodes nodes)
    {
        var count = end - start;
        if (BitOperations.IsPow2(count))
        {
            var level = BitOperations.Log2((ulong)count);
            return nodes(level, start >> level);
        }
        var split = start + Split(count);
        return NodeHash(Range(start, split, nodes), Range(split, end, nodes));
    }

    private static void Path(long index, long start, long end, MerkleNodes nodes, List<Digest> proof)
    {
        if (end - start == 1) return;
        var split = start + Split(end - start);
        var isLeft = index < split;
        Path(index, isLeft ? start : split, isLeft ? split : end, nodes, proof);
        proof.Add(isLeft ? Range(split, end, nodes) : Range(start, split, nodes));
    }

    private static void Subproof(long oldSize, long start, long end, bool complete, MerkleNodes nodes, List<Digest> proof)
    {
        if (oldSize == end)
        {
            if (!complete) proof.Add(Range(start, end, nodes));
            return;
        }
        var split = start + Split(end - start);
        if (oldSize <= split)
        {
            Subproof(oldSize, start, split, complete, nodes, proof);
            proof.Add(Range(split, end, nodes));
        }
        else
        {
            Subproof(oldSize, split, end, complete: false, nodes, proof);
            proof.Add(Range(start, split, nodes));
        }
    }

    // The largest power of two smaller than count (RFC 9162's k).
    private static long Split(long count) => 1L << BitOperations.Log2((ulong)(count - 1));
}
