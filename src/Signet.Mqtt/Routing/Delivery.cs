using System.Buffers.Binary;
using Signet.Mqtt.Broker.Sessions;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Broker.Routing;

/// <summary>
/// One message on its way to everyone who gets it, living on the publisher's stack while the bytes still lie in its read buffer.
/// Receivers that can take it now get it copied straight into their write buffers: encoded once for each kind of receiver (version, with or without
/// packet identifier), then copied and patched. Only when somebody has to wait is a <see cref="Publication"/> made, once.
/// </summary>
internal ref struct Delivery
{
    private readonly FrameScratch? scratch;
    private readonly ReadOnlySpan<byte> properties;
    private Publication? kept;

    public Delivery(Topic topic, ReadOnlySpan<byte> payload, ReadOnlySpan<byte> properties, QoS qos, bool retain, long expiresAt, long now, Session? publisher, bool shareFrames)
    {
        Topic = topic;
        Payload = payload;
        this.properties = properties;
        QoS = qos;
        Retain = retain;
        ExpiresAt = expiresAt;
        SecondsLeft = expiresAt == 0 ? null : (uint)Math.Max(0, (expiresAt - now + 999) / 1000);
        Publisher = publisher;
        if (shareFrames) scratch = FrameScratch.ForThisThread();
    }

    public Delivery(Publication message, long now, bool shareFrames)
        : this(message.Topic, message.Payload, message.Properties, message.QoS, message.Retain, message.ExpiresAt, now, message.Publisher, shareFrames) => kept = message;

    public Topic Topic { get; }

    public ReadOnlySpan<byte> Payload { get; }

    public QoS QoS { get; }

    public bool Retain { get; }

    public long ExpiresAt { get; }

    public uint? SecondsLeft { get; }

    public Session? Publisher { get; }

    /// <summary>Some session wrote it to the store: acknowledge only after a commit.</summary>
    public bool IsStored { get; set; }

    /// <summary>Somebody should have waited for it and could not, because the broker's memory ceiling is reached: do not acknowledge.</summary>
    public bool IsRefused { get; set; }

    /// <summary>Upper bound of the packet, but for subscription identifiers.</summary>
    public readonly int FrameSize => 64 + Topic.Utf8.Length + Payload.Length + properties.Length;

    /// <summary>The message for somebody who has to wait.</summary>
    public Publication Keep() => kept ??= new Publication(Topic, Payload.ToArray(), properties.ToArray(), QoS, Retain, ExpiresAt, Publisher);

    /// <summary>Appends the PUBLISH to a receiver's write buffer.</summary>
    public readonly void Append(WireWriter target, MqttVersion version, QoS qos, bool retain, ushort packetId, ushort alias, bool aliasIsKnown, int[]? subscriptionIds)
    {
        var first = PublishFrame.First(qos, retain, false);
        if (scratch is null || alias != 0 || subscriptionIds is not null)
        {
            PublishFrame.WriteHead(target, version, first, aliasIsKnown ? [] : Topic.Utf8, packetId, new(SecondsLeft, alias, subscriptionIds), properties, Payload.Length);
            target.Raw(Payload);
            return;
        }

        var frame = scratch.Frames[(version == MqttVersion.V5 ? 2 : 0) + (qos > 0 ? 1 : 0)];
        if (frame.Length == 0)
        {
            PublishFrame.WriteHead(frame, version, first, Topic.Utf8, 0, new(SecondsLeft, 0, null), properties, Payload.Length);
            frame.Raw(Payload);
        }

        var copy = target.Take(frame.Length);
        frame.WrittenSpan.CopyTo(copy);
        copy[0] = first;
        if (qos > 0) BinaryPrimitives.WriteUInt16BigEndian(copy[(FrameHeader.LengthOf(copy) + 2 + Topic.Utf8.Length)..], packetId);
    }

    /// <summary>Encoded forms of the message in hand; one set a thread, because a delivery never leaves its thread.</summary>
    private sealed class FrameScratch
    {
        [ThreadStatic]
        private static FrameScratch? mine;

        public WireWriter[] Frames { get; } = [new(), new(), new(), new()];

        public static FrameScratch ForThisThread()
        {
            var scratch = mine ??= new FrameScratch();
            foreach (var frame in scratch.Frames) frame.Reset();
            return scratch;
        }
    }
}
