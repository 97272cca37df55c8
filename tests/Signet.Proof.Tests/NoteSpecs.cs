using System.Security.Cryptography;
using System.Text;

namespace Signet.Proof.Tests;

public sealed class NoteSpecs : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly CheckpointKey _public;

    public NoteSpecs() => _public = CheckpointKey.Of(_key);

    public void Dispose()
    {
        _public.Dispose();
        _key.Dispose();
    }

    private Checkpoint Sign(long size, string content = "a", long number = 1) => Checkpoint.Sign("signet/audit/0011223344556677", size, Tree(size, content).Root(), number,
        DateTimeOffset.FromUnixTimeMilliseconds(1_772_366_406_559), Digest.Zero, Digest.Sha256("link"u8), Digest.Zero, _key);

    private static Digest Leaf(string content, long i) => MerkleTree.LeafHash(Encoding.UTF8.GetBytes($"{content}{i}"));

    private static MerkleFrontier Tree(long size, string content)
    {
        var tree = new MerkleFrontier();
        for (var i = 0L; i < size; i++) tree.Append(Leaf(content, i));
        return tree;
    }

    private static IReadOnlyList<Digest> Growth(long old, long size) =>
        MerkleTree.ConsistencyProof(old, size, (level, index) => MerkleTree.Root([.. Enumerable.Range(0, 1 << level).Select(i => Leaf("a", (index << level) + i))]));

    [Fact]
    public void A_checkpoint_reads_back_and_its_text_is_as_specified()
    {
        var signed = Sign(5);
        Checkpoint.TryParse(signed.Note, out var read, out _).ShouldBeTrue();
        read.ShouldBe(signed);
        read.Verify([_public]).ShouldBe(CheckpointTrust.Good);
        read.Text.ShouldBe($"signet/audit/0011223344556677\n5\n{signed.Root.ToBase64()}\nnumber 1\ntime 1772366406559\nprev {Digest.Zero.ToBase64()}\nlink {signed.Link.ToBase64()}\nbefore {Digest.Zero.ToBase64()}\n");
        read.Note.ShouldStartWith(read.Text + "\n\u2014 signet/audit/0011223344556677 ");
    }

    [Fact]
    public void Another_key_and_a_damaged_signature_are_told_apart()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var otherPublic = CheckpointKey.Of(other);
        Sign(5).Verify([otherPublic]).ShouldBe(CheckpointTrust.OtherKey);
        Checkpoint.TryParse(Sign(5).Note.Replace("\n5\n", "\n6\n", StringComparison.Ordinal), out var edited, out _).ShouldBeTrue();
        edited.Verify([_public]).ShouldBe(CheckpointTrust.BadSignature);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n\n")]
    [InlineData("a\n\n\u2014 x y\n")]
    [InlineData("a\n\n\u2014 a+b AAAAAAAA\n")]
    public void What_is_no_note_is_refused_with_a_reason(string note)
    {
        Checkpoint.TryParse(note, out _, out var why).ShouldBeFalse();
        why.ShouldNotBeEmpty();
    }

    [Fact]
    public void A_trust_file_with_a_private_key_is_refused()
    {
        CheckpointKey.TryReadPem(_key.ExportPkcs8PrivateKeyPem(), out _, out var why).ShouldBeFalse();
        why.ShouldBe("holds a block \"PRIVATE KEY\"; a trust file has only PUBLIC KEY and CERTIFICATE");
        CheckpointKey.TryReadPem(_public.ToPem(), out var keys, out _).ShouldBeTrue();
        keys.ShouldHaveSingleItem().Fingerprint.ShouldBe(_public.Fingerprint);
    }

    [Fact]
    public void A_witness_takes_growth_and_refuses_every_other_history()
    {
        var witness = new Witness([_public], "signet/audit/0011223344556677", null);
        witness.Judge(Sign(5).Note, [], out var first).ShouldBe(WitnessVerdict.Accepted);
        witness = witness.Accept(first!);
        witness.Judge(Sign(9).Note, Growth(5, 9), out _).ShouldBe(WitnessVerdict.Accepted);
        witness.Judge(Sign(9).Note, [], out _).ShouldBe(WitnessVerdict.NotConsistent);
        witness.Judge(Sign(9, "b").Note, Growth(5, 9), out _).ShouldBe(WitnessVerdict.NotConsistent);
        witness.Judge(Sign(5, "b").Note, [], out _).ShouldBe(WitnessVerdict.Forked);
        witness.Judge(Sign(4).Note, [], out _).ShouldBe(WitnessVerdict.RolledBack);
        witness.Judge(Sign(5).Note, [], out _).ShouldBe(WitnessVerdict.Accepted);
        witness.Judge("nonsense", [], out _).ShouldBe(WitnessVerdict.Unreadable);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var otherPublic = CheckpointKey.Of(other);
        (witness with { Trust = [otherPublic] }).Judge(Sign(9).Note, Growth(5, 9), out _).ShouldBe(WitnessVerdict.NotSigned);
    }

    [Fact]
    public void Cosignatures_count_once_for_each_known_witness()
    {
        using var door = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var valve = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var known = new Dictionary<string, byte[]> { ["door-1"] = door.ExportSubjectPublicKeyInfo(), ["valve-1"] = valve.ExportSubjectPublicKeyInfo() };
        var (at, now) = (Sign(5), DateTimeOffset.UnixEpoch.AddDays(20_000));
        var byDoor = Cosignature.Sign(at, "door-1", door, now);
        Cosignature.Verified(at, [byDoor, byDoor, Cosignature.Sign(at, "stranger", valve, now)], known).ShouldBe(["door-1"]);
        Cosignature.Verified(at, [byDoor, Cosignature.Sign(at, "valve-1", valve, now)], known).ShouldBe(["door-1", "valve-1"]);
        Cosignature.Verified(at, [Cosignature.Sign(at, "valve-1", door, now), "nonsense", "\u2014 door-1 AAAA"], known).ShouldBeEmpty();
        Cosignature.Verified(Sign(6), [byDoor], known).ShouldBeEmpty();
    }
}
