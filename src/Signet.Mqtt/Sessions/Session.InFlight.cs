using Signet.Mqtt.Broker.Connections;
using Signet.Mqtt.Broker.Routing;
using Signet.Mqtt.Broker.Storage;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Broker.Sessions;

/// <summary>
/// Packet identifiers in both directions (MQTT 5.0 sections 4.3 and 4.4).
/// Durable sessions: a QoS 2 message is written to the wire only after its packet identifier is committed, PUBREL only after PUBREC is; so that
/// whatever moment the process dies, the client recognises what it already has. What comes after such a message waits with it: a session's messages leave in the
/// order they came in, whatever their QoS.
/// </summary>
internal sealed partial class Session
{
    private readonly Dictionary<ushort, InFlight> inFlight = [];
    private readonly Queue<ushort> resend = new();
    private readonly List<ushort> committing = [];
    private readonly HashSet<ushort> received = [];
    private ushort lastPacketId;
    private int outstanding;

    /// <summary>QoS 2 messages the client sent and has not released.</summary>
    public int ReceivedCount
    {
        get
        {
            lock (Gate) return received.Count;
        }
    }

    /// <summary>Fills the write buffer from what waits. Called by the connection's writer under <see cref="Gate"/>. True when <see cref="SendCommitted"/> must follow a commit.</summary>
    public bool Pump(Connection c)
    {
        var now = broker.NowMilliseconds;
        while (resend.Count > 0 && outstanding < c.SendMaximum && c.Outbox.Length < c.WriteBuffer) Resend(c, resend.Dequeue(), now);
        while (resend.Count == 0 && queue.Count > 0 && c.Outbox.Length < c.WriteBuffer)
        {
            var entry = queue.Peek();
            if (committing.Count > 0 && entry is not { Stored: true, QoS: QoS.ExactlyOnce }) break; // does not overtake what was there before it
            var message = entry.Message;
            if (MayNotGo(c, entry, now))
            {
                queue.Dequeue();
                Charge(-entry.Charge);
                if (entry.Stored) Unstore(message, entry.Order);
                continue;
            }

            ushort id = 0;
            if (entry.QoS > 0)
            {
                if (outstanding >= c.SendMaximum || (id = NextPacketId()) == 0) break;
                outstanding++;
                inFlight[id] = new InFlight { Message = message, QoS = entry.QoS, Retain = entry.Retain, Ids = entry.Ids, Order = entry.Order, Stored = entry.Stored, OnWire = true };
                if (entry.Stored) broker.Store.Append(new StoreChange.Sent(storeId, entry.Order, id, false));
            }

            queue.Dequeue();
            Charge(-entry.Charge);
            if (entry is { Stored: true, QoS: QoS.ExactlyOnce }) committing.Add(id);
            else Write(c, message, entry.QoS, entry.Retain, false, id, entry.Ids, now);
        }

        return committing.Count > 0;
    }

    /// <summary>Writes the QoS 2 messages whose identifiers are now committed. Under <see cref="Gate"/>.</summary>
    public void SendCommitted(Connection c)
    {
        foreach (var id in committing)
        {
            if (inFlight.TryGetValue(id, out var flight)) Write(c, flight.Message!, flight.QoS, flight.Retain, false, id, flight.Ids, broker.NowMilliseconds);
        }

        committing.Clear();
    }

    /// <summary>PUBACK. The message it ends, when its topic reports that.</summary>
    public Acknowledged Acknowledge(ushort id)
    {
        lock (Gate) return inFlight.TryGetValue(id, out var flight) && flight.QoS == QoS.AtLeastOnce ? Finish(id, flight) : default;
    }

    /// <summary>PUBREC without an error asks for PUBREL; false: the identifier is unknown. <paramref name="stored"/>: PUBREL must wait for a commit.</summary>
    public bool Recorded(ushort id, out bool stored)
    {
        lock (Gate)
        {
            stored = false;
            if (!inFlight.TryGetValue(id, out var flight) || flight.QoS != QoS.ExactlyOnce) return false;

            stored = flight.Stored;
            if (stored && !flight.Released) broker.Store.Append(new StoreChange.Sent(storeId, flight.Order, id, true));
            flight.Released = true;
            inFlight[id] = flight;
            return true;
        }
    }

    /// <summary>PUBREC with an error: the client will not have it, and the identifier is free [MQTT-4.3.3-4].</summary>
    public Acknowledged Rejected(ushort id)
    {
        lock (Gate) return inFlight.TryGetValue(id, out var flight) && flight is { QoS: QoS.ExactlyOnce, Released: false } ? Finish(id, flight) : default;
    }

    /// <summary>PUBCOMP.</summary>
    public Acknowledged Completed(ushort id)
    {
        lock (Gate) return inFlight.TryGetValue(id, out var flight) && flight.Released ? Finish(id, flight) : default;
    }

    /// <summary>A QoS 2 PUBLISH came: false when it is one the session already has.</summary>
    public bool IsNewReceived(ushort id)
    {
        lock (Gate) return !received.Contains(id);
    }

    public void AddReceived(ushort id)
    {
        lock (Gate)
        {
            if (received.Add(id) && IsStored) broker.Store.Append(new StoreChange.Received(storeId, id));
        }
    }

