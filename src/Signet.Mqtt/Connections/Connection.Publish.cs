using Signet.Mqtt.Broker.Routing;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Broker.Connections;

/// <summary>PUBLISH from a client (MQTT 5.0 section 3.3).</summary>
internal sealed partial class Connection
{
    /// <summary>Topics a client used lately with what the policy said: devices publish on a handful.</summary>
    private readonly Known[] known = new Known[8];
    private Dictionary<ushort, Topic>? incomingAliases;
    private int unacknowledged;

    /// <summary>As announced in CONNACK.</summary>
    private ushort receiveMaximum;
    private long lastAccepted;

    /// <summary>When the last message arrived that the policy let through; null before the first.</summary>
    public DateTimeOffset? LastMessageIn => Volatile.Read(ref lastAccepted) is var at and not 0 ? broker.Time.GetUtcNow() - broker.Time.GetElapsedTime(at) : null;

    /// <summary>1 parse; 2 limits announced in CONNACK; 3 topic or alias; 4 seen before (QoS 2); 5 ask the policy; 6 keep if retained; 7 route; 8 answer.</summary>
    private void HandlePublish(byte first, ReadOnlySpan<byte> body)
    {
        if (!PublishView.TryRead(first, body, Version, Limits.MaximumUserProperties, out var view, out var error))
        {
            Fail(error);
            return;
        }

        MessagesIn++;
        batchMessages++;
        if (!IsWithinTerms(view, out error) || !TryTopic(view, out var topic, out error))
        {
            Fail(error);
            return;
        }

        var mine = session!;
        if (view.QoS == QoS.ExactlyOnce && !mine.IsNewReceived(view.PacketId))
        {
            Answer(PacketType.Pubrec, view.PacketId, ReasonCode.Success, null); // had it already [MQTT-4.3.3-10]
            return;
        }

        var decision = Decide(topic, view.QoS, view.Retain);
        if (!decision.Allowed)
        {
            broker.Refuse(RefusalKind.Publish, ReasonCode.NotAuthorized, decision.Reason, mine.Context, topic.Name);
            AnswerRefused(view, ReasonCode.NotAuthorized, decision.Reason);
            return;
        }

        var stores = broker.Store.IsDurable && view.QoS > 0;
        if (stores) broker.Store.BeginGroup();
        try
        {
            Publish(view, topic);
        }
        finally
        {
            if (stores) broker.Store.EndGroup();
        }
    }

    private void Publish(in PublishView view, Topic topic)
    {
        var mine = session!;
        Volatile.Write(ref lastAccepted, Volatile.Read(ref lastHeard));
        var now = view.MessageExpiry is null ? 0 : broker.NowMilliseconds;
        var expiresAt = view.MessageExpiry is { } seconds ? now + (seconds * 1000L) : 0;
        var routes = broker.Tree.RoutesOf(topic);
        ReadOnlySpan<byte> properties = view.HasHopProperties ? view.ForwardedProperties() : view.Properties;
        var delivery = new Delivery(topic, view.Payload, properties, view.QoS, view.Retain, expiresAt, now, mine, routes.Routes.Length > 1);
        if (view.Retain && !broker.Retain(ref delivery, out var why))
        {
            broker.Refuse(RefusalKind.Quota, ReasonCode.QuotaExceeded, why, mine.Context, topic.Name);
            AnswerRefused(view, ReasonCode.QuotaExceeded, why);
            return;
        }

        broker.Route(ref delivery, routes, touched);
        mustCommit |= delivery.IsStored;
        if (delivery.IsRefused && view.QoS > QoS.AtMostOnce)
        {
            RefuseForMemory(view);
            return;
        }

        if (view.QoS == QoS.ExactlyOnce)
        {
            mine.AddReceived(view.PacketId);
            mustCommit |= mine.IsStored;
        }

        if (view.QoS == 0) return;
        var nobody = routes.Routes.Length == 0 && routes.Shared.Length == 0;
        Answer(view.QoS == QoS.AtLeastOnce ? PacketType.Puback : PacketType.Pubrec, view.PacketId, nobody ? ReasonCode.NoMatchingSubscribers : ReasonCode.Success, null);
    }

