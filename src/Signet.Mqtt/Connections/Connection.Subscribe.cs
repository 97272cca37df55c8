using Signet.Mqtt.Broker.Routing;
using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Broker.Connections;

/// <summary>SUBSCRIBE and UNSUBSCRIBE (MQTT 5.0 sections 3.8 and 3.10): each filter gets its own answer.</summary>
internal sealed partial class Connection
{
    private void HandleSubscribe(ReadOnlySpan<byte> body)
    {
        if (!SubscribePacket.TryRead(body, Version, Limits.MaximumFiltersPerPacket, Limits.MaximumUserProperties, out var packet, out var error))
        {
            Fail(error);
            return;
        }

        string? firstRefusal = null;
        var codes = new ReasonCode[packet!.Subscriptions.Count];
        var retained = new List<(List<Publication> Messages, Subscription Subscription)>();
        for (var i = 0; i < codes.Length; i++)
        {
            codes[i] = Subscribe(packet.Subscriptions[i], packet.Properties.SubscriptionIdentifiers?[0] ?? 0, retained, out var why);
            firstRefusal ??= why;
        }

        var fits = firstRefusal is not null && wantsReasons && (firstRefusal.Length * 3) + 16 + codes.Length <= MaximumPacketSize;
        new SubackPacket(PacketType.Suback, packet.PacketId, codes, fits ? firstRefusal : null).Write(replies, Version);
        foreach (var (messages, s) in retained) session!.DeliverRetained(messages, s.Options.QoS, true, s.Identifier);
        mustCommit |= session!.IsStored;
    }

    /// <summary>1 valid filter; 2 depth and number; 3 policy; 4 take it into the tree; 5 retained messages that are due.</summary>
    private ReasonCode Subscribe(TopicSubscription asked, int identifier, List<(List<Publication> Messages, Subscription Subscription)> retained, out string? why)
    {
        var mine = session!;
        if (!TopicFilter.IsValidFilter(asked.Filter)) return Refuse(ReasonCode.TopicFilterInvalid, "the filter is not valid", asked.Filter, out why);
        string? group = null;
        var filter = asked.Filter;
        if (TopicFilter.TrySplitShare(asked.Filter, out var g, out var f)) (group, filter) = (g.ToString(), f.ToString());
        if (TopicFilter.Levels(filter) > Limits.MaximumTopicLevels) return Refuse(ReasonCode.TopicFilterInvalid, $"the filter has more than {Limits.MaximumTopicLevels} levels", asked.Filter, out why);
        if (mine.SubscriptionCount >= mine.Usage.Limits.Subscriptions) return Refuse(ReasonCode.QuotaExceeded, $"the session has {mine.Usage.Limits.Subscriptions} subscriptions", asked.Filter, out why);
        var decision = broker.AuthorizeSubscribe(new SubscribeRequest(mine.Context, filter, asked.QoS, group));
        if (!decision.Allowed) return Refuse(ReasonCode.NotAuthorized, decision.Reason, asked.Filter, out why);

        why = null;
        var granted = asked with { QoS = asked.QoS < Limits.MaximumQoS ? asked.QoS : Limits.MaximumQoS };
        var subscription = new Subscription(mine, granted, filter, group, identifier);
        var isNew = mine.Subscribe(subscription);
        var wantsRetained = group is null && (granted.RetainHandling == RetainHandling.SendAtSubscribe || (granted.RetainHandling == RetainHandling.SendIfNew && isNew));
        if (!wantsRetained) return (ReasonCode)granted.QoS;
        // What waits already and what this packet has found so far: a bomb of subscriptions to everything costs one walk through what is kept, not one for each.
        if (mine.QueuedCount + retained.Sum(r => (long)r.Messages.Count) >= Limits.MaximumRetained)
        {
            broker.Refuse(RefusalKind.Quota, ReasonCode.QuotaExceeded, $"{Limits.MaximumRetained} messages wait for the session; retained ones are left out", mine.Context, asked.Filter);
        }
        else if (broker.RetainedFor(mine, filter) is { Count: > 0 } messages)
        {
            retained.Add((messages, subscription));
        }

        return (ReasonCode)granted.QoS;
    }

    private ReasonCode Refuse(ReasonCode code, string reason, string filter, out string? why)
    {
        why = reason;
        broker.Refuse(code == ReasonCode.QuotaExceeded ? RefusalKind.Quota : RefusalKind.Subscribe, code, reason, session!.Context, filter);
        return code;
    }

    private void HandleUnsubscribe(ReadOnlySpan<byte> body)
    {
        if (!UnsubscribePacket.TryRead(body, Version, Limits.MaximumFiltersPerPacket, Limits.MaximumUserProperties, out var packet, out var error))
        {
            Fail(error);
            return;
        }

        var codes = new ReasonCode[packet!.Filters.Count];
        for (var i = 0; i < codes.Length; i++)
        {
            codes[i] = !TopicFilter.IsValidFilter(packet.Filters[i]) ? ReasonCode.TopicFilterInvalid
                : session!.Unsubscribe(packet.Filters[i]) ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted;
        }

        new SubackPacket(PacketType.Unsuback, packet.PacketId, codes).Write(replies, Version);
        mustCommit |= session!.IsStored;
    }
}
