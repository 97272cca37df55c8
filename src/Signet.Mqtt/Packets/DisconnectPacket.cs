namespace Signet.Mqtt.Packets;

/// <summary>DISCONNECT and AUTH (MQTT 5.0 sections 3.14 and 3.15): a reason code and properties, both of which may be left out.</summary>
internal sealed class DisconnectPacket(PacketType type, ReasonCode code, PropertySet properties)
{
    public ReasonCode Code => code;

    public PropertySet Properties => properties;

    public static bool TryRead(PacketType type, ReadOnlySpan<byte> body, MqttVersion version, int maximumUserProperties, out DisconnectPacket? packet, out PacketError error)
    {
        packet = null;
        error = PacketError.Malformed($"{type} is malformed");
        var reader = new WireReader(body);
        var code = ReasonCode.Success;
        var properties = new PropertySet();
        if (version == MqttVersion.V311 && reader.Remaining > 0) return false;
        if (reader.TryByte(out var b))
        {
            code = (ReasonCode)b;
            if (!Enum.IsDefined(code)) return false;
            if (reader.Remaining > 0 && !PropertySet.TryRead(ref reader, (int)type, maximumUserProperties, out properties, out error)) return false;
        }

        error = PacketError.Malformed($"bytes after the end of {type}");
        if (reader.Remaining != 0) return false;
        if (type == PacketType.Auth)
        {
            error = PacketError.Protocol("AUTH without an authentication method"); // section 3.15.2.2.2
            if (properties.AuthenticationMethod is null) return false;
            error = PacketError.Protocol("AUTH with a reason code that is not its own");
            if (code is not (ReasonCode.Success or ReasonCode.ContinueAuthentication or ReasonCode.ReAuthenticate)) return false;
        }

        packet = new DisconnectPacket(type, code, properties);
        error = default;
        return true;
    }

    public void Write(WireWriter w, MqttVersion version)
    {
        w.Byte((byte)((int)type << 4));
        var start = w.BeginLength();
        if (version == MqttVersion.V5)
        {
            w.Byte((byte)code);
            properties.Write(w);
        }

        w.EndLength(start);
    }
}
