namespace Signet.Mqtt.Packets;

/// <summary>High four bits of the first byte of a packet (MQTT 5.0 section 2.1.2).</summary>
internal enum PacketType : byte
{
    Connect = 1,
    Connack = 2,
    Publish = 3,
    Puback = 4,
    Pubrec = 5,
    Pubrel = 6,
    Pubcomp = 7,
    Subscribe = 8,
    Suback = 9,
    Unsubscribe = 10,
    Unsuback = 11,
    Pingreq = 12,
    Pingresp = 13,
    Disconnect = 14,
    Auth = 15,
}

/// <summary>Why bytes from a peer could not be taken, as the reason code to answer with and a line for people.</summary>
internal readonly record struct PacketError(ReasonCode Code, string Why)
{
    public static PacketError Malformed(string why) => new(ReasonCode.MalformedPacket, why);

    public static PacketError Protocol(string why) => new(ReasonCode.ProtocolError, why);
}
