using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Signet.Proof;

/// <summary>
/// What a witness and the log say to each other beside the notes themselves (docs/spec/audit-log.md, "Witnesses"): one canonical JSON object a message.
/// Cosignatures and alarms are signed; a question needs no signature, because the answer proves itself.
/// </summary>
public abstract record WitnessMessage
{
    /// <summary>Two notes with their signature lines, escaped, and what stands around them.</summary>
    public const int MaximumLength = 3 * Checkpoint.MaximumLength;

    private WitnessMessage() { }

    /// <summary>Witness to log: "the last one I have seen covers this many entries: show me that the newest contains it".</summary>
    public sealed record Ask(long Size) : WitnessMessage;

    /// <summary>Log to witness: the newest note, and the RFC 9162 consistency proof from the size that was asked about.</summary>
    public sealed record Shown(long From, string Note, IReadOnlyList<Digest> Path) : WitnessMessage;

    /// <summary>Witness to log: the cosignature line under the checkpoint of this size.</summary>
    public sealed record Cosigned(long Size, string Line) : WitnessMessage;

    /// <summary>Witness to everybody: history was rewritten, or is not shown to everybody alike. The two notes are the evidence: whoever has the log's public key can check them.</summary>
    /// <param name="Reason">What it found.</param>
    /// <param name="Seen">The last note that it accepted.</param>
    /// <param name="Other">The note that does not fit; "" when it is the absence of one.</param>
    /// <param name="Time">When, by the witness's clock.</param>
    /// <param name="Signature">Of the witness: <see cref="Verify"/>.</param>
    public sealed record Alarm(WitnessAlarm Reason, string Seen, string Other, DateTimeOffset Time, string Signature) : WitnessMessage
    {
        public static Alarm Sign(WitnessAlarm reason, string seen, string other, DateTimeOffset time, ECDsa key)
        {
            var unsigned = new Alarm(reason, seen, other, time, "");
            return unsigned with { Signature = Convert.ToBase64String(key.SignData(unsigned.Text(), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)) };
        }

        /// <summary>Never throws.</summary>
        /// <param name="subjectPublicKeyInfo">The witness's P-256 key.</param>
        public bool Verify(ReadOnlySpan<byte> subjectPublicKeyInfo)
        {
            try
            {
                using var key = ECDsa.Create();
                key.ImportSubjectPublicKeyInfo(subjectPublicKeyInfo, out _);
                return key.KeySize == 256 && key.VerifyData((this with { Signature = "" }).Text(), Convert.FromBase64String(Signature), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            }
            catch (Exception e) when (e is CryptographicException or FormatException or PlatformNotSupportedException)
            {
                return false;
            }
        }

        private byte[] Text() => [.. "signet-witness-alarm/v1\n"u8, .. ToBytes()];
    }

    public byte[] ToBytes() => EntryJson.Write(this switch
    {
        Ask ask => new JsonObject { ["kind"] = "ask", ["size"] = ask.Size },
        Shown shown => new JsonObject { ["from"] = shown.From, ["kind"] = "shown", ["note"] = shown.Note, ["path"] = new JsonArray([.. shown.Path.Select(hash => JsonValue.Create(Base64Url.EncodeToString(hash.ToArray())))]) },
        Cosigned cosigned => new JsonObject { ["kind"] = "cosigned", ["line"] = cosigned.Line, ["size"] = cosigned.Size },
        Alarm alarm => new JsonObject { ["kind"] = "alarm", ["other"] = alarm.Other, ["reason"] = (int)alarm.Reason, ["seen"] = alarm.Seen, ["signature"] = alarm.Signature, ["time"] = alarm.Time.ToUnixTimeSeconds() },
        _ => throw new InvalidOperationException("a closed list"),
    });

    /// <summary>False for anything else. Never throws, whatever the bytes.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out WitnessMessage? message)
    {
        message = null;
        if (bytes.Length > MaximumLength || !EntryJson.TryParse(bytes, out var read)) return false;
        message = Text(read, "kind") switch
        {
            "ask" when read.Count == 2 && Number(read, "size") is { } size => new Ask(size),
            "cosigned" when read.Count == 3 && Number(read, "size") is { } size && Text(read, "line") is { } line => new Cosigned(size, line),
            "shown" when read.Count == 4 && Number(read, "from") is { } from && Text(read, "note") is { } note && TryPath(read["path"], out var path) => new Shown(from, note, path),
            "alarm" when read.Count == 6 && Number(read, "reason") is { } reason && reason <= (long)WitnessAlarm.Unconfirmed && Enum.IsDefined((WitnessAlarm)reason) && Text(read, "seen") is { } seen && Text(read, "other") is { } other
                && Number(read, "time") is { } time and < 253_402_300_800 && Text(read, "signature") is { } signature => new Alarm((WitnessAlarm)reason, seen, other, DateTimeOffset.FromUnixTimeSeconds(time), signature),
            _ => null,
        };
        return message is not null;
    }

    private static bool TryPath(JsonNode? node, out IReadOnlyList<Digest> path)
    {
        var hashes = new List<Digest>();
        path = hashes;
        if (node is not JsonArray texts || texts.Count > 2 * MerkleTree.MaximumProofLength) return false;
        foreach (var text in texts)
        {
            if (text is not JsonValue value || !value.TryGetValue<string>(out var encoded) || !Digest.TryFromBase64Url(Encoding.UTF8.GetBytes(encoded), out var hash)) return false;
            hashes.Add(hash);
        }
        return true;
    }

    private static string? Text(JsonObject from, string name) => from[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
    private static long? Number(JsonObject from, string name) => from[name] is JsonValue value && value.GetValueKind() == System.Text.Json.JsonValueKind.Number && value.TryGetValue<long>(out var number) && number >= 0 ? number : null;
}

/// <summary>What a witness raises. Numbers travel: append only.</summary>
public enum WitnessAlarm
{
    /// <summary>Two signed checkpoints of one size with different roots: two histories. The notes alone prove it.</summary>
    Forked = 1,

    /// <summary>Asked for the newest, the log shows less than was seen before: it was rolled back.</summary>
    RolledBack = 2,

    /// <summary>The proof that was given does not lead from what was seen to what is shown: history was rewritten.</summary>
    NotConsistent = 3,

    /// <summary>Asked twice, the log does not prove that the newest contains what was seen.</summary>
    NoProof = 4,

    /// <summary>Not enough of the other witnesses have confirmed the history that is shown here: others may be shown another.</summary>
    Unconfirmed = 5,
}
