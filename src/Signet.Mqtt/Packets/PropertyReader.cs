namespace Signet.Mqtt.Packets;

/// <summary>
/// Walks the properties of one packet in place and checks each against Table 2-4: known, allowed here, once only (user properties may repeat, and
/// subscription identifiers in a PUBLISH), value in its range. Allocates nothing.
/// </summary>
internal ref struct PropertyReader(ReadOnlySpan<byte> properties, int packet, int maximumUserProperties)
{
    private WireReader reader = new(properties);
    private ulong seen;
    private int userProperties;
    private readonly int length = properties.Length;

    public PropertyId Id { get; private set; }

    /// <summary>Value of the numeric kinds.</summary>
    public uint Number { get; private set; }

    /// <summary>Value of text and binary kinds; the name of a user property.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>The value of a user property.</summary>
    public ReadOnlySpan<byte> Second { get; private set; }

    /// <summary>Where the current property starts and how many bytes it takes.</summary>
    public int Start { get; private set; }

    public readonly int Size => length - reader.Remaining - Start;

    /// <summary>Reads the next property. False at the end, or with <paramref name="error"/> set (code not Success).</summary>
    public bool TryNext(out PacketError error)
    {
        error = default;
        if (reader.Remaining == 0) return false;
        Start = length - reader.Remaining;
        if (!reader.TryVarInt(out var id)) return Fail(PacketError.Malformed("property identifier is not a variable byte integer"), out error);
        var kind = PropertyTable.KindOf(id);
        if (kind == PropertyKind.None) return Fail(PacketError.Malformed($"unknown property 0x{id:x2}"), out error);
        if (!PropertyTable.IsAllowed(id, packet)) return Fail(PacketError.Malformed($"property 0x{id:x2} may not stand in this packet"), out error);
        Id = (PropertyId)id;
        if (!TryValue(kind)) return Fail(PacketError.Malformed($"value of property 0x{id:x2} is malformed"), out error);
        return TryAccept(out error) || Fail(error, out error);
    }

    private bool TryValue(PropertyKind kind)
    {
        switch (kind)
        {
            case PropertyKind.Flag or PropertyKind.Byte:
                if (!reader.TryByte(out var b)) return false;
                Number = b;
                return true;
            case PropertyKind.UInt16:
                if (!reader.TryUInt16(out var s)) return false;
                Number = s;
                return true;
            case PropertyKind.UInt32:
                if (!reader.TryUInt32(out var i)) return false;
                Number = i;
                return true;
            case PropertyKind.VarInt:
                if (!reader.TryVarInt(out var v)) return false;
                Number = (uint)v;
                return true;
            case PropertyKind.Text:
                if (!reader.TryUtf8(out var text)) return false;
                Bytes = text;
                return true;
            case PropertyKind.Binary:
                if (!reader.TryBinary(out var binary)) return false;
                Bytes = binary;
                return true;
            default:
                if (!reader.TryUtf8(out var name) || !reader.TryUtf8(out var value)) return false;
                Bytes = name;
                Second = value;
                return true;
        }
    }

    private bool TryAccept(out PacketError error)
    {
        error = default;
        if (Id == PropertyId.UserProperty)
        {
            if (++userProperties > maximumUserProperties) error = new(ReasonCode.QuotaExceeded, "too many user properties");
            return error.Code == 0;
        }

        var bit = 1UL << (int)Id;
        var repeats = (seen & bit) != 0 && !(Id == PropertyId.SubscriptionIdentifier && packet == (int)PacketType.Publish);
        seen |= bit;
        if (repeats) error = PacketError.Protocol($"property 0x{(byte)Id:x2} stands twice");
        else if (PropertyTable.KindOf((int)Id) == PropertyKind.Flag && Number > 1) error = PacketError.Protocol($"property 0x{(byte)Id:x2} must be 0 or 1");
        else if (Number == 0 && Id is PropertyId.SubscriptionIdentifier or PropertyId.ReceiveMaximum or PropertyId.MaximumPacketSize) error = PacketError.Protocol($"property 0x{(byte)Id:x2} may not be 0");
        else if (Number == 0 && Id == PropertyId.TopicAlias) error = new(ReasonCode.TopicAliasInvalid, "topic alias 0");
        return error.Code == 0;
    }

    private bool Fail(PacketError why, out PacketError error)
    {
        reader = default;
        error = why;
        return false;
    }
}
