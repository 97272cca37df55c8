using System.Globalization;
using System.Text;
using Signet.Mqtt.Broker.Routing;
using Signet.Mqtt.Broker.Sessions;
using Signet.Mqtt.Broker.Storage;

namespace Signet.Mqtt.Broker;

/// <summary>What happens because time passes; and bringing back what was stored.</summary>
public sealed partial class MqttBroker
{
    /// <summary>Precision of keep alive, will delay and session expiry.</summary>
    private static readonly TimeSpan SweepInterval = TimeSpan.FromMilliseconds(250);
    private int sweeping;
    private int sweeps;

    private void Sweep()
    {
        if (Interlocked.Exchange(ref sweeping, 1) != 0) return;
        try
        {
            var now = Time.GetTimestamp();
            foreach (var connection in connections.Keys) connection.CheckDeadlines(now);
            foreach (var session in Table.All()) CheckAway(session);
            if (++sweeps % 40 == 0) DropExpiredRetained();
        }
        catch (Exception e)
        {
            LogBug(e);
        }
        finally
        {
            Volatile.Write(ref sweeping, 0);
        }
    }

    private void CheckAway(Session session)
    {
        if (session.IsConnected) return;
        var now = Time.GetUtcNow();
        Will? due = null;
        bool over;
        lock (session.Gate)
        {
            if (session.IsConnected) return;
            over = now - session.Since >= session.Expiry;
            if (session.DelayedWill is { } waiting && (over || waiting.Due <= now))
            {
                due = waiting.Will;
                session.DelayedWill = null;
            }
        }

        if (due is not null) PublishWill(session, due);
        if (over && session.Expiry > TimeSpan.Zero) Table.Remove(session);
    }

    private void DropExpiredRetained()
    {
        foreach (var old in RetainedMessages.FindExpired(NowMilliseconds))
        {
            if (RetainedMessages.Remove(old.Topic.Name) is not { } removed) continue;
            Counters.Add(Tally.Expired, 1);
            Counters.Add(Tally.QueuedBytes, -removed.Size);
            Counters.Add(Tally.Retained, -1);
            if (Store.IsDurable) Store.Append(new StoreChange.RetainedRemoved(removed.Topic.Name));
        }
    }

    private void Restore(StoredState state)
    {
        var messages = state.Messages.ToDictionary(m => m.Id, ToPublication);
        foreach (var stored in state.Retained)
        {
            var kept = ToPublication(stored);
            // The same message may still wait in queues under this number. Handed out anew it needs a row of its own: whoever acknowledged it would delete theirs.
            kept.StoreId = 0;
            RetainedMessages.Set(kept);
            Counters.Add(Tally.QueuedBytes, kept.Size);
            Counters.Add(Tally.Retained, 1);
            storeId = Math.Max(storeId, stored.Id);
        }

        foreach (var id in messages.Keys) storeId = Math.Max(storeId, id);
        var newest = state.Sessions.GroupBy(s => (s.Session.Identity, s.Session.ClientId)).ToDictionary(rows => rows.Key, rows => rows.Max(s => s.Session.Session));
        foreach (var stored in state.Sessions)
        {
            storeId = Math.Max(storeId, stored.Session.Session);
            // An older row of the same client was left by a version that wrote a session once more after it had ended.
            if (stored.Session.Session != newest[(stored.Session.Identity, stored.Session.ClientId)] || !MayGoOn(stored.Session, out var decision))
            {
                Store.Append(new StoreChange.SessionRemoved(stored.Session.Session));
                continue;
            }

            var session = Table.Restore(stored.Session, decision);
            foreach (var s in stored.Subscriptions)
            {
                var shared = TopicFilter.TrySplitShare(s.Subscription.Filter, out var group, out var filter);
                session.RestoreSubscription(new Subscription(session, s.Subscription, shared ? filter.ToString() : s.Subscription.Filter, shared ? group.ToString() : null, s.Identifier));
            }

            session.RestoreQueue(stored, messages);
        }

        foreach (var orphan in messages.Values.Where(m => !m.IsHeld)) Store.Append(new StoreChange.MessageDropped(orphan.StoreId));
    }

    private bool MayGoOn(StoreChange.SessionSaved stored, out ConnectDecision decision)
    {
        decision = ConnectDecision.Accept(stored.Identity);
        if (stored.Expiry == TimeSpan.Zero) return false;
        try
        {
            decision = Policy.Restore(stored.Identity, stored.ClientId);
        }
        catch (Exception e)
        {
            decision = ConnectDecision.Refuse(ReasonCode.ImplementationSpecificError, Failed(e).Reason);
        }

        if (decision.Code == ReasonCode.Success) return true;
        Refuse(RefusalKind.Connect, decision.Code, "kept session ended: " + decision.Reason, new ClientContext(stored.Identity, stored.ClientId, null, null), null);
        return false;
    }

    private Publication ToPublication(StoredMessage m) =>
        new(Topics.Get(m.Topic), m.Payload.ToArray(), m.Properties.ToArray(), m.QoS, true, m.ExpiresAt?.ToUnixTimeMilliseconds() ?? 0, null) { StoreId = m.Id };

    private void PublishSys()
    {
        if (Volatile.Read(ref disposed) != 0) return;
        foreach (var (name, value) in new (string, long)[]
        {
            ("clients/connected", Counters.Connections), ("clients/total", Counters.Sessions), ("messages/received", Counters.MessagesIn), ("messages/sent", Counters.MessagesOut),
            ("messages/dropped", Counters.Dropped), ("bytes/received", Counters.BytesIn), ("bytes/sent", Counters.BytesOut), ("retained/count", Counters.RetainedMessages), ("subscriptions/count", Counters.Subscriptions),
        })
        {
            PublishNow(new MqttMessage { Topic = "$SYS/broker/" + name, Payload = Encoding.ASCII.GetBytes(value.ToString(CultureInfo.InvariantCulture)), Retain = true }, null);
        }
    }
}