    /// <summary>What CONNACK promised and this packet must keep to.</summary>
    private bool IsWithinTerms(in PublishView view, out PacketError error)
    {
        error = default;
        if (view.HasSubscriptionIdentifier) error = PacketError.Protocol("a client may not send a subscription identifier"); // [MQTT-3.3.4-6]
        else if (view.QoS > Limits.MaximumQoS) error = new(ReasonCode.QoSNotSupported, $"QoS {(int)view.QoS} is not offered"); // [MQTT-3.2.2-11]
        else if (view.Retain && !Limits.RetainAvailable) error = new(ReasonCode.RetainNotSupported, "retained messages are not offered"); // [MQTT-3.2.2-14]
        else if (view.TopicAlias > Limits.TopicAliasMaximum) error = new(ReasonCode.TopicAliasInvalid, $"topic alias {view.TopicAlias} is above {Limits.TopicAliasMaximum}"); // [MQTT-3.3.2-9]
        else if (view.QoS > 0 && Version == MqttVersion.V5 && ++unacknowledged + (view.QoS == QoS.ExactlyOnce ? session!.ReceivedCount : 0) > receiveMaximum
            && !(view.QoS == QoS.ExactlyOnce && !session!.IsNewReceived(view.PacketId)))
        {
            error = new(ReasonCode.ReceiveMaximumExceeded, $"more than {receiveMaximum} unacknowledged messages"); // [MQTT-3.3.4-7]
        }

        return error.Code == 0;
    }

    private bool TryTopic(in PublishView view, out Topic topic, out PacketError error)
    {
        error = default;
        if (view.Topic.IsEmpty)
        {
            if (incomingAliases is not null && incomingAliases.TryGetValue(view.TopicAlias, out topic!)) return true;
            topic = null!;
            error = PacketError.Protocol($"topic alias {view.TopicAlias} was never set");
            return false;
        }

        ref var slot = ref SlotOf(view.Topic);
        if (slot.Topic is { } recent && view.Topic.SequenceEqual(recent.Utf8)) topic = recent;
        else if (!broker.Topics.TryGet(view.Topic, out topic!, out error)) return false;
        if (view.TopicAlias != 0) (incomingAliases ??= [])[view.TopicAlias] = topic;
        return true;
    }

    private PolicyDecision Decide(Topic topic, QoS qos, bool retain)
    {
        ref var slot = ref SlotOf(topic.Utf8);
        var version = broker.PolicyVersion;
        if (slot.Topic == topic && slot.QoS == qos && slot.Retain == retain && slot.PolicyVersion == version) return slot.Decision;
        var decision = broker.AuthorizePublish(new PublishRequest(session!.Context, topic.Name, qos, retain, retain ? PublishKind.Retain : PublishKind.Publish), topic.IsReserved);
        slot = new Known { Topic = topic, QoS = qos, Retain = retain, PolicyVersion = version, Decision = decision };
        return decision;
    }

    private ref Known SlotOf(ReadOnlySpan<byte> topic) => ref known[(topic.Length + (topic[^1] * 3) + topic[topic.Length / 2]) & 7];

    /// <summary>MQTT 3.1.1 has no way to say no: the message is acknowledged and dropped, and the observer is told.</summary>
    private void AnswerRefused(in PublishView view, ReasonCode code, string reason)
    {
        if (view.QoS == 0) return;
        var type = view.QoS == QoS.AtLeastOnce ? PacketType.Puback : PacketType.Pubrec;
        if (Version == MqttVersion.V5)
        {
            Answer(type, view.PacketId, code, reason);
            return;
        }

        if (view.QoS == QoS.ExactlyOnce) session!.AddReceived(view.PacketId);
        Answer(type, view.PacketId, ReasonCode.Success, null);
    }

    private void RefuseForMemory(in PublishView view)
    {
        const string why = "the broker's memory ceiling is reached";
        if (Version == MqttVersion.V5) AnswerRefused(view, ReasonCode.QuotaExceeded, why);
        else Close(ReasonCode.QuotaExceeded, why, RefusalKind.Quota); // unacknowledged, so it is sent again
    }

    private void Answer(PacketType type, ushort id, ReasonCode code, string? reason)
    {
        var fits = reason is not null && wantsReasons && Fits(reason); // [MQTT-3.4.2-2]
        new AckPacket(type, id, code, fits ? reason : null).Write(replies, Version);
    }

    private struct Known
    {
        public Topic? Topic;
        public QoS QoS;
        public bool Retain;
        public long PolicyVersion;
        public PolicyDecision Decision;
    }
}
