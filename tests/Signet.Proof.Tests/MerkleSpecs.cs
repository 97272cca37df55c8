using System.Security.Cryptography;
using System.Text;

namespace Signet.Proof.Tests;

public class MerkleSpecs
{
    private static readonly List<Digest> Leaves = [.. Enumerable.Range(0, 140).Select(i => MerkleTree.LeafHash(Encoding.ASCII.GetBytes($"entry {i}")))];

    private static MerkleNodes Nodes => (level, index) => MerkleTree.Root([.. Leaves.Skip((int)(index << level)).Take(1 << level)]);

    // RFC 9162 2.1.1 word by word, as something to compare with.
    private static Digest Defined(IReadOnlyList<Digest> leaves)
    {
        if (leaves.Count == 0) return Digest.From(SHA256.HashData([]));
        if (leaves.Count == 1) return leaves[0];
        var k = 1;
        while (k * 2 < leaves.Count) k *= 2;
        return Digest.From(SHA256.HashData([1, .. Defined([.. leaves.Take(k)]).ToArray(), .. Defined([.. leaves.Skip(k)]).ToArray()]));
    }

    [Fact]
    public void The_known_roots_of_certificate_transparency_come_out()
    {
        // Reference vectors of RFC 6962 implementations (eight leaves).
        string[] inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
        var leaves = inputs.Select(i => MerkleTree.LeafHash(Convert.FromHexString(i))).ToList();
        MerkleTree.Root([]).ToString().ShouldBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        MerkleTree.Root([.. leaves.Take(1)]).ToString().ShouldBe("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        MerkleTree.Root([.. leaves.Take(2)]).ToString().ShouldBe("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
        MerkleTree.Root(leaves).ToString().ShouldBe("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    [Fact]
    public void Root_and_frontier_agree_with_the_definition_at_every_size()
    {
        var frontier = new MerkleFrontier();
        for (var size = 0; size <= Leaves.Count; size++)
        {
            var defined = Defined([.. Leaves.Take(size)]);
            frontier.Root().ShouldBe(defined);
            MerkleTree.Root(size, Nodes).ShouldBe(defined);
            MerkleFrontier.At(size, Nodes).Nodes.ShouldBe(frontier.Nodes);
            if (size < Leaves.Count) frontier.Append(Leaves[size], (level, index, hash) => hash.ShouldBe(Nodes(level, index)));
        }
    }

    [Fact]
    public void Every_inclusion_is_proven_and_no_other_leaf_place_or_size_passes()
    {
        for (var size = 1; size <= 70; size++)
        {
            var root = Defined([.. Leaves.Take(size)]);
            for (var index = 0; index < size; index++)
            {
                var proof = MerkleTree.InclusionProof(index, size, Nodes);
                MerkleTree.VerifyInclusion(Leaves[index], index, size, proof, root).ShouldBeTrue();
                MerkleTree.VerifyInclusion(Leaves[(index + 1) % Leaves.Count], index, size, proof, root).ShouldBeFalse();
                if (size > 1) MerkleTree.VerifyInclusion(Leaves[index], (index + 1) % size, size, proof, root).ShouldBeFalse();
                MerkleTree.VerifyInclusion(Leaves[index], index, size, [.. proof, root], root).ShouldBeFalse();
                if (proof.Count > 0) MerkleTree.VerifyInclusion(Leaves[index], index, size, [.. proof.Skip(1)], root).ShouldBeFalse();
            }
        }
    }

    [Fact]
    public void Every_growth_is_proven_and_no_other_history_passes()
    {
        for (var size = 0; size <= 70; size++)
            for (var old = 0; old <= size; old++)
            {
                var (oldRoot, root) = (Defined([.. Leaves.Take(old)]), Defined([.. Leaves.Take(size)]));
                var proof = MerkleTree.ConsistencyProof(old, size, Nodes);
                MerkleTree.VerifyConsistency(old, oldRoot, size, root, proof).ShouldBeTrue($"{old} -> {size}");
                if (old > 0) MerkleTree.VerifyConsistency(old, Leaves[100], size, root, proof).ShouldBeFalse();
                if (old > 0) MerkleTree.VerifyConsistency(old, oldRoot, size, Leaves[101], proof).ShouldBeFalse();
                MerkleTree.VerifyConsistency(old, oldRoot, size, root, [.. proof, root]).ShouldBeFalse();
            }
    }

    [Fact]
    public void Sizes_that_cannot_be_are_the_callers_mistake_in_making_and_false_in_checking()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => MerkleTree.InclusionProof(5, 5, Nodes));
        Should.Throw<ArgumentOutOfRangeException>(() => MerkleTree.ConsistencyProof(6, 5, Nodes));
        MerkleTree.VerifyInclusion(default, -1, 5, [], default).ShouldBeFalse();
        MerkleTree.VerifyConsistency(6, default, 5, default, []).ShouldBeFalse();
        MerkleTree.VerifyInclusion(default, 0, long.MaxValue, [.. Enumerable.Repeat(Digest.Zero, 65)], default).ShouldBeFalse();
    }
}
