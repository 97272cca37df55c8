using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Signet.Mqtt.Packets;

/// <summary>
/// Appends packets to one growing array from the shared pool. Holds no array while it is empty, so an idle connection holds none.
/// Not thread-safe: the owner's lock guards it.
/// </summary>
internal sealed class WireWriter
{
    private const int FirstSize = 4096;
    private byte[] buffer = [];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Written => buffer.AsMemory(0, Length);

    public ReadOnlySpan<byte> WrittenSpan => buffer.AsSpan(0, Length);

    /// <summary>Gives the array away (to <see cref="Recycle"/> when done) and starts empty.</summary>
    public byte[] Detach(out int length)
    {
        var taken = buffer;
        length = Length;
        buffer = [];
        Length = 0;
        return taken;
    }

    public static void Recycle(byte[] array)
    {
        if (array.Length > 0) ArrayPool<byte>.Shared.Return(array);
    }

    public void Clear()
    {
        Recycle(buffer);
        buffer = [];
        Length = 0;
    }

    /// <summary>Forgets the content and keeps the array: for scratch writers that live with their thread.</summary>
    public void Reset() => Length = 0;

    /// <summary>Room for exactly <paramref name="count"/> bytes, to be filled by the caller; it counts as written.</summary>
    public Span<byte> Take(int count)
    {
        Ensure(count);
        var span = buffer.AsSpan(Length, count);
        Length += count;
        return span;
    }

    public void Byte(byte value)
    {
        Ensure(1);
        buffer[Length++] = value;
    }

    public void UInt16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), value);

    public void UInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(4), value);

    public void VarInt(int value)
    {
        Ensure(4);
        Length += PutVarInt(buffer.AsSpan(Length), value);
    }

    public void Raw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    public void Binary(ReadOnlySpan<byte> bytes)
    {
        UInt16(checked((ushort)bytes.Length));
        Raw(bytes);
    }

    public void Utf8(string text)
    {
        var count = Encoding.UTF8.GetByteCount(text);
        UInt16(checked((ushort)count));
        Encoding.UTF8.GetBytes(text, Take(count));
    }

    /// <summary>Starts something that is preceded by its length; pass the result to <see cref="EndLength"/>.</summary>
    public int BeginLength()
    {
        Take(4);
        return Length;
    }

    /// <summary>Writes the length in its shortest form in front and closes the gap.</summary>
    public void EndLength(int start)
    {
        var count = Length - start;
        var size = PutVarInt(buffer.AsSpan(start - 4, 4), count);
        if (size == 4) return;
        buffer.AsSpan(start, count).CopyTo(buffer.AsSpan(start - 4 + size));
        Length -= 4 - size;
    }

    public static int VarIntSize(int value) => value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4;

    public static int PutVarInt(Span<byte> target, int value)
    {
        var size = 0;
        do
        {
            var b = (byte)(value & 0x7F);
            value >>= 7;
            target[size++] = value > 0 ? (byte)(b | 0x80) : b;
        }
        while (value > 0);
        return size;
    }

    private void Ensure(int count)
    {
        if (buffer.Length - Length >= count) return;
        var bigger = ArrayPool<byte>.Shared.Rent(Math.Max(FirstSize, Math.Max(Length + count, buffer.Length * 2)));
        buffer.AsSpan(0, Length).CopyTo(bigger);
        Recycle(buffer);
        buffer = bigger;
    }
}
