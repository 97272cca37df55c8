using System.Buffers.Binary;

namespace Signet.Mqtt.Packets;

/// <summary>PUBLISH as it lies in the read buffer (MQTT 5.0 section 3.3): spans into the packet, nothing copied.</summary>
internal ref struct PublishView
{
    public QoS QoS { get; private set; }

    public bool Retain { get; private set; }

    public bool Duplicate { get; private set; }

    /// <summary>0 for QoS 0.</summary>
    public ushort PacketId { get; private set; }

    /// <summary>UTF-8, checked; empty when a topic alias stands for it.</summary>
    public ReadOnlySpan<byte> Topic { get; private set; }

    public ReadOnlySpan<byte> Payload { get; private set; }

    /// <summary>All properties as received, without their length.</summary>
    public ReadOnlySpan<byte> Properties { get; private set; }

    /// <summary>0: none.</summary>
    public ushort TopicAlias { get; private set; }

    public uint? MessageExpiry { get; private set; }

    /// <summary>True when <see cref="Properties"/> holds something that belongs to this hop alone (alias, expiry, subscription identifier).</summary>
    public bool HasHopProperties { get; private set; }

    public bool HasSubscriptionIdentifier { get; private set; }

    public static bool TryRead(byte first, ReadOnlySpan<byte> body, MqttVersion version, int maximumUserProperties, out PublishView view, out PacketError error)
    {
        view = default;
        var qos = first >> 1 & 3;
        if (qos == 3) return Fail(PacketError.Malformed("QoS 3"), out error); // [MQTT-3.3.1-4]
        view.QoS = (QoS)qos;
        view.Retain = (first & 1) != 0;
        view.Duplicate = (first & 8) != 0;
        if (qos == 0 && view.Duplicate) return Fail(PacketError.Malformed("duplicate flag on QoS 0"), out error); // [MQTT-3.3.1-2]
        var reader = new WireReader(body);
        if (!reader.TryBinary(out var topic)) return Fail(PacketError.Malformed("topic does not fit the packet"), out error);
        if (topic.IndexOfAny((byte)'+', (byte)'#') >= 0) return Fail(new(ReasonCode.TopicNameInvalid, "wildcard in a topic name"), out error); // [MQTT-3.3.2-2]
        view.Topic = topic;
        if (qos > 0)
        {
            if (!reader.TryUInt16(out var id)) return Fail(PacketError.Malformed("no packet identifier"), out error);
            if (id == 0) return Fail(PacketError.Protocol("packet identifier 0"), out error); // [MQTT-2.2.1-3]
            view.PacketId = id;
        }

        error = default;
        if (version == MqttVersion.V5)
        {
            if (!reader.TryVarInt(out var length) || !reader.TryBytes(length, out var properties)) return Fail(PacketError.Malformed("property length does not fit the packet"), out error);
            view.Payload = reader.Rest;
            if (length > 0 && !view.TryReadProperties(properties, maximumUserProperties, out error)) return false;
        }
        else
        {
            view.Payload = reader.Rest;
        }

        if (topic.IsEmpty && view.TopicAlias == 0)
        {
            return Fail(version == MqttVersion.V5 ? PacketError.Protocol("empty topic without an alias") : new(ReasonCode.TopicNameInvalid, "empty topic"), out error);
        }

        return true;
    }

    /// <summary>The properties that travel on with the message, in their order; subscription ids, alias and expiry left out.</summary>
    public readonly byte[] ForwardedProperties()
    {
        if (Properties.IsEmpty) return [];
        if (!HasHopProperties) return Properties.ToArray();
        var kept = new byte[Properties.Length];
        var count = 0;
        var reader = new PropertyReader(Properties, (int)PacketType.Publish, int.MaxValue);
        while (reader.TryNext(out _))
        {
            if (reader.Id is PropertyId.TopicAlias or PropertyId.MessageExpiry or PropertyId.SubscriptionIdentifier) continue;
            Properties.Slice(reader.Start, reader.Size).CopyTo(kept.AsSpan(count));
            count += reader.Size;
        }

        return kept[..count];
    }

    private bool TryReadProperties(ReadOnlySpan<byte> properties, int maximumUserProperties, out PacketError error)
    {
        Properties = properties;
        var text = false;
        var reader = new PropertyReader(properties, (int)PacketType.Publish, maximumUserProperties);
        while (reader.TryNext(out error))
        {
            switch (reader.Id)
            {
                case PropertyId.TopicAlias:
                    TopicAlias = (ushort)reader.Number;
                    HasHopProperties = true;
                    break;
                case PropertyId.MessageExpiry:
                    MessageExpiry = reader.Number;
                    HasHopProperties = true;
                    break;
                case PropertyId.SubscriptionIdentifier:
                    HasHopProperties = HasSubscriptionIdentifier = true;
                    break;
                case PropertyId.PayloadFormat:
                    text = reader.Number == 1;
                    break;
                case PropertyId.ResponseTopic when reader.Bytes.IsEmpty || reader.Bytes.IndexOfAny((byte)'+', (byte)'#') >= 0:
                    return Fail(PacketError.Protocol("response topic is not a topic name"), out error); // [MQTT-3.3.2-14]
            }
        }

        if (error.Code != 0) return false;
        return !text || System.Text.Unicode.Utf8.IsValid(Payload) || Fail(new(ReasonCode.PayloadFormatInvalid, "payload is not the text it says it is"), out error);
    }

    private static bool Fail(PacketError why, out PacketError error)
    {
        error = why;
        return false;
    }
}

