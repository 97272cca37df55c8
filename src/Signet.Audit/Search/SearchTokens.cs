using System.Runtime.InteropServices;
using Signet.Proof;

namespace Signet.Audit;

/// <summary>
/// What the search index remembers of a stretch of entries: a number for each value that stands in a member, and one bit for each three bytes that follow each other in a member's text, ASCII letters in lower case.
/// Both can say "perhaps" where nothing is; neither says "no" where something is.
/// </summary>
internal sealed class SearchTokens
{
    /// <summary>Bits for the texts of a stretch: 4 KiB. Measured: with ULIDs and numbers in the details a stretch sets one bit in six, so three letters in a row more are six times fewer stretches to read.</summary>
    public const int GramBytes = 4096;

    private readonly Dictionary<long, int> _members = [];
    private int _part;

    /// <summary>Each value, and in which sixteenths of the stretch it stands: bit 0 is the oldest.</summary>
    public IReadOnlyDictionary<long, int> Members => _members;
    public byte[] Grams { get; } = new byte[GramBytes];

    /// <summary>Times of the entries, in ticks.</summary>
    public long Earliest { get; private set; } = long.MaxValue;
    public long Latest { get; private set; } = long.MinValue;

    public void Clear()
    {
        _members.Clear();
        Grams.AsSpan().Clear();
        (Earliest, Latest) = (long.MaxValue, long.MinValue);
    }

    /// <param name="entry">The entry.</param>
    /// <param name="place">Its place in the stretch, from 0.</param>
    public void Add(in EntryView entry, int place)
    {
        _part = 1 << place / SearchIndex.Part;
        (Earliest, Latest) = (Math.Min(Earliest, entry.Time.Ticks), Math.Max(Latest, entry.Time.Ticks));
        Member(SearchMember.Type, entry.Type);
        Member(SearchMember.Actor, entry.Actor);
        Member(SearchMember.Subject, entry.Subject);
        Member(SearchMember.Action, entry.Action);
        Member(SearchMember.Outcome, entry.Outcome);
        Member(SearchMember.Reason, entry.Reason);
        Text(entry.Details);
    }

    /// <summary>The number of a value of a member (FNV-1a, 64 bits).</summary>
    public static long Token(SearchMember member, ReadOnlySpan<byte> value)
    {
        var hash = 0xcbf29ce484222325UL ^ (ulong)member;
        foreach (var b in value) hash = unchecked((hash ^ b) * 0x100000001b3UL);
        return unchecked((long)hash);
    }

    /// <summary>The bits that a stretch with this text (lower case) has; none for a text of under three bytes, which every stretch may hold.</summary>
    public static int[] BitsOf(ReadOnlySpan<byte> lower)
    {
        var bits = new HashSet<int>();
        for (var i = 0; i + 3 <= lower.Length; i++) bits.Add(Bit(lower[i] | lower[i + 1] << 8 | lower[i + 2] << 16));
        return [.. bits];
    }

    public static bool Has(ReadOnlySpan<byte> grams, int[] bits)
    {
        foreach (var bit in bits)
            if ((grams[bit >> 3] >> (bit & 7) & 1) == 0)
                return false;
        return true;
    }

    private void Member(SearchMember member, ReadOnlySpan<byte> value)
    {
        // The bits of a value that this stretch has seen are set.
        ref var parts = ref CollectionsMarshal.GetValueRefOrAddDefault(_members, Token(member, value), out var isKnown);
        if (!isKnown) Text(value);
        parts |= _part;
    }

    private void Text(ReadOnlySpan<byte> text)
    {
        var gram = 0;
        var grams = Grams.AsSpan();
        for (var i = 0; i < text.Length; i++)
        {
            var b = text[i];
            if (b is >= (byte)'A' and <= (byte)'Z') b |= 0x20;
            gram = gram >> 8 | b << 16;
            if (i < 2) continue;
            var bit = Bit(gram);
            grams[bit >> 3] |= (byte)(1 << (bit & 7));
        }
    }

    private static int Bit(int gram) => unchecked((int)((uint)gram * 0x9E3779B1U >> 17));
}

internal enum SearchMember
{
    Type = 1,
    Actor = 2,
    Subject = 3,
    Action = 4,
    Outcome = 5,
    Reason = 6,
}
