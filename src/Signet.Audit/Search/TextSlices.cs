using System.Buffers.Binary;
using System.Numerics;
using Signet.Store;

namespace Signet.Audit;

/// <summary>
/// The texts of 256 stretches turned round: for each bit of <see cref="SearchTokens.GramBytes"/>, in which of the stretches it is set. A text of so many letters asks for as many bits, and reads one row of 2 KiB for each
/// instead of 4 KiB for each stretch: about a hundredth. Made when a block is full; the stretches behind it are looked at one by one.
/// </summary>
internal sealed class TextSlices
{
    /// <summary>Stretches in a block: 65,536 entries.</summary>
    public const int Block = 256;

    /// <summary>Bits whose slices stand in one row.</summary>
    public const int BitsPerPart = 64;

    public const int Parts = SearchTokens.GramBytes * 8 / BitsPerPart;

    private const int SliceBytes = Block / 8, PartBytes = BitsPerPart * SliceBytes;
    private readonly byte[] _bits = new byte[Parts * PartBytes];

    /// <param name="place">Of the stretch in the block, from 0.</param>
    /// <param name="grams">Its bits.</param>
    public void Add(int place, ReadOnlySpan<byte> grams)
    {
        if (grams.Length != SearchTokens.GramBytes)
        {
            // Unreadable: it may hold anything.
            for (var bit = 0; bit < SearchTokens.GramBytes * 8; bit++) Set(bit, place);
            return;
        }

        for (var at = 0; at < grams.Length; at += sizeof(ulong))
            for (var rest = BinaryPrimitives.ReadUInt64LittleEndian(grams[at..]); rest != 0; rest &= rest - 1)
                Set(at * 8 + BitOperations.TrailingZeroCount(rest), place);
    }

    public ReadOnlySpan<byte> Part(int part) => _bits.AsSpan(part * PartBytes, PartBytes);

    /// <summary>Stretches of a block that have all of the bits: bit n of byte n / 8. Null: the block has not been turned round.</summary>
    /// <param name="rows">Answers <c>SELECT bits FROM slices WHERE block = ?1 AND part = ?2</c>.</param>
    /// <param name="block">Which.</param>
    /// <param name="bits">Of the text.</param>
    public static byte[]? Holding(RowStream rows, long block, int[] bits)
    {
        var all = new byte[SliceBytes];
        all.AsSpan().Fill(0xff);
        foreach (var bit in bits)
        {
            rows.Start(block, bit / BitsPerPart);
            var isThere = rows.Read() && rows.Bytes(0).Length == PartBytes;
            if (isThere)
            {
                var slice = rows.Bytes(0).Slice(bit % BitsPerPart * SliceBytes, SliceBytes);
                for (var i = 0; i < SliceBytes; i++) all[i] &= slice[i];
            }

            rows.Pause();
            if (!isThere) return null;
        }

        return all;
    }

    private void Set(int bit, int place) => _bits[bit * SliceBytes + (place >> 3)] |= (byte)(1 << (place & 7));
}
