using System.Numerics;

namespace Signet.Proof;

/// <summary>
/// The right edge of a growing tree: the hashes of the complete subtrees that the bits of its size name, largest first.
/// It is all that is needed to append and to know the root: at most 63 hashes for any log.
/// Not safe for several threads.
/// </summary>
public sealed class MerkleFrontier
{
    private readonly List<Digest> _nodes;

    public MerkleFrontier() => _nodes = [];

    private MerkleFrontier(long size, List<Digest> nodes) => (Size, _nodes) = (size, nodes);

    /// <summary>Leaves so far.</summary>
    public long Size { get; private set; }

    /// <summary>One hash for each bit set in <see cref="Size"/>, largest subtree first.</summary>
    public IReadOnlyList<Digest> Nodes => _nodes;

    /// <summary>False when the count of hashes does not fit the size.</summary>
    public static bool TryRestore(long size, IReadOnlyList<Digest> nodes, out MerkleFrontier frontier)
    {
        frontier = new MerkleFrontier(size, [.. nodes]);
        return size >= 0 && nodes.Count == BitOperations.PopCount((ulong)size);
    }

    /// <summary>The frontier of an existing tree.</summary>
    public static MerkleFrontier At(long size, MerkleNodes nodes)
    {
        var edge = new List<Digest>();
        for (var (level, start) = (62, 0L); level >= 0; level--)
            if ((size >> level & 1) == 1)
            {
                edge.Add(nodes(level, start >> level));
                start += 1L << level;
            }
        return new MerkleFrontier(size, edge);
    }

    public MerkleFrontier Copy() => new(Size, [.. _nodes]);

    /// <summary>Adds a leaf hash.</summary>
    /// <param name="leaf">See <see cref="MerkleTree.LeafHash"/>.</param>
    /// <param name="completed">Told of every subtree this leaf completes: level, index, hash.</param>
    public void Append(in Digest leaf, Action<int, long, Digest>? completed = null)
    {
        var hash = leaf;
        var index = Size;
        for (var level = 0; (Size >> level & 1) == 1;)
        {
            hash = MerkleTree.NodeHash(_nodes[^1], hash);
            _nodes.RemoveAt(_nodes.Count - 1);
            level++;
            index >>= 1;
            completed?.Invoke(level, index, hash);
        }
        _nodes.Add(hash);
        Size++;
    }

    public Digest Root()
    {
        if (_nodes.Count == 0) return MerkleTree.EmptyRoot;
        var root = _nodes[^1];
        for (var i = _nodes.Count - 2; i >= 0; i--)
            root = MerkleTree.NodeHash(_nodes[i], root);
        return root;
    }
}
