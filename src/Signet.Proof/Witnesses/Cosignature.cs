using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Signet.Proof;

/// <summary>
/// A witness's word: "at this time, this is the largest history of this log that I have seen, and it contains all earlier ones".
/// After C2SP tlog-cosignature, which is Ed25519; the platform has none, so this is signature type 0xff with the identifier <c>signet-cosignature-p256-v1</c>:
/// ECDSA P-256, SHA-256, fixed 64 bytes (r || s), over "signet-cosignature/v1\ntime SECONDS\n" and the checkpoint's text.
/// On the line: base64(key id (4) || time (8, big-endian, seconds) || signature (64)).
/// key id = SHA-256(name || 0x0A || 0xff || "signet-cosignature-p256-v1" || SubjectPublicKeyInfo)[:4].
/// </summary>
public static class Cosignature
{
    private const int SignatureLength = 64;

    /// <summary>A signature line to put under the checkpoint. The witness must have checked consistency, and stored the checkpoint durably, before it calls this.</summary>
    /// <param name="checkpoint">What is cosigned.</param>
    /// <param name="name">The witness's name: no spaces, no plus.</param>
    /// <param name="key">Its P-256 key.</param>
    /// <param name="time">Now.</param>
    public static string Sign(Checkpoint checkpoint, string name, ECDsa key, DateTimeOffset time)
    {
        if (name.Length == 0 || name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c == '+')) throw new ArgumentException("A witness's name has no spaces and no plus.", nameof(name));
        var seconds = time.ToUnixTimeSeconds();
        var signature = new byte[sizeof(long) + SignatureLength];
        BinaryPrimitives.WriteInt64BigEndian(signature, seconds);
        key.SignData(Message(checkpoint, seconds), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation).CopyTo(signature, sizeof(long));
        return SignedNote.Line(name, KeyId(name, key.ExportSubjectPublicKeyInfo()), signature);
    }

    /// <summary>Counts the witnesses whose cosignature stands under the note and verifies; each counts once, unknown lines are ignored.</summary>
    /// <param name="checkpoint">The checkpoint whose text was cosigned.</param>
    /// <param name="signatureLines">Lines as <see cref="Sign"/> makes them, from anywhere.</param>
    /// <param name="witnesses">The known ones: name and SubjectPublicKeyInfo.</param>
    /// <param name="enough">With so many good ones it stops: a small device verifies no more than it needs.</param>
    public static IReadOnlyList<string> Verified(Checkpoint checkpoint, IEnumerable<string> signatureLines, IReadOnlyDictionary<string, byte[]> witnesses, int enough = int.MaxValue)
    {
        var good = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in signatureLines.TakeWhile(_ => good.Count < enough))
            if (SignedNote.TryLine(line.TrimEnd('\n'), out var signature) && witnesses.TryGetValue(signature.Name, out var key) && IsGood(checkpoint, signature, key, WitnessKeys.Verify)) good.Add(signature.Name);
        return [.. good.Order(StringComparer.Ordinal)];
    }

    /// <summary>Is the line this witness's cosignature of the checkpoint? For whoever has a key for each of many witnesses: keys are not remembered.</summary>
    public static bool IsBy(string name, byte[] publicKey, Checkpoint checkpoint, string line)
        => SignedNote.TryLine(line.TrimEnd('\n'), out var signature) && signature.Name == name && IsGood(checkpoint, signature, publicKey, WitnessKeys.VerifyOnce);

    private delegate bool Verifying(byte[] publicKey, byte[] data, ReadOnlySpan<byte> signature);

    private static bool IsGood(Checkpoint checkpoint, NoteSignature line, byte[] publicKey, Verifying verify)
    {
        if (line.Signature.Length != sizeof(long) + SignatureLength || !line.KeyId.Span.SequenceEqual(KeyId(line.Name, publicKey))) return false;
        var seconds = BinaryPrimitives.ReadInt64BigEndian(line.Signature.Span);
        if (seconds < 0) return false;
        return verify(publicKey, Message(checkpoint, seconds), line.Signature.Span[sizeof(long)..]);
    }

    private static byte[] Message(Checkpoint checkpoint, long seconds) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"signet-cosignature/v1\ntime {seconds}\n{checkpoint.Text}"));

    private static byte[] KeyId(string name, byte[] publicKey) =>
        SHA256.HashData([.. Encoding.UTF8.GetBytes(name), (byte)'\n', 0xff, .. "signet-cosignature-p256-v1"u8, .. publicKey])[..CheckpointKey.IdLength];
}
