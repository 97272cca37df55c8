using Signet.Mqtt.Broker.Storage;

namespace Signet.Mqtt.Broker.Routing;

/// <summary>A message that somebody has to wait for: queued, in flight to a session that outlives its connection, retained, or a will. Immutable and shared by all who wait.</summary>
internal sealed class Publication(Topic topic, byte[] payload, byte[] properties, QoS qos, bool retain, long expiresAt, Sessions.Session? publisher)
{
    private int waiting;

    public Topic Topic => topic;

    public byte[] Payload => payload;

    /// <summary>MQTT 5 properties that travel with the message, encoded.</summary>
    public byte[] Properties => properties;

    public QoS QoS => qos;

    /// <summary>As published.</summary>
    public bool Retain => retain;

    /// <summary>Unix milliseconds; 0: never.</summary>
    public long ExpiresAt => expiresAt;

    public Sessions.Session? Publisher => publisher;

    /// <summary>Number in the store, 0 while it is not stored.</summary>
    public long StoreId { get; set; }

    /// <summary>What it costs in a queue.</summary>
    public int Size => payload.Length + properties.Length;

    /// <summary>Upper bound of its PUBLISH packet.</summary>
    public int FrameSize => 64 + topic.Utf8.Length + payload.Length + properties.Length;

    public bool IsExpired(long now) => expiresAt != 0 && expiresAt <= now;

    /// <summary>Seconds left at <paramref name="now"/>; null when it never expires [MQTT-3.3.2-6].</summary>
    public uint? SecondsLeft(long now) => expiresAt == 0 ? null : (uint)Math.Max(0, (expiresAt - now + 999) / 1000);

    /// <summary>A stored queue holds it.</summary>
    public bool IsHeld => Volatile.Read(ref waiting) > 0;

    /// <summary>One more stored queue holds it; true the first time.</summary>
    public bool Hold() => Interlocked.Increment(ref waiting) == 1;

    /// <summary>One stored queue less; true when it was the last.</summary>
    public bool Release() => Interlocked.Decrement(ref waiting) == 0;

    public StoredMessage ToStored() => new(StoreId, topic.Name, payload, properties, qos, expiresAt == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(expiresAt));
}
