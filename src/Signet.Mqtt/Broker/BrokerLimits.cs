namespace Signet.Mqtt.Broker;

/// <summary>Every number the broker holds a client to. Numbers fixed by the protocol are constants; the others were chosen, and say what they stop.</summary>
public sealed record BrokerLimits
{
    /// <summary>Largest remaining length the protocol can express (MQTT 5.0 section 1.5.5).</summary>
    public const int ProtocolMaxPacket = 268_435_455;

    /// <summary>Largest accepted packet, announced to MQTT 5 clients. 1 MiB: device messages are small and a firmware chunk fits.</summary>
    public int MaximumPacketSize { get; init; } = 1024 * 1024;

    /// <summary>Largest accepted packet before the client is known: a CONNECT with a will and certificates in user properties fits; memory before authentication stays small.</summary>
    public int MaximumConnectSize { get; init; } = 64 * 1024;

    /// <summary>QoS 1 and 2 messages a client may have unacknowledged towards the broker (receive maximum, MQTT 5.0 section 3.2.2.3.3).</summary>
    public ushort ReceiveMaximum { get; init; } = 1024;

    /// <summary>QoS 1 and 2 messages the broker keeps unacknowledged towards a client, also when the client allows more. Mosquitto uses 20; more keeps long links busy.</summary>
    public ushort SendMaximum { get; init; } = 1024;

    /// <summary>Topic aliases a client may set (MQTT 5.0 section 3.2.2.3.8).</summary>
    public ushort TopicAliasMaximum { get; init; } = 64;

    /// <summary>Topic aliases the broker uses towards a client that allows them.</summary>
    public ushort TopicAliasesToClient { get; init; } = 64;

    /// <summary>Highest QoS that is accepted and granted.</summary>
    public QoS MaximumQoS { get; init; } = QoS.ExactlyOnce;

    public bool RetainAvailable { get; init; } = true;

    /// <summary>Levels in a topic or filter: stops filters of 32,768 levels that cost a tree node each. Real topics have under 20.</summary>
    public int MaximumTopicLevels { get; init; } = 128;

    /// <summary>Client id, UTF-16 characters. The protocol only asks for 23 bytes.</summary>
    public int MaximumClientIdLength { get; init; } = 256;

    /// <summary>User properties in one packet: stops property floods.</summary>
    public int MaximumUserProperties { get; init; } = 64;

    /// <summary>Filters in one SUBSCRIBE or UNSUBSCRIBE.</summary>
    public int MaximumFiltersPerPacket { get; init; } = 1024;

    /// <summary>Longest session expiry granted; a longer wish is cut and announced (MQTT 5.0 section 3.2.2.3.2).</summary>
    public TimeSpan MaximumSessionExpiry { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Longest keep alive granted, announced as server keep alive; also for clients that ask for none (0).</summary>
    public TimeSpan MaximumKeepAlive { get; init; } = TimeSpan.FromSeconds(65_535);

    /// <summary>From the first byte of a transport to an accepted CONNECT.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes that wait to be written for one connection before messages go to its queue. One socket buffer's worth.</summary>
    public int WriteBuffer { get; init; } = 128 * 1024;

    /// <summary>A connection whose transport takes no byte for this long is closed as too slow.</summary>
    public TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Retained messages, all topics.</summary>
    public int MaximumRetained { get; init; } = 200_000;

    /// <summary>
    /// Payload bytes of all queued and retained messages. Above it a message that would have to wait for somebody is dropped for them, and the publisher of a QoS 1 or 2 message is
    /// told with 0x97 (MQTT 3.1.1 has no word for that: its connection is closed, so that it sends again later); those who could take it at once have it. The observer is told of each.
    /// </summary>
    public long MemoryCeiling { get; init; } = 512L * 1024 * 1024;

    /// <summary>Sessions, connected or kept.</summary>
    public int MaximumSessions { get; init; } = 100_000;

    /// <summary>For identities whose policy decision names no limits.</summary>
    public IdentityLimits PerIdentity { get; init; } = new();
}

/// <summary>Limits of one identity, summed over all its connections unless stated.</summary>
public sealed record IdentityLimits
{
    /// <summary>Connections at once.</summary>
    public int Connections { get; init; } = 1_000;

    /// <summary>Subscriptions of one session.</summary>
    public int Subscriptions { get; init; } = 10_000;

    /// <summary>PUBLISH packets a second, with a burst of one second's worth; null is unlimited. A faster client is read from more slowly.</summary>
    public int? MessagesPerSecond { get; init; }

    /// <summary>Bytes received a second; null is unlimited.</summary>
    public int? BytesPerSecond { get; init; }

    /// <summary>QoS 1 and 2 messages unacknowledged on one connection, each way; the lower of this and the broker's own limits holds, and is announced.</summary>
    public ushort InFlight { get; init; } = ushort.MaxValue;

    /// <summary>Messages queued in one session. Mosquitto keeps 1,000.</summary>
    public int QueuedMessages { get; init; } = 10_000;

    /// <summary>Payload bytes queued in one session.</summary>
    public long QueuedBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Sessions (connected or kept) of one identity.</summary>
    public int Sessions { get; init; } = 1_000;
}
