using System.Security.Cryptography;
using System.Text;
using Signet.Proof;

namespace Signet.Fuzz;

/// <summary>Any bytes as canonical JSON of an entry: never throws, and what parses is what writing it again gives.</summary>
public static class ProofJsonTarget
{
    public static void Fuzz(ReadOnlySpan<byte> data)
    {
        if (EntryJson.TryParse(data, out var value) && !EntryJson.Write(value).AsSpan().SequenceEqual(data)) throw new InvalidOperationException("two encodings of one value");
    }
}

/// <summary>Any bytes as an entry's body, a signed note and a trust file: never throws, and nothing unsigned is trusted.</summary>
public static class ProofNoteTarget
{
    private static readonly CheckpointKey Key = MakeKey();

    public static void Fuzz(ReadOnlySpan<byte> data)
    {
        if (EntryView.TryRead(data, out var entry)) EntryView.Unescape(entry.Actor);
        var text = Encoding.UTF8.GetString(data);
        if (Checkpoint.TryParse(text, out var checkpoint, out var why) && checkpoint.Verify([Key]) == CheckpointTrust.Good) throw new InvalidOperationException("a checkpoint nobody signed was trusted");
        if (checkpoint is null && why.Length == 0) throw new InvalidOperationException("refused without a reason");
        if (checkpoint is not null) Cosignature.Verified(checkpoint, [text], new Dictionary<string, byte[]> { ["w"] = Key.SubjectPublicKeyInfo.ToArray() });
        if (!CheckpointKey.TryReadPem(text, out _, out why) && why.Length == 0) throw new InvalidOperationException("refused without a reason");
    }

    private static CheckpointKey MakeKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return CheckpointKey.Of(key);
    }
}

/// <summary>Any bytes as an export: never throws, and nothing unsigned is intact.</summary>
public static class ProofExportTarget
{
    private static readonly IReadOnlyList<CheckpointKey> Trust = [];

    public static void Fuzz(ReadOnlySpan<byte> data)
    {
        var verdict = ExportVerification.Verify(new MemoryStream(data.ToArray()), Trust);
        if (verdict.IsIntact && verdict.Entries > 0) throw new InvalidOperationException("an export nobody signed was intact");
    }
}

/// <summary>Any bytes as a message between a witness and the log, or a kept mark: never throws, what parses is written again the same, and no alarm that nobody signed verifies.</summary>
public static class ProofWitnessTarget
{
    private static readonly byte[] Key = MakeKey();

    public static void Fuzz(ReadOnlySpan<byte> data)
    {
        if (VerificationMark.TryRead(data, [], out _)) throw new InvalidOperationException("a mark that nobody signed was taken");
        if (!WitnessMessage.TryRead(data, out var message)) return;
        if (!message.ToBytes().AsSpan().SequenceEqual(data)) throw new InvalidOperationException("two encodings of one message");
        if (message is WitnessMessage.Alarm alarm && alarm.Verify(Key)) throw new InvalidOperationException("an alarm that nobody signed verifies");
    }

    private static byte[] MakeKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportSubjectPublicKeyInfo();
    }
}
