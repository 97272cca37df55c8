using System.Text;

namespace Signet.Mqtt.Packets;

/// <summary>The properties of one packet other than a PUBLISH on the hot path; null means absent. One class for all packets: the reader has checked what may stand where.</summary>
internal sealed class PropertySet
{
    public bool? PayloadFormat { get; set; }

    public uint? MessageExpiry { get; set; }

    public string? ContentType { get; set; }

    public string? ResponseTopic { get; set; }

    public byte[]? CorrelationData { get; set; }

    public List<int>? SubscriptionIdentifiers { get; set; }

    public uint? SessionExpiry { get; set; }

    public string? AssignedClientId { get; set; }

    public ushort? ServerKeepAlive { get; set; }

    public string? AuthenticationMethod { get; set; }

    public byte[]? AuthenticationData { get; set; }

    public bool? RequestProblemInformation { get; set; }

    public uint? WillDelay { get; set; }

    public bool? RequestResponseInformation { get; set; }

    public string? ResponseInformation { get; set; }

    public string? ServerReference { get; set; }

    public string? ReasonString { get; set; }

    public ushort? ReceiveMaximum { get; set; }

    public ushort? TopicAliasMaximum { get; set; }

    public ushort? TopicAlias { get; set; }

    public byte? MaximumQoS { get; set; }

    public bool? RetainAvailable { get; set; }

    public List<UserProperty>? UserProperties { get; set; }

    public uint? MaximumPacketSize { get; set; }

    public bool? WildcardSubscriptions { get; set; }

    public bool? SubscriptionIdentifiersAvailable { get; set; }

    public bool? SharedSubscriptions { get; set; }

    /// <summary>Reads the property length and the properties.</summary>
    public static bool TryRead(ref WireReader reader, int packet, int maximumUserProperties, out PropertySet set, out PacketError error)
    {
        set = new PropertySet();
        if (!reader.TryVarInt(out var length) || !reader.TryBytes(length, out var bytes))
        {
            error = PacketError.Malformed("property length does not fit the packet");
            return false;
        }

        var properties = new PropertyReader(bytes, packet, maximumUserProperties);
        while (properties.TryNext(out error)) set.Put(in properties);
        return error.Code == ReasonCode.Success;
    }

    public void Put(in PropertyReader p)
    {
        switch (p.Id)
        {
            case PropertyId.PayloadFormat: PayloadFormat = p.Number == 1; break;
            case PropertyId.MessageExpiry: MessageExpiry = p.Number; break;
            case PropertyId.ContentType: ContentType = Text(p.Bytes); break;
            case PropertyId.ResponseTopic: ResponseTopic = Text(p.Bytes); break;
            case PropertyId.CorrelationData: CorrelationData = p.Bytes.ToArray(); break;
            case PropertyId.SubscriptionIdentifier: (SubscriptionIdentifiers ??= []).Add((int)p.Number); break;
            case PropertyId.SessionExpiry: SessionExpiry = p.Number; break;
            case PropertyId.AssignedClientId: AssignedClientId = Text(p.Bytes); break;
            case PropertyId.ServerKeepAlive: ServerKeepAlive = (ushort)p.Number; break;
            case PropertyId.AuthenticationMethod: AuthenticationMethod = Text(p.Bytes); break;
            case PropertyId.AuthenticationData: AuthenticationData = p.Bytes.ToArray(); break;
            case PropertyId.RequestProblemInformation: RequestProblemInformation = p.Number == 1; break;
            case PropertyId.WillDelay: WillDelay = p.Number; break;
            case PropertyId.RequestResponseInformation: RequestResponseInformation = p.Number == 1; break;
            case PropertyId.ResponseInformation: ResponseInformation = Text(p.Bytes); break;
            case PropertyId.ServerReference: ServerReference = Text(p.Bytes); break;
            case PropertyId.ReasonString: ReasonString = Text(p.Bytes); break;
            case PropertyId.ReceiveMaximum: ReceiveMaximum = (ushort)p.Number; break;
            case PropertyId.TopicAliasMaximum: TopicAliasMaximum = (ushort)p.Number; break;
            case PropertyId.TopicAlias: TopicAlias = (ushort)p.Number; break;
            case PropertyId.MaximumQoS: MaximumQoS = (byte)p.Number; break;
            case PropertyId.RetainAvailable: RetainAvailable = p.Number == 1; break;
            case PropertyId.UserProperty: (UserProperties ??= []).Add(new(Text(p.Bytes), Text(p.Second))); break;
            case PropertyId.MaximumPacketSize: MaximumPacketSize = p.Number; break;
            case PropertyId.WildcardSubscriptions: WildcardSubscriptions = p.Number == 1; break;
            case PropertyId.SubscriptionIdentifiers: SubscriptionIdentifiersAvailable = p.Number == 1; break;
            case PropertyId.SharedSubscriptions: SharedSubscriptions = p.Number == 1; break;
        }
    }

