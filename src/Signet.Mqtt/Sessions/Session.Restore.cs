using Signet.Mqtt.Broker.Routing;
using Signet.Mqtt.Broker.Storage;

namespace Signet.Mqtt.Broker.Sessions;

/// <summary>Bringing a session back from the store, before any connection exists.</summary>
internal sealed partial class Session
{
    public void RestoreSubscription(Subscription subscription)
    {
        subscriptions[subscription.Options.Filter] = subscription;
        broker.Tree.Add(subscription);
        broker.Counters.Add(Tally.Subscriptions, 1);
    }

    /// <summary>Messages that were sent under a packet identifier are in flight again, to be sent once more; the others wait in the queue.</summary>
    public void RestoreQueue(StoredSession stored, IReadOnlyDictionary<long, Publication> messages)
    {
        foreach (var id in stored.Received) received.Add(id);
        foreach (var (entry, packetId, released) in stored.Queue)
        {
            if (!messages.TryGetValue(entry.Message, out var message)) continue;
            message.Hold();
            order = Math.Max(order, entry.Order);
            if (packetId != 0)
            {
                inFlight[packetId] = new InFlight { Message = message, QoS = entry.QoS, Retain = entry.Retain, Ids = entry.SubscriptionIds, Order = entry.Order, Stored = true, Released = released };
                continue;
            }

            queue.Enqueue(new Waiting(message, entry.QoS, entry.Retain, entry.SubscriptionIds, entry.Order, true, 0, message.Size));
            Charge(message.Size);
        }
    }
}
