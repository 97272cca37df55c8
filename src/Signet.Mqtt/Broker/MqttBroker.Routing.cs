using Signet.Mqtt.Broker.Connections;
using Signet.Mqtt.Broker.Routing;
using Signet.Mqtt.Broker.Sessions;
using Signet.Mqtt.Broker.Storage;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Broker;

/// <summary>Messages on their way: to subscribers, into the retained tree, from wills and from the broker itself.</summary>
public sealed partial class MqttBroker
{
    private long storeId;

    /// <summary>Publishes in the broker's own name, past <see cref="IBrokerPolicy.AuthorizePublish"/>; delivery is still authorised. Durable (with a durable store) when it returns.</summary>
    public ValueTask PublishAsync(MqttMessage message, CancellationToken cancellationToken = default)
    {
        MessageCodec.Check(message);
        cancellationToken.ThrowIfCancellationRequested();
        return PublishNow(message, null) ? Store.CommitAsync() : ValueTask.CompletedTask;
    }

    internal long NextStoreId() => Interlocked.Increment(ref storeId);

    /// <summary>
    /// One more queue holds the message; the first writes it down. Counting and writing are one step under the message's lock: else a client that acknowledges
    /// while the message still goes to others could have it deleted behind their back.
    /// </summary>
    internal void Keep(Publication message)
    {
        lock (message)
        {
            if (!message.Hold()) return;
            if (message.StoreId == 0) message.StoreId = NextStoreId();
            Store.Append(new StoreChange.MessageSaved(message.ToStored()));
        }
    }

    /// <summary>One queue less holds the message; the last deletes it.</summary>
    internal void Forget(Publication message)
    {
        lock (message)
        {
            if (message.Release()) Store.Append(new StoreChange.MessageDropped(message.StoreId));
        }
    }

    /// <summary>Gives the message to everyone who gets it; connections that were given something and must be woken are added to <paramref name="touched"/>.</summary>
    internal void Route(ref Delivery delivery, RouteSet routes, List<Connection> touched)
    {
        foreach (var route in routes.Routes)
        {
            if (route.Denied is { } reason) Refuse(RefusalKind.Deliver, ReasonCode.NotAuthorized, reason, route.Session.Context, delivery.Topic.Name);
            else if (route.Session.Deliver(ref delivery, route) is { } connection) touched.Add(connection);
        }

        foreach (var shared in routes.Shared)
        {
            if (shared.Choose() is not { } route) continue;
            if (route.Denied is { } reason) Refuse(RefusalKind.Deliver, ReasonCode.NotAuthorized, reason, route.Session.Context, delivery.Topic.Name);
            else if (route.Session.Deliver(ref delivery, route) is { } connection) touched.Add(connection);
        }
    }

    /// <summary>Keeps, replaces or (empty payload) removes the topic's retained message [MQTT-3.3.1-5, -6]; false when a limit forbids it.</summary>
    internal bool Retain(ref Delivery delivery, out string why)
    {
        why = "";
        if (delivery.Payload.IsEmpty)
        {
            if (RetainedMessages.Remove(delivery.Topic.Name) is { } removed) Replaced(removed, null, ref delivery);
            return true;
        }

        if (Counters.QueuedBytes + delivery.Payload.Length > Options.Limits.MemoryCeiling) why = "the broker's memory ceiling is reached";
        else if (RetainedMessages.Count >= Options.Limits.MaximumRetained && !RetainedMessages.Contains(delivery.Topic.Name)) why = $"the broker keeps {Options.Limits.MaximumRetained} retained messages already";
        if (why.Length > 0) return false;
        var message = delivery.Keep();
        Replaced(RetainedMessages.Set(message), message, ref delivery);
        return true;
    }

    /// <summary>Retained messages that match a new subscription and may be delivered to it.</summary>
    internal List<Publication> RetainedFor(Session session, string filter)
    {
        var found = new List<Publication>();
        RetainedMessages.Find(filter, found);
        var now = NowMilliseconds;
        found.RemoveAll(m =>
        {
            if (m.IsExpired(now)) return true;
            if (DeniedDelivery(session, m.Topic.Name) is not { } reason) return false;
            Refuse(RefusalKind.Deliver, ReasonCode.NotAuthorized, reason, session.Context, m.Topic.Name);
            return true;
        });
        return found;
    }

    /// <summary>The last will, authorised once more: the policy may have changed since CONNECT.</summary>
    internal void PublishWill(Session session, Will will)
    {
        var m = will.Message;
        var decision = AuthorizePublish(new PublishRequest(session.Context, m.Topic, m.QoS, m.Retain, PublishKind.Will), Topics.Get(m.Topic).IsReserved);
        if (!decision.Allowed)
        {
            Refuse(RefusalKind.Will, ReasonCode.NotAuthorized, decision.Reason, session.Context, m.Topic);
            return;
        }

        PublishNow(m, session);
    }

    /// <summary>True when something was stored and a commit should be awaited.</summary>
    private bool PublishNow(MqttMessage m, Session? publisher)
    {
        var now = NowMilliseconds;
        var expiresAt = MessageCodec.ExpirySeconds(m.MessageExpiry) is { } seconds ? now + (seconds * 1000L) : 0;
        var topic = Topics.Get(m.Topic);
        var touched = new List<Connection>();
        if (Store.IsDurable) Store.BeginGroup();
        bool stored;
        try
        {
            var routes = Tree.RoutesOf(topic);
            var delivery = new Delivery(topic, m.Payload.Span, MessageCodec.EncodeProperties(m), m.QoS, m.Retain, expiresAt, now, publisher, routes.Routes.Length > 1);
            if (m.Retain && !Retain(ref delivery, out var why)) Refuse(RefusalKind.Quota, ReasonCode.QuotaExceeded, why, publisher?.Context, m.Topic);
            Route(ref delivery, routes, touched);
            stored = delivery.IsStored;
        }
        finally
        {
            if (Store.IsDurable) Store.EndGroup();
        }

        foreach (var connection in touched) connection.Wake();
        return stored;
    }

    private void Replaced(Publication? before, Publication? after, ref Delivery delivery)
    {
        if ((after ?? before)!.Topic.IsReserved) return; // the broker's own numbers: made anew all the time
        Counters.Add(Tally.QueuedBytes, (after?.Size ?? 0) - (before?.Size ?? 0));
        Counters.Add(Tally.Retained, (after is null ? 0 : 1) - (before is null ? 0 : 1));
        if (!Store.IsDurable) return;
        if (after is not null)
        {
            if (after.StoreId == 0) after.StoreId = NextStoreId();
            Store.Append(new StoreChange.RetainedSaved(after.ToStored()));
        }
        else
        {
            Store.Append(new StoreChange.RetainedRemoved(before!.Topic.Name));
        }

        delivery.IsStored = true;
    }
}