    /// <summary>Writes the property length and every property that is set.</summary>
    public void Write(WireWriter writer)
    {
        var start = writer.BeginLength();
        WriteFields(writer);
        writer.EndLength(start);
    }

    /// <summary>The properties without their length.</summary>
    public void WriteFields(WireWriter w)
    {
        Flag(w, PropertyId.PayloadFormat, PayloadFormat);
        Number(w, PropertyId.MessageExpiry, MessageExpiry);
        Text(w, PropertyId.ContentType, ContentType);
        Text(w, PropertyId.ResponseTopic, ResponseTopic);
        Binary(w, PropertyId.CorrelationData, CorrelationData);
        foreach (var id in SubscriptionIdentifiers ?? [])
        {
            w.Byte((byte)PropertyId.SubscriptionIdentifier);
            w.VarInt(id);
        }

        Number(w, PropertyId.SessionExpiry, SessionExpiry);
        Text(w, PropertyId.AssignedClientId, AssignedClientId);
        Short(w, PropertyId.ServerKeepAlive, ServerKeepAlive);
        Text(w, PropertyId.AuthenticationMethod, AuthenticationMethod);
        Binary(w, PropertyId.AuthenticationData, AuthenticationData);
        Flag(w, PropertyId.RequestProblemInformation, RequestProblemInformation);
        Number(w, PropertyId.WillDelay, WillDelay);
        Flag(w, PropertyId.RequestResponseInformation, RequestResponseInformation);
        Text(w, PropertyId.ResponseInformation, ResponseInformation);
        Text(w, PropertyId.ServerReference, ServerReference);
        Text(w, PropertyId.ReasonString, ReasonString);
        Short(w, PropertyId.ReceiveMaximum, ReceiveMaximum);
        Short(w, PropertyId.TopicAliasMaximum, TopicAliasMaximum);
        Short(w, PropertyId.TopicAlias, TopicAlias);
        if (MaximumQoS is { } qos) w.Raw([(byte)PropertyId.MaximumQoS, qos]);
        Flag(w, PropertyId.RetainAvailable, RetainAvailable);
        foreach (var (name, value) in UserProperties ?? [])
        {
            w.Byte((byte)PropertyId.UserProperty);
            w.Utf8(name);
            w.Utf8(value);
        }

        Number(w, PropertyId.MaximumPacketSize, MaximumPacketSize);
        Flag(w, PropertyId.WildcardSubscriptions, WildcardSubscriptions);
        Flag(w, PropertyId.SubscriptionIdentifiers, SubscriptionIdentifiersAvailable);
        Flag(w, PropertyId.SharedSubscriptions, SharedSubscriptions);
    }

    private static string Text(ReadOnlySpan<byte> utf8) => Encoding.UTF8.GetString(utf8);

    private static void Flag(WireWriter w, PropertyId id, bool? value)
    {
        if (value is { } set) w.Raw([(byte)id, set ? (byte)1 : (byte)0]);
    }

    private static void Number(WireWriter w, PropertyId id, uint? value)
    {
        if (value is not { } number) return;
        w.Byte((byte)id);
        w.UInt32(number);
    }

    private static void Short(WireWriter w, PropertyId id, ushort? value)
    {
        if (value is not { } number) return;
        w.Byte((byte)id);
        w.UInt16(number);
    }

    private static void Text(WireWriter w, PropertyId id, string? value)
    {
        if (value is null) return;
        w.Byte((byte)id);
        w.Utf8(value);
    }

    private static void Binary(WireWriter w, PropertyId id, byte[]? value)
    {
        if (value is null) return;
        w.Byte((byte)id);
        w.Binary(value);
    }
}
