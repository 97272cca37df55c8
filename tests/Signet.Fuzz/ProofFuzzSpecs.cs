using System.Text;
using Signet.Proof;

namespace Signet.Fuzz;

/// <summary>Every target of Proof runs over well-formed inputs and their mutations.</summary>
public sealed class ProofFuzzSpecs
{
    private delegate void Target(ReadOnlySpan<byte> data);

    [Theory]
    [InlineData("json"), InlineData("note"), InlineData("export"), InlineData("witness")]
    public void The_target_holds_on_its_seeds_and_their_mutations(string name)
    {
        Target target = name switch { "json" => ProofJsonTarget.Fuzz, "note" => ProofNoteTarget.Fuzz, "witness" => ProofWitnessTarget.Fuzz, _ => ProofExportTarget.Fuzz };
        var random = new Random(2026);
        foreach (var seed in Seeds())
        {
            target(seed);
            for (var i = 0; i < 3_000; i++)
            {
                var copy = seed.ToList();
                for (var rounds = random.Next(1, 6); rounds > 0 && copy.Count > 0; rounds--)
                {
                    var at = random.Next(copy.Count);
                    if (random.Next(3) == 0) copy.RemoveRange(at, Math.Min(copy.Count - at, random.Next(1, 9)));
                    else if (random.Next(2) == 0) copy.Insert(at, (byte)"\"\\{}[]:,\n+ \0"[random.Next(12)]);
                    else copy[at] ^= (byte)(1 << random.Next(8));
                }
                target(copy.ToArray());
            }
        }
    }

    private static List<byte[]> Seeds()
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        using var publicKey = CheckpointKey.Of(key);
        const string origin = "signet/audit/0011223344556677";
        var draft = EntryDraft.Create("auth", "ana", "console", "sign-in", "success", "", new() { ["a"] = 1.5, ["b"] = "x\"\\y" }, Digest.Sha256("p"u8));
        var buffer = new byte[draft.MaximumLength];
        var body = buffer[..draft.Write(buffer, Chain.Start(origin), 1, DateTimeOffset.UnixEpoch)];
        var leaf = MerkleTree.LeafHash(body);
        var mac = Digest.Sha256("m"u8);
        var at = Checkpoint.Sign(origin, 1, leaf, 1, DateTimeOffset.UnixEpoch, Chain.Start(origin), Chain.Link(leaf, mac), Digest.Zero, key);
        var line = $"{{\"body\":{Encoding.UTF8.GetString(body)},\"mac\":\"{System.Buffers.Text.Base64Url.EncodeToString(mac)}\",\"seq\":1}}\n";
        var header = $"{{\"first\":1,\"format\":\"signet-audit-export-v1\",\"kind\":\"range\",\"last\":1,\"origin\":\"{origin}\"}}\n";
        var note = Encoding.UTF8.GetString(EntryJson.Write(new System.Text.Json.Nodes.JsonObject { ["checkpoint"] = at.Note })) + "\n";
        var export = Encoding.UTF8.GetBytes(header + line + note);
        ExportVerification.Verify(new MemoryStream(export), [publicKey]).IsIntact.ShouldBeTrue();   // the seed is a good one
        WitnessMessage[] words = [new WitnessMessage.Ask(7), new WitnessMessage.Cosigned(7, Cosignature.Sign(at, "door-1", key, DateTimeOffset.UnixEpoch)), new WitnessMessage.Shown(1, at.Note, [leaf, mac]), WitnessMessage.Alarm.Sign(WitnessAlarm.Forked, at.Note, at.Note, DateTimeOffset.UnixEpoch, key)];
        return [.. words.Select(word => word.ToBytes()), new VerificationMark(new LogStart(new MerkleFrontier(), at.Link, at), 9).ToBytes(), body, Encoding.UTF8.GetBytes(at.Note), Encoding.UTF8.GetBytes(publicKey.ToPem()), export];
    }
}
