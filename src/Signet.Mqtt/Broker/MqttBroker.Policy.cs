using Microsoft.Extensions.Logging;
using Signet.Mqtt.Broker.Connections;
using Signet.Mqtt.Broker.Sessions;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Broker;

/// <summary>Asking the policy, and telling the observer.</summary>
public sealed partial class MqttBroker
{
    private long policyVersion = 1;

    internal long PolicyVersion => Volatile.Read(ref policyVersion);

    /// <summary>
    /// Forget every remembered decision and ask again: for subscriptions that exist (refused ones end), for messages that wait, and for those that are being handed out at this moment.
    /// MQTT has no word for a subscription that the broker ends, so a connected client that loses one is disconnected with 0x87 and the reason; what waits in its write buffer is dropped,
    /// and what its session keeps is judged again when it comes back.
    /// </summary>
    /// <returns>Subscriptions that ended.</returns>
    public int PolicyChanged()
    {
        Interlocked.Increment(ref policyVersion);
        var ended = 0;
        foreach (var session in Table.All())
        {
            var refused = EndRefusedSubscriptions(session);
            if (refused.Count == 0) continue;
            ended += refused.Count;
            session.Connection?.CloseWithoutRest(ReasonCode.NotAuthorized, $"{refused[0].Reason}: '{refused[0].Filter}' may no longer be read{(refused.Count > 1 ? $", and {refused.Count - 1} more" : "")}");
        }

        Tree.Invalidate();
        return ended;
    }

    /// <summary>The same for one session whose principal changed.</summary>
    internal void PolicyChangedFor(Session session)
    {
        Interlocked.Increment(ref policyVersion);
        EndRefusedSubscriptions(session);
        Tree.Invalidate();
    }

    internal PolicyDecision AuthorizePublish(in PublishRequest request, bool reserved)
    {
        if (reserved) return PolicyDecision.Deny("topics under $SYS and $share are the broker's own");
        try
        {
            return Policy.AuthorizePublish(in request);
        }
        catch (Exception e)
        {
            return Failed(e);
        }
    }

    internal PolicyDecision AuthorizeSubscribe(in SubscribeRequest request)
    {
        try
        {
            return Policy.AuthorizeSubscribe(in request);
        }
        catch (Exception e)
        {
            return Failed(e);
        }
    }

    /// <summary>The reason why this session may not be handed this topic; null when it may.</summary>
    internal string? DeniedDelivery(Session session, string topic)
    {
        try
        {
            var decision = Policy.AuthorizeDeliver(new DeliverRequest(session.Context, topic));
            return decision.Allowed ? null : decision.Reason;
        }
        catch (Exception e)
        {
            return Failed(e).Reason;
        }
    }

    internal void Refuse(RefusalKind kind, ReasonCode code, string reason, ClientContext? client, string? topic, ConnectionFacts? facts = null)
    {
        Counters.Count(kind);
        facts ??= client?.Facts;
        Tell(o => o.Refused(new BrokerRefusal(kind, code, reason, client?.Identity, client?.ClientId, topic, facts?.Remote, facts?.Listener ?? "")));
        if (logger.IsEnabled(LogLevel.Debug)) Log.Refused(logger, kind, code, reason, client?.Identity, client?.ClientId, facts?.Remote);
    }

    internal void Report(Session session, in Acknowledged acknowledged, ReasonCode code)
    {
        if (acknowledged.Message is not { } m) return;
        var message = MessageCodec.Decode(m.Properties, m.Topic.Name, m.Payload, acknowledged.QoS, acknowledged.Retain) with
        {
            MessageExpiry = m.SecondsLeft(NowMilliseconds) is { } left ? TimeSpan.FromSeconds(left) : null,
        };
        Tell(o => o.Acknowledged(new Acknowledgement(session.Key.Identity, session.Key.ClientId, message, code)));
    }

    internal void ConnectionStarted(Session session)
    {
        Counters.Add(Tally.Connections, 1);
        Counters.Add(Tally.ConnectionsTotal, 1);
        Tell(o => o.Connected(session.ToInfo()));
    }

    internal void ConnectionEnded(Connection connection, Session session)
    {
        connections.TryRemove(connection, out _);
        Counters.Add(Tally.Connections, -1);
        Table.Release(session);
    }

    internal void NotifyDisconnected(Session session, Connection connection, DisconnectInfo info) =>
        Tell(o => o.Disconnected(session.ToInfo() with { Remote = connection.Facts.Remote, Listener = connection.Facts.Listener, MessagesIn = connection.MessagesIn, LastMessageIn = connection.LastMessageIn }, info));

    internal void LogBug(Exception e) => Log.Bug(logger, e);

    /// <summary>Once for each failure: every connection that needs the store meets it.</summary>
    internal void LogStoreLost(Exception e)
    {
        if (Interlocked.Exchange(ref storeLost, e) != e) Log.StoreLost(logger, e);
    }

    private Exception? storeLost;

    private List<(string Filter, string Reason)> EndRefusedSubscriptions(Session session)
    {
        var refused = new List<(string, string)>();
        foreach (var s in session.Subscriptions())
        {
            var decision = AuthorizeSubscribe(new SubscribeRequest(session.Context, s.Filter, s.Options.QoS, s.Group));
            if (decision.Allowed) continue;
            session.Unsubscribe(s.Options.Filter);
            Refuse(RefusalKind.Subscribe, ReasonCode.NotAuthorized, decision.Reason, session.Context, s.Options.Filter);
            refused.Add((s.Options.Filter, decision.Reason));
        }

        return refused;
    }

    private PolicyDecision Failed(Exception e)
    {
        LogBug(e);
        return PolicyDecision.Deny("the policy failed");
    }

    private void Tell(Action<IBrokerObserver> tell)
    {
        if (Options.Observer is not { } observer) return;
        try
        {
            tell(observer);
        }
        catch (Exception e)
        {
            LogBug(e);
        }
    }
}
