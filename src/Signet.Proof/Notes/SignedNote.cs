using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Signet.Proof;

/// <summary>One signature line: <c>— name base64(4-byte key id || signature)</c>.</summary>
public sealed record NoteSignature(string Name, ReadOnlyMemory<byte> KeyId, ReadOnlyMemory<byte> Signature);

/// <summary>C2SP signed-note: text that ends in a newline, an empty line, signature lines. No control characters but newlines; exactly one encoding of each line.</summary>
public static class SignedNote
{
    /// <summary>C2SP asks for at least 16; a quorum of witnesses needs more.</summary>
    public const int MaximumSignatures = 64;

    private const string Dash = "\u2014 ";
    private static readonly SearchValues<char> Forbidden = SearchValues.Create([.. Enumerable.Range(0, 32).Where(c => c != '\n').Select(c => (char)c)]);

    public static string Line(string name, ReadOnlySpan<byte> keyId, ReadOnlySpan<byte> signature) => $"{Dash}{name} {Convert.ToBase64String([.. keyId, .. signature])}\n";

    /// <summary>Separates text and signatures. Never throws.</summary>
    public static bool TrySplit(string note, out string text, [NotNullWhen(true)] out IReadOnlyList<NoteSignature>? signatures, out string why)
    {
        (text, signatures, why) = ("", null, "is not a signed note");
        if (note.Length > Checkpoint.MaximumLength || note.AsSpan().ContainsAny(Forbidden) || !note.EndsWith('\n')) return false;
        var gap = note.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (gap < 0 || gap + 2 >= note.Length) return false;   // no signature line at all
        var lines = note[(gap + 2)..^1].Split('\n');
        if (lines.Length > MaximumSignatures) return false;
        var found = new List<NoteSignature>(lines.Length);
        foreach (var line in lines)
        {
            if (!TryLine(line, out var signature)) return false;
            found.Add(signature);
        }
        (text, signatures, why) = (note[..(gap + 1)], found, "");
        return true;
    }

    /// <summary>One signature line, without its end. Never throws.</summary>
    internal static bool TryLine(string line, [NotNullWhen(true)] out NoteSignature? signature)
    {
        signature = null;
        if (!line.StartsWith(Dash, StringComparison.Ordinal) || line.Length > Checkpoint.MaximumLength || line.AsSpan().ContainsAny(Forbidden) || line.Contains('\n', StringComparison.Ordinal)) return false;
        var parts = line[Dash.Length..].Split(' ');
        var buffer = new byte[line.Length];
        if (parts.Length != 2 || parts[0].Length == 0 || parts[0].Contains('+') || !Convert.TryFromBase64String(parts[1], buffer, out var length) || length <= CheckpointKey.IdLength
            || Convert.ToBase64String(buffer, 0, length) != parts[1])
            return false;
        signature = new NoteSignature(parts[0], buffer.AsMemory(0, CheckpointKey.IdLength), buffer.AsMemory(CheckpointKey.IdLength, length - CheckpointKey.IdLength));
        return true;
    }
}
