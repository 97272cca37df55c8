using System.Text;

namespace Signet.Mqtt.Packets;

/// <summary>Between <see cref="MqttMessage"/> and the bytes of a PUBLISH.</summary>
internal static class MessageCodec
{
    /// <summary>Properties that travel with the message, encoded, without length.</summary>
    public static byte[] EncodeProperties(MqttMessage m)
    {
        if (m is { PayloadIsText: false, ContentType: null, ResponseTopic: null, CorrelationData: null, UserProperties.Count: 0 }) return [];
        var writer = new WireWriter();
        PropertiesOf(m).WriteFields(writer);
        var bytes = writer.WrittenSpan.ToArray();
        writer.Clear();
        return bytes;
    }

    /// <summary>Throws <see cref="ArgumentException"/> for a message that cannot be sent: that is the caller's mistake.</summary>
    public static void Check(MqttMessage m)
    {
        ArgumentNullException.ThrowIfNull(m);
        if (!TopicFilter.IsValidTopic(m.Topic)) throw new ArgumentException($"'{m.Topic}' is not a topic name", nameof(m));
        if (m.ResponseTopic is { } response && !TopicFilter.IsValidTopic(response)) throw new ArgumentException($"'{response}' is not a topic name", nameof(m));
        if (m.QoS > QoS.ExactlyOnce) throw new ArgumentException($"QoS {m.QoS} does not exist", nameof(m));
        if (m.MessageExpiry is { } expiry && (expiry < TimeSpan.Zero || expiry.TotalSeconds > uint.MaxValue)) throw new ArgumentException("message expiry is out of range", nameof(m));
        if (m.CorrelationData is { Length: > ushort.MaxValue }) throw new ArgumentException("correlation data is longer than 65,535 bytes", nameof(m));
        foreach (var (name, value) in m.UserProperties)
        {
            if (!IsShortText(name) || !IsShortText(value)) throw new ArgumentException("a user property is not text of at most 65,535 bytes", nameof(m));
        }
    }

    public static uint? ExpirySeconds(TimeSpan? expiry) => expiry is { } e ? (uint)Math.Ceiling(e.TotalSeconds) : null;

    public static MqttMessage Decode(in PublishView view, string topic) =>
        Decode(view.Properties, topic, view.Payload.ToArray(), view.QoS, view.Retain) with { Duplicate = view.Duplicate };

    public static MqttMessage Decode(ReadOnlySpan<byte> properties, string topic, ReadOnlyMemory<byte> payload, QoS qos, bool retain)
    {
        var set = new PropertySet();
        var reader = new PropertyReader(properties, (int)PacketType.Publish, int.MaxValue);
        while (reader.TryNext(out _)) set.Put(in reader);
        return ToMessage(set, topic, payload, qos, retain);
    }

    public static MqttMessage ToMessage(PropertySet set, string topic, ReadOnlyMemory<byte> payload, QoS qos, bool retain) => new()
    {
        Topic = topic, Payload = payload, QoS = qos, Retain = retain, MessageExpiry = set.MessageExpiry is { } s ? TimeSpan.FromSeconds(s) : null, PayloadIsText = set.PayloadFormat == true,
        ContentType = set.ContentType, ResponseTopic = set.ResponseTopic, CorrelationData = set.CorrelationData is { } data ? data : (ReadOnlyMemory<byte>?)null,
        UserProperties = (IReadOnlyList<UserProperty>?)set.UserProperties ?? [], SubscriptionIdentifiers = (IReadOnlyList<int>?)set.SubscriptionIdentifiers ?? [],
    };

    public static PropertySet PropertiesOf(MqttMessage m) => new()
    {
        PayloadFormat = m.PayloadIsText ? true : null, ContentType = m.ContentType, ResponseTopic = m.ResponseTopic, CorrelationData = m.CorrelationData?.ToArray(),
        UserProperties = m.UserProperties.Count > 0 ? [.. m.UserProperties] : null,
    };

    private static bool IsShortText(string text) => !text.Contains('\0') && Encoding.UTF8.GetByteCount(text) <= ushort.MaxValue;
}
