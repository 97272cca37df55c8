namespace Signet.Mqtt.Packets;

/// <summary>CONNECT (MQTT 5.0 section 3.1, MQTT 3.1.1 section 3.1).</summary>
internal sealed class ConnectPacket
{
    public MqttVersion Version { get; init; }

    public string ClientId { get; init; } = "";

    public bool CleanStart { get; init; }

    /// <summary>Seconds; 0 switches it off.</summary>
    public ushort KeepAlive { get; init; }

    public string? UserName { get; init; }

    public byte[]? Password { get; init; }

    public WillPacket? Will { get; init; }

    public PropertySet Properties { get; init; } = new();

    /// <summary>Reads the packet's body. On an unsupported level the version of the answer is the nearest known one, in <paramref name="answerAs"/>.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, int maximumUserProperties, out ConnectPacket? packet, out MqttVersion answerAs, out PacketError error)
    {
        packet = null;
        answerAs = MqttVersion.V311;
        var reader = new WireReader(body);
        if (!reader.TryUtf8(out var name) || !reader.TryByte(out var level)) return Fail(PacketError.Malformed("CONNECT is cut off"), out error);
        if (!name.SequenceEqual("MQTT"u8)) return Fail(new(ReasonCode.UnsupportedProtocolVersion, "protocol name is not MQTT"), out error);
        if (level is not (4 or 5))
        {
            if (level > 5) answerAs = MqttVersion.V5;
            return Fail(new(ReasonCode.UnsupportedProtocolVersion, $"protocol level {level} is not offered"), out error);
        }

        var version = answerAs = (MqttVersion)level;
        if (!reader.TryByte(out var flags) || !reader.TryUInt16(out var keepAlive)) return Fail(PacketError.Malformed("CONNECT is cut off"), out error);
        if (!HasValidFlags(flags, version, out error)) return false;

        var properties = new PropertySet();
        if (version == MqttVersion.V5 && !PropertySet.TryRead(ref reader, (int)PacketType.Connect, maximumUserProperties, out properties, out error)) return false;
        if (properties.AuthenticationData is not null && properties.AuthenticationMethod is null) return Fail(PacketError.Protocol("authentication data without a method"), out error);
        if (!reader.TryString(out var clientId)) return Fail(PacketError.Malformed("client identifier is malformed"), out error);

        WillPacket? will = null;
        if ((flags & 0x04) != 0 && !WillPacket.TryRead(ref reader, flags, version, maximumUserProperties, out will, out error)) return false;
        string? user = null;
        if ((flags & 0x80) != 0 && !reader.TryString(out user)) return Fail(PacketError.Malformed("user name is malformed"), out error);
        ReadOnlySpan<byte> password = default;
        if ((flags & 0x40) != 0 && !reader.TryBinary(out password)) return Fail(PacketError.Malformed("password is malformed"), out error);
        if (reader.Remaining != 0) return Fail(PacketError.Malformed("bytes after the end of CONNECT"), out error);

        packet = new ConnectPacket
        {
            Version = version, ClientId = clientId, CleanStart = (flags & 0x02) != 0, KeepAlive = keepAlive, UserName = user,
            Password = (flags & 0x40) != 0 ? password.ToArray() : null, Will = will, Properties = properties,
        };
        error = default;
        return true;
    }

    public void Write(WireWriter w)
    {
        w.Byte((byte)PacketType.Connect << 4);
        var start = w.BeginLength();
        w.Utf8("MQTT");
        w.Byte((byte)Version);
        var flags = (CleanStart ? 0x02 : 0) | (UserName is null ? 0 : 0x80) | (Password is null ? 0 : 0x40);
        if (Will is not null) flags |= 0x04 | (int)Will.QoS << 3 | (Will.Retain ? 0x20 : 0);
        w.Byte((byte)flags);
        w.UInt16(KeepAlive);
        if (Version == MqttVersion.V5) Properties.Write(w);
        w.Utf8(ClientId);
        Will?.Write(w, Version);
        if (UserName is not null) w.Utf8(UserName);
        if (Password is not null) w.Binary(Password);
        w.EndLength(start);
    }

    private static bool HasValidFlags(byte flags, MqttVersion version, out PacketError error)
    {
        error = default;
        var will = (flags & 0x04) != 0;
        if ((flags & 0x01) != 0) error = PacketError.Malformed("reserved connect flag is set"); // [MQTT-3.1.2-3]
        else if (!will && (flags & 0x38) != 0) error = PacketError.Malformed("will QoS or retain without a will"); // [MQTT-3.1.2-11, -13]
        else if ((flags & 0x18) == 0x18) error = PacketError.Malformed("will QoS 3"); // [MQTT-3.1.2-12]
        else if (version == MqttVersion.V311 && (flags & 0xC0) == 0x40) error = PacketError.Malformed("password without user name"); // 3.1.1 [MQTT-3.1.2-22]
        return error.Code == 0;
    }

    private static bool Fail(PacketError why, out PacketError error)
    {
        error = why;
        return false;
    }
}

/// <summary>The last will inside CONNECT.</summary>
internal sealed class WillPacket
{
    public string Topic { get; init; } = "";

    public byte[] Payload { get; init; } = [];

    public QoS QoS { get; init; }

    public bool Retain { get; init; }

    public PropertySet Properties { get; init; } = new();

    public static bool TryRead(ref WireReader reader, byte flags, MqttVersion version, int maximumUserProperties, out WillPacket? will, out PacketError error)
    {
        will = null;
        error = default;
        var properties = new PropertySet();
        if (version == MqttVersion.V5 && !PropertySet.TryRead(ref reader, PropertyTable.Will, maximumUserProperties, out properties, out error)) return false;
        if (!reader.TryString(out var topic) || !reader.TryBinary(out var payload)) error = PacketError.Malformed("last will is malformed");
        else if (!TopicFilter.IsValidTopic(topic)) error = new(ReasonCode.TopicNameInvalid, "topic of the last will is not valid");
        else if (properties.ResponseTopic is { } response && !TopicFilter.IsValidTopic(response)) error = PacketError.Protocol("response topic of the last will is not valid");
        else if (properties.PayloadFormat == true && !WireReader.IsText(payload) && payload.Length > 0) error = new(ReasonCode.PayloadFormatInvalid, "last will is not the text it says it is");
        else will = new WillPacket { Topic = topic, Payload = payload.ToArray(), QoS = (QoS)(flags >> 3 & 3), Retain = (flags & 0x20) != 0, Properties = properties };
        return will is not null;
    }

    public void Write(WireWriter w, MqttVersion version)
    {
        if (version == MqttVersion.V5) Properties.Write(w);
        w.Utf8(Topic);
        w.Binary(Payload);
    }
}