    /// <summary>PUBREL came: false when the identifier is unknown.</summary>
    public bool ReleaseReceived(ushort id)
    {
        lock (Gate)
        {
            if (!received.Remove(id)) return false;
            if (IsStored) broker.Store.Append(new StoreChange.ReceivedReleased(storeId, id));
            return true;
        }
    }

    /// <summary>Everything in flight goes out again, oldest first, PUBREL instead of PUBLISH where PUBREC had come [MQTT-4.4.0-1].</summary>
    private void PrepareResend()
    {
        resend.Clear();
        committing.Clear();
        outstanding = 0;
        foreach (var (id, _) in inFlight.OrderBy(f => f.Value.Order)) resend.Enqueue(id);
        foreach (var id in resend)
        {
            var flight = inFlight[id];
            flight.OnWire = false;
            inFlight[id] = flight;
        }
    }

    private void Resend(Connection c, ushort id, long now)
    {
        if (!inFlight.TryGetValue(id, out var flight)) return;
        if (!flight.Released && flight.Message!.FrameSize > c.MaximumPacketSize && !Fits(c, flight.Message, flight.Ids))
        {
            Finish(id, flight);
            return;
        }

        // It was allowed when it was first sent; what counts is now.
        if (!flight.Released && broker.DeniedDelivery(this, flight.Message!.Topic.Name) is { } reason)
        {
            broker.Refuse(RefusalKind.Deliver, ReasonCode.NotAuthorized, reason, Context, flight.Message.Topic.Name);
            Finish(id, flight);
            return;
        }

        flight.OnWire = true;
        inFlight[id] = flight;
        outstanding++;
        if (flight.Released) new AckPacket(PacketType.Pubrel, id, ReasonCode.Success).Write(c.Outbox, Version);
        else Write(c, flight.Message!, flight.QoS, flight.Retain, true, id, flight.Ids, now);
    }

    private bool MayNotGo(Connection c, Waiting entry, long now)
    {
        var message = entry.Message;
        if (message.IsExpired(now))
        {
            broker.Counters.Add(Tally.Expired, 1);
            return true;
        }

        if (!Fits(c, message, entry.Ids)) // the client said so: not sent, and not an error [MQTT-3.1.2-24]
        {
            Drop(message.Topic.Name, "larger than the client's maximum packet size");
            return true;
        }

        if (entry.PolicyVersion == broker.PolicyVersion || broker.DeniedDelivery(this, message.Topic.Name) is not { } reason) return false;
        broker.Refuse(RefusalKind.Deliver, ReasonCode.NotAuthorized, reason, Context, message.Topic.Name);
        return true;
    }

    private static bool Fits(Connection c, Publication m, int[]? ids) => m.FrameSize + (ids?.Length ?? 0) * 5 <= c.MaximumPacketSize
        || (long)m.Topic.Utf8.Length + m.Payload.Length + m.Properties.Length + 5 + 2 + 2 + 4 + new HopProperties(m.SecondsLeft(0), 0, ids).Size <= c.MaximumPacketSize;

    private void Write(Connection c, Publication m, QoS qos, bool retain, bool duplicate, ushort id, int[]? ids, long now)
    {
        var alias = c.AliasFor(m.Topic, out var known);
        PublishFrame.WriteHead(c.Outbox, Version, PublishFrame.First(qos, retain, duplicate), known ? [] : m.Topic.Utf8, id, new(m.SecondsLeft(now), alias, ids), m.Properties, m.Payload.Length);
        c.Outbox.Raw(m.Payload);
        messagesOut++;
        c.CountOut();
    }

    private Acknowledged Finish(ushort id, InFlight flight)
    {
        inFlight.Remove(id);
        if (flight.OnWire) outstanding--;
        if (flight.Stored) Unstore(flight.Message!, flight.Order);
        if (queue.Count > 0 || resend.Count > 0) connection?.MarkDirty();
        return flight.Message is { Topic.ReportsAcknowledged: true } message ? new Acknowledged(message, flight.QoS, flight.Retain) : default;
    }

    /// <summary>The next identifier not in use; 0 when all 65,535 are.</summary>
    private ushort NextPacketId()
    {
        for (var tries = 0; tries < ushort.MaxValue; tries++)
        {
            if (++lastPacketId == 0) lastPacketId = 1;
            if (!inFlight.ContainsKey(lastPacketId)) return lastPacketId;
        }

        return 0;
    }

    private struct InFlight
    {
        /// <summary>Null when the session ends with its connection, so that it is never sent again, and nobody wants to hear of its acknowledgement.</summary>
        public Publication? Message;
        public QoS QoS;
        public bool Retain;
        public int[]? Ids;
        public long Order;
        public bool Stored;

        /// <summary>PUBREC came (QoS 2).</summary>
        public bool Released;

        /// <summary>Sent on the present connection, so it counts against the client's receive maximum.</summary>
        public bool OnWire;
    }
}

/// <summary>A message that a client has acknowledged; empty when its topic reports nothing.</summary>
internal readonly record struct Acknowledged(Publication? Message, QoS QoS, bool Retain);
