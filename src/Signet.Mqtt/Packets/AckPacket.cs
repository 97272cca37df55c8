namespace Signet.Mqtt.Packets;

/// <summary>PUBACK, PUBREC, PUBREL, PUBCOMP (MQTT 5.0 sections 3.4 to 3.7): one shape.</summary>
internal readonly record struct AckPacket(PacketType Type, ushort PacketId, ReasonCode Code, string? ReasonString = null)
{
    public static bool TryRead(PacketType type, ReadOnlySpan<byte> body, MqttVersion version, out AckPacket packet, out PacketError error)
    {
        packet = default;
        error = default;
        var reader = new WireReader(body);
        if (!reader.TryUInt16(out var id)) return Fail(PacketError.Malformed($"{type} is cut off"), out error); // texts are made on failure only: acknowledgements are as frequent as messages
        if (id == 0) return Fail(PacketError.Protocol($"{type} with packet identifier 0"), out error);
        var code = ReasonCode.Success;
        string? reason = null;
        if (version == MqttVersion.V5 && reader.TryByte(out var b))
        {
            code = (ReasonCode)b;
            if (!IsCode(type, code)) return Fail(PacketError.Malformed($"{type} may not carry reason code 0x{b:x2}"), out error);
            if (reader.Remaining > 0)
            {
                if (!PropertySet.TryRead(ref reader, (int)type, int.MaxValue, out var properties, out error)) return false;
                reason = properties.ReasonString;
            }
        }

        if (reader.Remaining != 0) return Fail(PacketError.Malformed($"bytes after the end of {type}"), out error);
        packet = new AckPacket(type, id, code, reason);
        return true;
    }

    public void Write(WireWriter w, MqttVersion version)
    {
        var first = (byte)((int)Type << 4 | (Type == PacketType.Pubrel ? 2 : 0));
        if (version == MqttVersion.V311 || (Code == ReasonCode.Success && ReasonString is null))
        {
            var span = w.Take(4);
            span[0] = first;
            span[1] = 2;
            System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(span[2..], PacketId);
            return;
        }

        w.Byte(first);
        var start = w.BeginLength();
        w.UInt16(PacketId);
        w.Byte((byte)Code);
        if (ReasonString is not null) new PropertySet { ReasonString = ReasonString }.Write(w);
        w.EndLength(start);
    }

    /// <summary>Reason codes each packet may carry (tables 3-4 to 3-7).</summary>
    private static bool IsCode(PacketType type, ReasonCode code) => type is PacketType.Puback or PacketType.Pubrec
        ? code is ReasonCode.Success or ReasonCode.NoMatchingSubscribers or ReasonCode.UnspecifiedError or ReasonCode.ImplementationSpecificError or ReasonCode.NotAuthorized
            or ReasonCode.TopicNameInvalid or ReasonCode.PacketIdentifierInUse or ReasonCode.QuotaExceeded or ReasonCode.PayloadFormatInvalid
        : code is ReasonCode.Success or ReasonCode.PacketIdentifierNotFound;

    private static bool Fail(PacketError why, out PacketError error)
    {
        error = why;
        return false;
    }
}