/// <summary>Writes PUBLISH packets. The packet id, when there is one, stands right after the topic.</summary>
internal static class PublishFrame
{
    public static byte First(QoS qos, bool retain, bool duplicate) => (byte)((int)PacketType.Publish << 4 | (duplicate ? 8 : 0) | (int)qos << 1 | (retain ? 1 : 0));

    /// <summary>Writes header and everything up to the payload, which the caller adds (it may be large and shared).</summary>
    /// <param name="w">Target.</param>
    /// <param name="version">Of the receiver.</param>
    /// <param name="first">First byte, see <see cref="First"/>.</param>
    /// <param name="topic">UTF-8; empty when <paramref name="hop"/> names an alias the receiver knows.</param>
    /// <param name="packetId">Ignored for QoS 0.</param>
    /// <param name="hop">Properties of this hop.</param>
    /// <param name="properties">Properties that travel with the message, encoded.</param>
    /// <param name="payloadLength">Counts into the remaining length.</param>
    /// <returns>Size of the whole packet, payload included.</returns>
    public static int WriteHead(WireWriter w, MqttVersion version, byte first, ReadOnlySpan<byte> topic, ushort packetId, in HopProperties hop, ReadOnlySpan<byte> properties, int payloadLength)
    {
        var withId = (first & 0x06) != 0;
        var propertiesLength = version == MqttVersion.V5 ? properties.Length + hop.Size : 0;
        var remaining = 2 + topic.Length + (withId ? 2 : 0) + (version == MqttVersion.V5 ? WireWriter.VarIntSize(propertiesLength) + propertiesLength : 0) + payloadLength;
        var head = 1 + WireWriter.VarIntSize(remaining) + remaining - payloadLength;
        var span = w.Take(head);
        span[0] = first;
        var at = 1 + WireWriter.PutVarInt(span[1..], remaining);
        BinaryPrimitives.WriteUInt16BigEndian(span[at..], (ushort)topic.Length);
        topic.CopyTo(span[(at + 2)..]);
        at += 2 + topic.Length;
        if (withId)
        {
            BinaryPrimitives.WriteUInt16BigEndian(span[at..], packetId);
            at += 2;
        }

        if (version == MqttVersion.V5)
        {
            at += WireWriter.PutVarInt(span[at..], propertiesLength);
            at += hop.Write(span[at..]);
            properties.CopyTo(span[at..]);
        }

        return head + payloadLength;
    }
}

/// <summary>Properties of one PUBLISH that belong to one hop.</summary>
internal readonly record struct HopProperties(uint? Expiry, ushort Alias, int[]? SubscriptionIds)
{
    public int Size
    {
        get
        {
            var size = (Expiry is null ? 0 : 5) + (Alias == 0 ? 0 : 3);
            foreach (var id in SubscriptionIds ?? []) size += 1 + WireWriter.VarIntSize(id);
            return size;
        }
    }

    public int Write(Span<byte> target)
    {
        var at = 0;
        if (Expiry is { } expiry)
        {
            target[at++] = (byte)PropertyId.MessageExpiry;
            BinaryPrimitives.WriteUInt32BigEndian(target[at..], expiry);
            at += 4;
        }

        if (Alias != 0)
        {
            target[at++] = (byte)PropertyId.TopicAlias;
            BinaryPrimitives.WriteUInt16BigEndian(target[at..], Alias);
            at += 2;
        }

        foreach (var id in SubscriptionIds ?? [])
        {
            target[at++] = (byte)PropertyId.SubscriptionIdentifier;
            at += WireWriter.PutVarInt(target[at..], id);
        }

        return at;
    }
}
