using System.Diagnostics.CodeAnalysis;
using Signet.Mqtt.Broker.Connections;
using Signet.Mqtt.Broker.Storage;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Broker.Sessions;

/// <summary>All sessions, and how a connection comes to its own: new, resumed or taken over. One lock, held at connects and ends only.</summary>
internal sealed class SessionTable(MqttBroker broker)
{
    private readonly Lock gate = new();
    private readonly Dictionary<SessionKey, Session> sessions = [];
    private readonly Dictionary<string, IdentityUsage> usages = new(StringComparer.Ordinal);

    public List<Session> All()
    {
        lock (gate) return [.. sessions.Values];
    }

    public bool TryGet(SessionKey key, [NotNullWhen(true)] out Session? session)
    {
        lock (gate) return sessions.TryGetValue(key, out session);
    }

    /// <summary>
    /// Gives the connection its session (MQTT 5.0 section 3.1.4). <paramref name="welcome"/> runs under the session's gate, so that what it writes (CONNACK)
    /// goes out before any message. Null with a reason when a limit forbids it.
    /// </summary>
    public Session? Attach(Connection connection, ClientContext context, in ConnectTerms terms, IdentityLimits limits, Action<Session, bool> welcome, out Connection? takenOver, out PacketError error)
    {
        takenOver = null;
        Session? ended = null;
        Session session;
        lock (gate)
        {
            var key = new SessionKey(context.Identity, context.ClientId);
            var usage = UsageOf(context.Identity, limits);
            sessions.TryGetValue(key, out var existing);
            takenOver = existing?.Connection;
            if (!MayConnect(usage, existing, takenOver, out error))
            {
                takenOver = null;
                Forget(usage);
                return null;
            }

            var resumes = existing is not null && !terms.CleanStart && existing.Expiry > TimeSpan.Zero;
            if (existing is not null && !resumes)
            {
                ended = existing;
                Take(existing);
            }

            session = resumes ? existing! : new Session(broker, key, broker.NextStoreId()) { Context = context, Usage = usage };
            if (!resumes)
            {
                sessions[key] = session;
                usage.Sessions++;
                broker.Counters.Add(Tally.Sessions, 1);
            }

            usage.Connections++;
            if (resumes && existing!.Context.Principal != context.Principal) broker.Tree.Invalidate();
            lock (session.Gate)
            {
                session.Context = context;
                session.Version = terms.Version;
                session.Expiry = terms.Expiry;
                if (broker.Store.IsDurable && (resumes || terms.Expiry > TimeSpan.Zero)) broker.Store.Append(session.ToStored(null));
                connection.Own(session);
                session.Attach(connection);
                welcome(session, resumes);
            }
        }

        ended?.End();
        return session;
    }

    public bool SetLimits(string identity, IdentityLimits limits)
    {
        lock (gate)
        {
            if (!usages.TryGetValue(identity, out var usage)) return false;
            usage.Limits = limits;
            return true;
        }
    }

    /// <summary>The connection's place among its identity's is free again.</summary>
    public void Release(Session session)
    {
        lock (gate)
        {
            session.Usage.Connections--;
            Forget(session.Usage);
        }
    }

    /// <summary>Ends a session for good, if it is still the one in the table.</summary>
    public void Remove(Session session)
    {
        lock (gate)
        {
            if (!sessions.TryGetValue(session.Key, out var present) || present != session) return;
            Take(session);
            Forget(session.Usage);
        }

        session.End();
    }

    /// <summary>Puts back a session that was stored.</summary>
    public Session Restore(StoreChange.SessionSaved stored, ConnectDecision decision)
    {
        lock (gate)
        {
            var key = new SessionKey(stored.Identity, stored.ClientId);
            var usage = UsageOf(stored.Identity, decision.Limits ?? broker.Options.Limits.PerIdentity);
            var session = new Session(broker, key, stored.Session)
            {
                Context = new ClientContext(stored.Identity, stored.ClientId, decision.Principal, null), Usage = usage, Version = stored.Version, Expiry = stored.Expiry,
                Since = (stored.EndsAt ?? broker.Time.GetUtcNow() + stored.Expiry) - stored.Expiry,
            };
            sessions[key] = session;
            usage.Sessions++;
            broker.Counters.Add(Tally.Sessions, 1);
            return session;
        }
    }

    private bool MayConnect(IdentityUsage usage, Session? existing, Connection? takenOver, out PacketError error)
    {
        error = default;
        if (usage.Connections - (takenOver is null ? 0 : 1) >= usage.Limits.Connections) error = new(ReasonCode.QuotaExceeded, $"identity has {usage.Limits.Connections} connections");
        else if (existing is null && usage.Sessions >= usage.Limits.Sessions) error = new(ReasonCode.QuotaExceeded, $"identity has {usage.Limits.Sessions} sessions");
        else if (existing is null && sessions.Count >= broker.Options.Limits.MaximumSessions) error = new(ReasonCode.ServerBusy, "the broker holds as many sessions as it may");
        return error.Code == 0;
    }

    private void Take(Session session)
    {
        sessions.Remove(session.Key);
        session.Usage.Sessions--;
        broker.Counters.Add(Tally.Sessions, -1);
        session.Unstore();
    }

    private IdentityUsage UsageOf(string identity, IdentityLimits limits)
    {
        if (!usages.TryGetValue(identity, out var usage)) usages[identity] = usage = new IdentityUsage(identity, limits, broker.Time);
        usage.Limits = limits;
        return usage;
    }

    private void Forget(IdentityUsage usage)
    {
        if (usage.Connections == 0 && usage.Sessions == 0) usages.Remove(usage.Identity);
    }
}

/// <summary>What a CONNECT asks of its session, after limits were applied.</summary>
internal readonly record struct ConnectTerms(MqttVersion Version, bool CleanStart, TimeSpan Expiry);
