using System.Text;

namespace Signet.Control;

/// <summary>Base32 of RFC 4648, section 6, as one-time secrets are written: without padding; read in either case, with spaces and padding allowed.</summary>
public static class Base32
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    /// <summary>Characters of a text that is read at all. Chosen: four times a long secret.</summary>
    public const int LongestText = 256;

    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder((bytes.Length * 8 + 4) / 5);
        int buffer = 0, bits = 0;
        foreach (var b in bytes)
        {
            buffer = (buffer << 8) | b;
            for (bits += 8; bits >= 5; bits -= 5) text.Append(Alphabet[(buffer >> (bits - 5)) & 31]);
            buffer &= (1 << bits) - 1;
        }

        if (bits > 0) text.Append(Alphabet[(buffer << (5 - bits)) & 31]);
        return text.ToString();
    }

    /// <summary>False when a character is none of the 32, the length is impossible or left-over bits are not zero.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, out byte[] bytes)
    {
        bytes = [];
        if (text.Length > LongestText) return false;
        text = text.TrimEnd('=');
        var found = new List<byte>(text.Length * 5 / 8);
        int buffer = 0, bits = 0, letters = 0;
        foreach (var c in text)
        {
            if (c is ' ' or '-') continue;
            var value = Alphabet.IndexOf(char.ToUpperInvariant(c), StringComparison.Ordinal);
            if (value < 0) return false;
            letters++;
            buffer = (buffer << 5) | value;
            bits += 5;
            if (bits < 8) continue;
            bits -= 8;
            found.Add((byte)(buffer >> bits));
            buffer &= (1 << bits) - 1;
        }

        if (buffer != 0 || letters % 8 is 1 or 3 or 6) return false;
        bytes = [.. found];
        return true;
    }
}
