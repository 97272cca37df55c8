namespace Signet.Mqtt.Packets;

/// <summary>CONNACK (MQTT 5.0 section 3.2).</summary>
internal sealed class ConnackPacket
{
    public bool SessionPresent { get; init; }

    public ReasonCode Code { get; init; }

    public PropertySet Properties { get; init; } = new();

    public static bool TryRead(ReadOnlySpan<byte> body, MqttVersion version, out ConnackPacket? packet, out PacketError error)
    {
        packet = null;
        error = PacketError.Malformed("CONNACK is malformed");
        var reader = new WireReader(body);
        if (!reader.TryByte(out var flags) || flags > 1 || !reader.TryByte(out var code)) return false;
        var properties = new PropertySet();
        if (version == MqttVersion.V5 && reader.Remaining > 0 && !PropertySet.TryRead(ref reader, (int)PacketType.Connack, int.MaxValue, out properties, out error)) return false;
        error = PacketError.Malformed("bytes after the end of CONNACK");
        if (reader.Remaining != 0) return false;
        error = default;
        packet = new ConnackPacket { SessionPresent = flags == 1, Code = version == MqttVersion.V5 ? (ReasonCode)code : ReasonCodes.FromConnackV311(code), Properties = properties };
        return true;
    }

    public void Write(WireWriter w, MqttVersion version)
    {
        w.Byte((byte)PacketType.Connack << 4);
        var start = w.BeginLength();
        w.Byte(SessionPresent ? (byte)1 : (byte)0);
        w.Byte(version == MqttVersion.V5 ? (byte)Code : Code.ToConnackV311());
        if (version == MqttVersion.V5) Properties.Write(w);
        w.EndLength(start);
    }
}
