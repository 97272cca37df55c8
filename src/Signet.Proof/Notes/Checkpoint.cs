using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Signet.Proof;

/// <summary>
/// A signed statement "the log had these entries": a note after C2SP tlog-checkpoint, signed with P-256. The byte-exact form is in docs/spec/audit-log.md:
/// origin, size, root, then our extension lines number, time, prev, link and before, an empty line, and the signature line.
/// </summary>
public sealed record Checkpoint
{
    /// <summary>Longest note that is read. Sixteen signature lines and the text are far below it.</summary>
    public const int MaximumLength = 16 * 1024;

    private Checkpoint() { }

    /// <summary>Name of the log, also the name on its signature line.</summary>
    public required string Origin { get; init; }

    /// <summary>Entries covered: 1 to this number.</summary>
    public required long Size { get; init; }

    /// <summary>Merkle root over them.</summary>
    public required Digest Root { get; init; }

    /// <summary>Checkpoints of this log from 1, without gaps. The HMAC key has moved on as many times.</summary>
    public required long Number { get; init; }

    /// <summary>When it was signed, milliseconds, UTC.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Chain value in front of the last entry.</summary>
    public required Digest Prev { get; init; }

    /// <summary>Chain value of the last entry, which covers its body and its HMAC.</summary>
    public required Digest Link { get; init; }

    /// <summary>SHA-256 of the text of the checkpoint before, zero for the first.</summary>
    public required Digest Before { get; init; }

    /// <summary>The whole note with its signature lines.</summary>
    public string Note { get; private init; } = "";

    /// <summary>The signed part of <see cref="Note"/>.</summary>
    public string Text { get; private init; } = "";

    /// <summary>SHA-256 of <see cref="Text"/>: what the next checkpoint names in its line "before".</summary>
    public Digest TextHash => Digest.Sha256(Encoding.UTF8.GetBytes(Text));

    /// <summary>Signs a checkpoint. The caller has made sure that its numbers are true.</summary>
    public static Checkpoint Sign(string origin, long size, Digest root, long number, DateTimeOffset time, Digest prev, Digest link, Digest before, ECDsa key)
    {
        var milliseconds = time.ToUnixTimeMilliseconds();
        var text = string.Create(CultureInfo.InvariantCulture,
            $"{origin}\n{size}\n{root.ToBase64()}\nnumber {number}\ntime {milliseconds}\nprev {prev.ToBase64()}\nlink {link.ToBase64()}\nbefore {before.ToBase64()}\n");
        using var publicKey = CheckpointKey.Of(key);
        var signature = key.SignData(Encoding.UTF8.GetBytes(text), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        return new Checkpoint
        {
            Origin = origin, Size = size, Root = root, Number = number, Time = DateTimeOffset.FromUnixTimeMilliseconds(milliseconds), Prev = prev, Link = link, Before = before,
            Text = text, Note = text + "\n" + SignedNote.Line(origin, publicKey.Id.Span, signature),
        };
    }

    /// <summary>Reads the shape of a note. Says nothing about its signature: see <see cref="Verify"/>. Never throws.</summary>
    public static bool TryParse(string note, [NotNullWhen(true)] out Checkpoint? checkpoint, out string why)
    {
        checkpoint = null;
        if (!SignedNote.TrySplit(note, out var text, out _, out why)) return false;
        var lines = text.Split('\n');
        why = "is not a checkpoint of this kind of log";
        if (lines.Length != 9 || lines[0].Length == 0
            || !TryNumber(lines[1], out var size) || !TryHash(lines[2], "", out var root) || !lines[3].StartsWith("number ", StringComparison.Ordinal) || !TryNumber(lines[3][7..], out var number)
            || !lines[4].StartsWith("time ", StringComparison.Ordinal) || !TryNumber(lines[4][5..], out var time) || time > MaximumMilliseconds
            || !TryHash(lines[5], "prev ", out var prev) || !TryHash(lines[6], "link ", out var link) || !TryHash(lines[7], "before ", out var before))
            return false;
        checkpoint = new Checkpoint
        {
            Origin = lines[0], Size = size, Root = root, Number = number, Time = DateTimeOffset.FromUnixTimeMilliseconds(time), Prev = prev, Link = link, Before = before,
            Text = text, Note = note,
        };
        why = "";
        return true;
    }

    /// <summary>Whether the log's own signature line was made by one of the keys. Lines of witnesses are not looked at.</summary>
    public CheckpointTrust Verify(IReadOnlyList<CheckpointKey> keys)
    {
        if (!SignedNote.TrySplit(Note, out _, out var lines, out _)) return CheckpointTrust.BadSignature;
        var text = Encoding.UTF8.GetBytes(Text);
        var isNamed = false;
        foreach (var line in lines)
        {
            if (line.Name != Origin) continue;
            foreach (var key in keys)
            {
                var isClaimed = key.Id.Span.SequenceEqual(line.KeyId.Span);
                isNamed |= isClaimed;
                // Also tried when the id differs: a damaged id must read as damage, not as another key.
                if (key.Verify(text, line.Signature.Span)) return isClaimed ? CheckpointTrust.Good : CheckpointTrust.BadSignature;
            }
        }
        return isNamed ? CheckpointTrust.BadSignature : CheckpointTrust.OtherKey;
    }

    private const long MaximumMilliseconds = 253_402_300_799_999;   // the end of the year 9999, DateTimeOffset's last

    private static bool TryNumber(string text, out long number) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && (text.Length == 1 || text[0] != '0');

    private static bool TryHash(string line, string label, out Digest hash)
    {
        hash = default;
        Span<byte> bytes = stackalloc byte[Digest.Size + 1];
        return line.StartsWith(label, StringComparison.Ordinal) && Convert.TryFromBase64String(line[label.Length..], bytes, out var written) && written == Digest.Size
            && Digest.TryFrom(bytes[..written], out hash) && line.AsSpan(label.Length).SequenceEqual(hash.ToBase64());
    }
}

/// <summary>What the signature of a checkpoint says.</summary>
public enum CheckpointTrust
{
    Good = 0,

    /// <summary>Names a trusted key and does not verify: the note was altered.</summary>
    BadSignature = 1,

    /// <summary>Signed by a key that is not trusted.</summary>
    OtherKey = 2,
}
