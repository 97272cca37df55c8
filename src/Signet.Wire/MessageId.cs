using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Signet.Wire;

/// <summary>
/// Message ids are ULIDs: 48 bits of Unix milliseconds and 80 random bits, written as 26 upper-case characters of Crockford's base 32,
/// so they sort by time as text. The first character is at most 7 (128 bits in 130).
/// </summary>
public static class MessageId
{
    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private const int Length = 26;

    // 128 bits in 26 characters of 5: the first 50, of which two are 0, are the time.
    private const int TimeCharacters = 10;

    public static string New(TimeProvider time, RandomNumberGenerator random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.GetBytes(bytes);
        var milliseconds = time.GetUtcNow().ToUnixTimeMilliseconds();
        for (var i = 5; i >= 0; i--, milliseconds >>= 8) bytes[i] = (byte)(milliseconds & 0xff);
        var value = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return string.Create(Length, value, static (text, v) =>
        {
            for (var i = Length - 1; i >= 0; i--, v >>= 5) text[i] = Alphabet[(int)(v & 31)];
        });
    }

    /// <summary>Sorts before every id of the same millisecond, and after those of all milliseconds before; names none of them.</summary>
    public static string FloorOf(string id) => id[..TimeCharacters] + new string('0', Length - TimeCharacters);

    /// <summary>A new id that sorts after <paramref name="last"/>, also within one millisecond and when the clock went back.</summary>
    /// <exception cref="ArgumentException">Not a valid id, or the last one there is.</exception>
    public static string NewAfter(string last, TimeProvider time, RandomNumberGenerator random)
    {
        if (!IsValid(last)) throw new ArgumentException("not a message id", nameof(last));
        var made = New(time, random);
        if (string.CompareOrdinal(made, last) > 0) return made;
        var next = last.ToCharArray();
        for (var i = Length - 1; i >= 0; i--)
        {
            var digit = Alphabet.IndexOf(next[i], StringComparison.Ordinal) + 1;
            next[i] = Alphabet[digit % 32];
            if (digit < 32) break;
        }

        var after = new string(next);
        return IsValid(after) && string.CompareOrdinal(after, last) > 0 ? after : throw new ArgumentException("there is no id after this one", nameof(last));
    }

    /// <summary>Is this an id in its one spelling (upper case, no I, L, O, U)?</summary>
    public static bool IsValid([NotNullWhen(true)] string? id)
    {
        if (id is not { Length: Length } || id[0] > '7') return false;
        foreach (var c in id)
            if (!Alphabet.Contains(c, StringComparison.Ordinal)) return false;
        return true;
    }

    /// <summary>When an id was made, by its maker's clock.</summary>
    /// <exception cref="ArgumentException">Not a valid id.</exception>
    public static DateTimeOffset TimeOf(string id)
    {
        if (!IsValid(id)) throw new ArgumentException("not a message id", nameof(id));
        long milliseconds = 0;
        foreach (var c in id.AsSpan(0, 10)) milliseconds = (milliseconds << 5) | (uint)Alphabet.IndexOf(c, StringComparison.Ordinal);
        // 2^48 ms reach the year 10889, past the platform's calendar.
        return DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(milliseconds, (WireLimits.UnixSeconds * 1000) + 999));
    }
}
