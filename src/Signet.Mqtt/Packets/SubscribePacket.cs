namespace Signet.Mqtt.Packets;

/// <summary>SUBSCRIBE (MQTT 5.0 section 3.8).</summary>
internal sealed class SubscribePacket
{
    public ushort PacketId { get; init; }

    public List<TopicSubscription> Subscriptions { get; init; } = [];

    public PropertySet Properties { get; init; } = new();

    /// <summary>Filters are checked for being text here; whether they are valid filters is answered one by one in the SUBACK.</summary>
    public static bool TryRead(ReadOnlySpan<byte> body, MqttVersion version, int maximumFilters, int maximumUserProperties, out SubscribePacket? packet, out PacketError error)
    {
        packet = null;
        var reader = new WireReader(body);
        if (!reader.TryUInt16(out var id)) return Fail(PacketError.Malformed("SUBSCRIBE is cut off"), out error);
        if (id == 0) return Fail(PacketError.Protocol("packet identifier 0"), out error);
        var properties = new PropertySet();
        if (version == MqttVersion.V5 && !PropertySet.TryRead(ref reader, (int)PacketType.Subscribe, maximumUserProperties, out properties, out error)) return false;
        if (reader.Remaining == 0) return Fail(PacketError.Protocol("SUBSCRIBE without a filter"), out error); // [MQTT-3.8.3-2]
        var list = new List<TopicSubscription>();
        while (reader.Remaining > 0)
        {
            if (list.Count == maximumFilters) return Fail(new(ReasonCode.QuotaExceeded, $"more than {maximumFilters} filters in one SUBSCRIBE"), out error);
            if (!reader.TryString(out var filter) || !reader.TryByte(out var options)) return Fail(PacketError.Malformed("filter is malformed"), out error);
            var noLocal = (options & 4) != 0;
            if ((options & 3) == 3) return Fail(PacketError.Malformed("subscription with QoS 3"), out error);
            if (version == MqttVersion.V311 ? (options & 0xFC) != 0 : (options & 0xC0) != 0) return Fail(PacketError.Malformed("reserved subscription option is set"), out error); // [MQTT-3.8.3-5]
            if ((options >> 4 & 3) == 3) return Fail(PacketError.Protocol("retain handling 3"), out error);
            if (noLocal && filter.StartsWith("$share/", StringComparison.Ordinal)) return Fail(PacketError.Protocol("no local on a shared subscription"), out error); // [MQTT-3.8.3-4]
            list.Add(new TopicSubscription(filter, (QoS)(options & 3)) { NoLocal = noLocal, RetainAsPublished = (options & 8) != 0, RetainHandling = (RetainHandling)(options >> 4 & 3) });
        }

        packet = new SubscribePacket { PacketId = id, Subscriptions = list, Properties = properties };
        error = default;
        return true;
    }

    public void Write(WireWriter w, MqttVersion version)
    {
        w.Byte((byte)PacketType.Subscribe << 4 | 2);
        var start = w.BeginLength();
        w.UInt16(PacketId);
        if (version == MqttVersion.V5) Properties.Write(w);
        foreach (var s in Subscriptions)
        {
            w.Utf8(s.Filter);
            w.Byte(version == MqttVersion.V5 ? (byte)((int)s.QoS | (s.NoLocal ? 4 : 0) | (s.RetainAsPublished ? 8 : 0) | (int)s.RetainHandling << 4) : (byte)s.QoS);
        }

        w.EndLength(start);
    }

    private static bool Fail(PacketError why, out PacketError error)
    {
        error = why;
        return false;
    }
}

/// <summary>UNSUBSCRIBE (MQTT 5.0 section 3.10).</summary>
internal sealed class UnsubscribePacket
{
    public ushort PacketId { get; init; }

    public List<string> Filters { get; init; } = [];

    public static bool TryRead(ReadOnlySpan<byte> body, MqttVersion version, int maximumFilters, int maximumUserProperties, out UnsubscribePacket? packet, out PacketError error)
    {
        packet = null;
        var reader = new WireReader(body);
        error = PacketError.Malformed("UNSUBSCRIBE is cut off");
        if (!reader.TryUInt16(out var id)) return false;
        error = PacketError.Protocol("packet identifier 0");
        if (id == 0) return false;
        if (version == MqttVersion.V5 && !PropertySet.TryRead(ref reader, (int)PacketType.Unsubscribe, maximumUserProperties, out _, out error)) return false;
        error = PacketError.Protocol("UNSUBSCRIBE without a filter"); // [MQTT-3.10.3-2]
        if (reader.Remaining == 0) return false;
        var filters = new List<string>();
        while (reader.Remaining > 0)
        {
            error = new(ReasonCode.QuotaExceeded, $"more than {maximumFilters} filters in one UNSUBSCRIBE");
            if (filters.Count == maximumFilters) return false;
            error = PacketError.Malformed("filter is malformed");
            if (!reader.TryString(out var filter)) return false;
            filters.Add(filter);
        }

        packet = new UnsubscribePacket { PacketId = id, Filters = filters };
        error = default;
        return true;
    }

    public void Write(WireWriter w, MqttVersion version)
    {
        w.Byte((byte)PacketType.Unsubscribe << 4 | 2);
        var start = w.BeginLength();
        w.UInt16(PacketId);
        if (version == MqttVersion.V5) w.Byte(0);
        foreach (var filter in Filters) w.Utf8(filter);
        w.EndLength(start);
    }
}

/// <summary>SUBACK and UNSUBACK (MQTT 5.0 sections 3.9 and 3.11): a code for each filter. MQTT 3.1.1's UNSUBACK has none.</summary>
internal sealed class SubackPacket(PacketType type, ushort packetId, ReasonCode[] codes, string? reasonString = null)
{
    public ushort PacketId => packetId;

    public ReasonCode[] Codes => codes;

    public string? ReasonString => reasonString;

    public static bool TryRead(PacketType type, ReadOnlySpan<byte> body, MqttVersion version, out SubackPacket? packet, out PacketError error)
    {
        packet = null;
        error = PacketError.Malformed($"{type} is malformed");
        var reader = new WireReader(body);
        if (!reader.TryUInt16(out var id) || id == 0) return false;
        var properties = new PropertySet();
        if (version == MqttVersion.V5 && !PropertySet.TryRead(ref reader, (int)type, int.MaxValue, out properties, out error)) return false;
        var codes = new ReasonCode[reader.Remaining];
        for (var i = 0; i < codes.Length; i++) codes[i] = (ReasonCode)reader.Rest[i];
        error = default;
        packet = new SubackPacket(type, id, codes, properties.ReasonString);
        return true;
    }

    public void Write(WireWriter w, MqttVersion version)
    {
        w.Byte((byte)((int)type << 4));
        var start = w.BeginLength();
        w.UInt16(packetId);
        if (version == MqttVersion.V5) new PropertySet { ReasonString = reasonString }.Write(w);
        if (version == MqttVersion.V5 || type == PacketType.Suback)
        {
            foreach (var code in codes) w.Byte(version == MqttVersion.V311 && code.IsError() ? (byte)0x80 : (byte)code);
        }

        w.EndLength(start);
    }
}
