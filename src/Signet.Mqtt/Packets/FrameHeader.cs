namespace Signet.Mqtt.Packets;

/// <summary>What the first two to five bytes of a buffer tell (MQTT 5.0 section 2.1).</summary>
internal enum FrameStatus
{
    /// <summary>The header is whole; the body may not be there yet.</summary>
    Header,
    NeedMore,
    Malformed,
}

/// <summary>Fixed header: first byte and remaining length.</summary>
internal readonly ref struct FrameHeader
{
    private FrameHeader(byte first, int headerLength, int bodyLength) => (First, HeaderLength, BodyLength) = (first, headerLength, bodyLength);

    public byte First { get; }

    public int HeaderLength { get; }

    public int BodyLength { get; }

    public PacketType Type => (PacketType)(First >> 4);

    public int Flags => First & 0x0F;

    public static FrameStatus TryRead(ReadOnlySpan<byte> buffer, out FrameHeader header)
    {
        header = default;
        if (buffer.Length < 2) return FrameStatus.NeedMore;
        var length = 0;
        for (var i = 1; i <= 4; i++)
        {
            if (i >= buffer.Length) return FrameStatus.NeedMore;
            var b = buffer[i];
            length |= (b & 0x7F) << (7 * (i - 1));
            if ((b & 0x80) != 0) continue;
            if (i > 1 && b == 0) return FrameStatus.Malformed; // not the shortest form [MQTT-1.5.5-1]
            header = new FrameHeader(buffer[0], i + 1, length);
            return FrameStatus.Header;
        }

        return FrameStatus.Malformed;
    }

    /// <summary>Bytes of the fixed header of a whole, valid packet.</summary>
    public static int LengthOf(ReadOnlySpan<byte> packet) => packet[1] < 128 ? 2 : packet[2] < 128 ? 3 : packet[3] < 128 ? 4 : 5;

    /// <summary>Flags that a packet type must carry (MQTT 5.0 section 2.1.3, [MQTT-2.1.3-1]); PUBLISH checks its own.</summary>
    public bool HasValidFlags => Type switch
    {
        PacketType.Publish => true,
        PacketType.Pubrel or PacketType.Subscribe or PacketType.Unsubscribe => Flags == 2,
        0 => false,
        _ => Flags == 0,
    };
}
