namespace Signet.Mqtt;

/// <summary>How often a message may arrive (MQTT 5.0 section 4.3).</summary>
public enum QoS : byte
{
    /// <summary>Fire and forget.</summary>
    AtMostOnce = 0,

    /// <summary>Acknowledged with PUBACK; may arrive twice.</summary>
    AtLeastOnce = 1,

    /// <summary>PUBREC, PUBREL, PUBCOMP; arrives once.</summary>
    ExactlyOnce = 2,
}

/// <summary>The protocol level byte of CONNECT.</summary>
public enum MqttVersion : byte
{
    /// <summary>MQTT 3.1.1 (ISO/IEC 20922).</summary>
    V311 = 4,

    /// <summary>MQTT 5.0 (OASIS 2019).</summary>
    V5 = 5,
}

/// <summary>One name and value pair of MQTT 5 (section 2.2.2.2, property 0x26). Names may repeat; order is kept.</summary>
public readonly record struct UserProperty(string Name, string Value);

/// <summary>
/// An application message, to publish or as received. Immutable; the payload's bytes must not be changed after the message was handed over.
/// Everything below <see cref="Retain"/> exists only in MQTT 5 and is not sent to 3.1.1 peers.
/// </summary>
public sealed record MqttMessage
{
    /// <summary>Topic name: 1 to 65,535 bytes of UTF-8 without wildcards.</summary>
    public required string Topic { get; init; }

    public ReadOnlyMemory<byte> Payload { get; init; }

    public QoS QoS { get; init; }

    /// <summary>To publish: keep as the topic's last value (an empty payload removes it). Received: this is a kept value, or the subscription asked for the flag as published.</summary>
    public bool Retain { get; init; }

    /// <summary>Lifetime, whole seconds; a message nobody took in time is dropped. Received: what is left.</summary>
    public TimeSpan? MessageExpiry { get; init; }

    /// <summary>True when the sender says the payload is UTF-8 text (property 0x01).</summary>
    public bool PayloadIsText { get; init; }

    public string? ContentType { get; init; }

    /// <summary>Where an answer is expected.</summary>
    public string? ResponseTopic { get; init; }

    /// <summary>Opaque bytes that the answer repeats; null when absent.</summary>
    public ReadOnlyMemory<byte>? CorrelationData { get; init; }

    public IReadOnlyList<UserProperty> UserProperties { get; init; } = [];

    /// <summary>Received only: the identifiers of the subscriptions that matched.</summary>
    public IReadOnlyList<int> SubscriptionIdentifiers { get; init; } = [];

    /// <summary>Received only: the peer may have sent this message before.</summary>
    public bool Duplicate { get; init; }
}

/// <summary>How retained messages are sent when a subscription is made (MQTT 5.0 section 3.8.3.1).</summary>
public enum RetainHandling : byte
{
    SendAtSubscribe = 0,
    SendIfNew = 1,
    DoNotSend = 2,
}

/// <summary>One topic filter of a SUBSCRIBE with its options; the last three exist only in MQTT 5.</summary>
public sealed record TopicSubscription(string Filter, QoS QoS = QoS.AtLeastOnce)
{
    /// <summary>Do not send back what this client published itself.</summary>
    public bool NoLocal { get; init; }

    /// <summary>Keep the retain flag as the publisher set it.</summary>
    public bool RetainAsPublished { get; init; }

    public RetainHandling RetainHandling { get; init; }
}
