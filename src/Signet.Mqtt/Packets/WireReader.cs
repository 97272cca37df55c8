using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace Signet.Mqtt.Packets;

/// <summary>Reads MQTT's data types (MQTT 5.0 section 1.5) out of a packet body. Never throws and never copies; false means the bytes are not what they should be.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> data = data;
    private int position;

    public readonly int Remaining => data.Length - position;

    public readonly ReadOnlySpan<byte> Rest => data[position..];

    public bool TryByte(out byte value)
    {
        if (Remaining < 1)
        {
            value = 0;
            return false;
        }

        value = data[position++];
        return true;
    }

    public bool TryUInt16(out ushort value)
    {
        if (!BinaryPrimitives.TryReadUInt16BigEndian(data[position..], out value)) return false;
        position += 2;
        return true;
    }

    public bool TryUInt32(out uint value)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(data[position..], out value)) return false;
        position += 4;
        return true;
    }

    /// <summary>Variable byte integer in its shortest form [MQTT-1.5.5-1].</summary>
    public bool TryVarInt(out int value)
    {
        value = 0;
        for (var i = 0; i < 4; i++)
        {
            if (!TryByte(out var b)) return false;
            value |= (b & 0x7F) << (7 * i);
            if ((b & 0x80) == 0) return i == 0 || b != 0;
        }

        return false;
    }

    public bool TryBytes(int count, out ReadOnlySpan<byte> value)
    {
        if (count < 0 || Remaining < count)
        {
            value = default;
            return false;
        }

        value = data.Slice(position, count);
        position += count;
        return true;
    }

    /// <summary>Binary data: two bytes of length, then the bytes.</summary>
    public bool TryBinary(out ReadOnlySpan<byte> value)
    {
        value = default;
        return TryUInt16(out var length) && TryBytes(length, out value);
    }

    /// <summary>UTF-8 string, checked: well formed and without U+0000 [MQTT-1.5.4-1, MQTT-1.5.4-2]. A byte order mark is kept [MQTT-1.5.4-3].</summary>
    public bool TryUtf8(out ReadOnlySpan<byte> value) => TryBinary(out value) && IsText(value);

    public bool TryString(out string value)
    {
        if (TryUtf8(out var utf8))
        {
            value = Encoding.UTF8.GetString(utf8);
            return true;
        }

        value = "";
        return false;
    }

    public static bool IsText(ReadOnlySpan<byte> utf8) => Utf8.IsValid(utf8) && !utf8.Contains((byte)0);
}
