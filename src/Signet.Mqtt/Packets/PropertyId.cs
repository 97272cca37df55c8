namespace Signet.Mqtt.Packets;

/// <summary>Property identifiers of MQTT 5.0 (section 2.2.2.2).</summary>
internal enum PropertyId : byte
{
    PayloadFormat = 0x01,
    MessageExpiry = 0x02,
    ContentType = 0x03,
    ResponseTopic = 0x08,
    CorrelationData = 0x09,
    SubscriptionIdentifier = 0x0B,
    SessionExpiry = 0x11,
    AssignedClientId = 0x12,
    ServerKeepAlive = 0x13,
    AuthenticationMethod = 0x15,
    AuthenticationData = 0x16,
    RequestProblemInformation = 0x17,
    WillDelay = 0x18,
    RequestResponseInformation = 0x19,
    ResponseInformation = 0x1A,
    ServerReference = 0x1C,
    ReasonString = 0x1F,
    ReceiveMaximum = 0x21,
    TopicAliasMaximum = 0x22,
    TopicAlias = 0x23,
    MaximumQoS = 0x24,
    RetainAvailable = 0x25,
    UserProperty = 0x26,
    MaximumPacketSize = 0x27,
    WildcardSubscriptions = 0x28,
    SubscriptionIdentifiers = 0x29,
    SharedSubscriptions = 0x2A,
}

/// <summary>How a property's value is encoded.</summary>
internal enum PropertyKind : byte
{
    None,
    Flag,
    Byte,
    UInt16,
    UInt32,
    VarInt,
    Text,
    Binary,
    Pair,
}

/// <summary>Table 2-4 of MQTT 5.0: encoding of each property and the packets it may stand in. Bit 0 stands for the will's properties in CONNECT.</summary>
internal static class PropertyTable
{
    public const int Will = 0;
    private static readonly (PropertyKind Kind, ushort Packets)[] Rows = Build();

    public static PropertyKind KindOf(int id) => (uint)id < (uint)Rows.Length ? Rows[id].Kind : PropertyKind.None;

    public static bool IsAllowed(int id, int packet) => (Rows[id].Packets & (1 << packet)) != 0;

    private static (PropertyKind, ushort)[] Build()
    {
        const int c = 1 << 1, ca = 1 << 2, p = 1 << 3, acks = 0b1111_0000, s = 1 << 8, sa = 1 << 9, u = 1 << 10, ua = 1 << 11, d = 1 << 14, a = 1 << 15, w = 1;
        var rows = new (PropertyKind, ushort)[0x2B];
        void Row(PropertyId id, PropertyKind kind, int packets) => rows[(int)id] = (kind, (ushort)packets);
        Row(PropertyId.PayloadFormat, PropertyKind.Flag, p | w);
        Row(PropertyId.MessageExpiry, PropertyKind.UInt32, p | w);
        Row(PropertyId.ContentType, PropertyKind.Text, p | w);
        Row(PropertyId.ResponseTopic, PropertyKind.Text, p | w);
        Row(PropertyId.CorrelationData, PropertyKind.Binary, p | w);
        Row(PropertyId.SubscriptionIdentifier, PropertyKind.VarInt, p | s);
        Row(PropertyId.SessionExpiry, PropertyKind.UInt32, c | ca | d);
        Row(PropertyId.AssignedClientId, PropertyKind.Text, ca);
        Row(PropertyId.ServerKeepAlive, PropertyKind.UInt16, ca);
        Row(PropertyId.AuthenticationMethod, PropertyKind.Text, c | ca | a);
        Row(PropertyId.AuthenticationData, PropertyKind.Binary, c | ca | a);
        Row(PropertyId.RequestProblemInformation, PropertyKind.Flag, c);
        Row(PropertyId.WillDelay, PropertyKind.UInt32, w);
        Row(PropertyId.RequestResponseInformation, PropertyKind.Flag, c);
        Row(PropertyId.ResponseInformation, PropertyKind.Text, ca);
        Row(PropertyId.ServerReference, PropertyKind.Text, ca | d);
        Row(PropertyId.ReasonString, PropertyKind.Text, ca | acks | sa | ua | d | a);
        Row(PropertyId.ReceiveMaximum, PropertyKind.UInt16, c | ca);
        Row(PropertyId.TopicAliasMaximum, PropertyKind.UInt16, c | ca);
        Row(PropertyId.TopicAlias, PropertyKind.UInt16, p);
        Row(PropertyId.MaximumQoS, PropertyKind.Flag, ca);
        Row(PropertyId.RetainAvailable, PropertyKind.Flag, ca);
        Row(PropertyId.UserProperty, PropertyKind.Pair, c | ca | p | acks | s | sa | u | ua | d | a | w);
        Row(PropertyId.MaximumPacketSize, PropertyKind.UInt32, c | ca);
        Row(PropertyId.WildcardSubscriptions, PropertyKind.Flag, ca);
        Row(PropertyId.SubscriptionIdentifiers, PropertyKind.Flag, ca);
        Row(PropertyId.SharedSubscriptions, PropertyKind.Flag, ca);
        return rows;
    }
}
