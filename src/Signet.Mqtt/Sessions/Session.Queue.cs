using Signet.Mqtt.Broker.Connections;
using Signet.Mqtt.Broker.Routing;
using Signet.Mqtt.Broker.Storage;

namespace Signet.Mqtt.Broker.Sessions;

/// <summary>Messages towards the client: straight into the connection's write buffer when nothing is in the way, else through a bounded queue.</summary>
internal sealed partial class Session
{
    /// <summary>Larger packets are queued, where all receivers share one copy, and encoded when it is their turn.</summary>
    private const int LargestDirect = 16 * 1024;
    private readonly Queue<Waiting> queue = new();
    private long queuedBytes;
    private long messagesOut;

    /// <summary>Messages that wait.</summary>
    public int QueuedCount
    {
        get
        {
            lock (Gate) return queue.Count;
        }
    }

    private long dropped;

    /// <summary>Hands over one message. Returns the connection to wake, or null when none needs it (or somebody already will).</summary>
    public Connection? Deliver(ref Delivery delivery, Route route)
    {
        var own = delivery.Publisher == this;
        if (own && route.LocalQoS is null) return null;
        var limit = own ? route.LocalQoS!.Value : route.QoS;
        var qos = delivery.QoS < limit ? delivery.QoS : limit;
        var retain = route.RetainAsPublished && delivery.Retain;
        lock (Gate)
        {
            if (Ended) return null;
            // The policy changed after the routes were found: nothing is handed out that it denies.
            if (route.PolicyVersion != broker.PolicyVersion && broker.DeniedDelivery(this, delivery.Topic.Name) is not null) return null;
            var c = connection;
            if (c is null)
            {
                if (qos == 0 || Expiry == TimeSpan.Zero) return null;
                Wait(ref delivery, qos, retain, route.SubscriptionIds);
                return null;
            }

            if (!TryDirect(ref delivery, c, qos, retain, route.SubscriptionIds)) Wait(ref delivery, qos, retain, route.SubscriptionIds);
            return c.MarkDirty() ? c : null;
        }
    }

    /// <summary>Queues retained messages after a SUBSCRIBE. They are already kept, so they count by number and not by bytes.</summary>
    public void DeliverRetained(List<Publication> messages, QoS granted, bool retainFlag, int identifier)
    {
        int[]? ids = identifier == 0 ? null : [identifier];
        lock (Gate)
        {
            if (Ended) return;
            foreach (var m in messages) Enqueue(m, m.QoS < granted ? m.QoS : granted, retainFlag, ids, true);
            connection?.MarkDirty();
        }
    }

    private void Wait(ref Delivery delivery, QoS qos, bool retain, int[]? ids)
    {
        if (broker.Counters.QueuedBytes > broker.Options.Limits.MemoryCeiling)
        {
            Drop(delivery.Topic.Name, "the broker's memory ceiling is reached");
            delivery.IsRefused = true;
        }
        else
        {
            delivery.IsStored |= Enqueue(delivery.Keep(), qos, retain, ids, false);
        }
    }

    private bool TryDirect(ref Delivery delivery, Connection c, QoS qos, bool retain, int[]? ids)
    {
        var size = delivery.FrameSize;
        if (queue.Count > 0 || committing.Count > 0 || size > LargestDirect || size > c.MaximumPacketSize || c.Outbox.Length + size > c.WriteBuffer) return false;
        if (qos == 0)
        {
            var alias = c.AliasFor(delivery.Topic, out var known);
            delivery.Append(c.Outbox, Version, qos, retain, 0, alias, known, ids);
        }
        else
        {
            if (outstanding >= c.SendMaximum || IsStored || resend.Count > 0) return false;
            var id = NextPacketId();
            if (id == 0) return false;
            inFlight[id] = new InFlight { Message = Expiry > TimeSpan.Zero || delivery.Topic.ReportsAcknowledged ? delivery.Keep() : null, QoS = qos, Retain = retain, Ids = ids, Order = ++order, OnWire = true };
            outstanding++;
            var alias = c.AliasFor(delivery.Topic, out var known);
            delivery.Append(c.Outbox, Version, qos, retain, id, alias, known, ids);
        }

        messagesOut++;
        c.CountOut();
        return true;
    }

    /// <summary>True when the message was written to the store: whoever acknowledges it must wait for a commit.</summary>
    private bool Enqueue(Publication message, QoS qos, bool retain, int[]? ids, bool isRetained)
    {
        var limits = Usage.Limits;
        if (queue.Count >= (isRetained ? broker.Options.Limits.MaximumRetained : limits.QueuedMessages)) Drop(message.Topic.Name, "queue of the session is full");
        else if (!isRetained && queuedBytes + message.Size > limits.QueuedBytes) Drop(message.Topic.Name, "queue of the session holds too many bytes");
        else
        {
            var entry = new Waiting(message, qos, retain, ids, ++order, qos > 0 && IsStored, broker.PolicyVersion, isRetained ? 0 : message.Size);
            if (entry.Stored) Store(entry);
            queue.Enqueue(entry);
            Charge(entry.Charge);
            return entry.Stored;
        }

        return false;
    }

    private void Store(Waiting entry)
    {
        var message = entry.Message;
        broker.Keep(message);
        broker.Store.Append(new StoreChange.Queued(storeId, entry.Order, message.StoreId, entry.QoS, entry.Retain, entry.Ids));
    }

    private void Unstore(Publication message, long at)
    {
        broker.Store.Append(new StoreChange.Unqueued(storeId, at));
        broker.Forget(message);
    }

    private void Drop(string topic, string why)
    {
        dropped++;
        broker.Counters.Add(Tally.Dropped, 1);
        broker.Refuse(RefusalKind.Quota, ReasonCode.QuotaExceeded, why, Context, topic);
    }

    private void DropQoS0()
    {
        for (var left = queue.Count; left > 0; left--)
        {
            var entry = queue.Dequeue();
            if (entry.QoS > 0) queue.Enqueue(entry);
            else Charge(-entry.Charge);
        }
    }

    private void ClearMessages()
    {
        foreach (var entry in queue)
        {
            if (entry.Stored) broker.Forget(entry.Message);
        }

        foreach (var flight in inFlight.Values)
        {
            if (flight.Stored) broker.Forget(flight.Message!);
        }

        queue.Clear();
        inFlight.Clear();
        received.Clear();
        resend.Clear();
        committing.Clear();
        Charge(-queuedBytes);
    }

    private void Charge(long bytes)
    {
        if (bytes == 0) return;
        queuedBytes += bytes;
        broker.Counters.Add(Tally.QueuedBytes, bytes);
    }

    /// <summary>One message in the queue; a value, so that queueing allocates nothing but the shared message.</summary>
    private readonly record struct Waiting(Publication Message, QoS QoS, bool Retain, int[]? Ids, long Order, bool Stored, long PolicyVersion, int Charge);
}
