using Signet.Mqtt.Broker.Sessions;

namespace Signet.Mqtt.Broker.Routing;

/// <summary>One subscription of one session. Immutable: a changed one replaces it.</summary>
/// <param name="Session">Whose it is.</param>
/// <param name="Options">As the client sent it, <c>$share/GROUP/</c> included, QoS cut to what is granted.</param>
/// <param name="Filter">What is matched: without the share prefix.</param>
/// <param name="Group">Share group, null for an ordinary subscription.</param>
/// <param name="Identifier">MQTT 5 subscription identifier, 0 for none.</param>
internal sealed record Subscription(Session Session, TopicSubscription Options, string Filter, string? Group, int Identifier);

/// <summary>Delivery of one topic to one session: all its matching subscriptions in one, so that a client gets each message once.</summary>
internal sealed class Route(Session session)
{
    public Session Session => session;

    public QoS QoS { get; private set; }

    /// <summary>QoS for what the session published itself; null when every matching subscription says no local.</summary>
    public QoS? LocalQoS { get; private set; }

    public bool RetainAsPublished { get; private set; }

    public int[]? SubscriptionIds { get; private set; }

    /// <summary>The policy's reason for not delivering, null when it allows.</summary>
    public string? Denied { get; init; }

    /// <summary>Version of the policy that was asked.</summary>
    public long PolicyVersion { get; init; }

    public void Merge(Subscription s)
    {
        if (s.Options.QoS > QoS) QoS = s.Options.QoS;
        if (!s.Options.NoLocal && (LocalQoS is null || s.Options.QoS > LocalQoS)) LocalQoS = s.Options.QoS;
        RetainAsPublished |= s.Options.RetainAsPublished;
        if (s.Identifier != 0) SubscriptionIds = [.. SubscriptionIds ?? [], s.Identifier];
    }
}

/// <summary>Members of one share group that match a topic; each message goes to one of them (MQTT 5.0 section 4.8.2).</summary>
internal sealed class SharedRoute(Route[] members)
{
    private int next;

    /// <summary>Round robin over members that are connected and not denied; when none is connected, the next whose session lives on.</summary>
    public Route? Choose()
    {
        var start = (uint)Interlocked.Increment(ref next);
        Route? away = null;
        for (uint i = 0; i < members.Length; i++)
        {
            var member = members[(int)((start + i) % (uint)members.Length)];
            if (member.Denied is not null) continue;
            if (member.Session.IsConnected) return member;
            away ??= member;
        }

        return away ?? (members.Length > 0 ? members[0] : null);
    }
}

/// <summary>Everyone who gets one topic, as of one version of the subscription tree.</summary>
internal sealed record RouteSet(long Version, Route[] Routes, SharedRoute[] Shared);
