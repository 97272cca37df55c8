namespace Signet.Mqtt.Broker;

/// <summary>
/// Who may connect and what they may do. The broker asks at each of these moments and nowhere else decides.
/// Contract: the three <c>Authorize</c> methods are pure, do not block (they run on the thread that carries others' messages) and may run on any thread at once; their answers depend on the request and on the policy
/// alone, because the broker remembers them per client and topic until <see cref="MqttBroker.PolicyChanged"/> is called.
/// </summary>
public interface IBrokerPolicy
{
    /// <summary>Asked once per CONNECT, after the packet was found well formed. An exception refuses the client with 0x83.</summary>
    ValueTask<ConnectDecision> AuthenticateAsync(ConnectRequest request, CancellationToken cancellationToken);

    /// <summary>Asked when a client with an authentication method sends AUTH (MQTT 5.0 section 4.12). The default offers no method.</summary>
    ValueTask<ConnectDecision> ContinueAuthenticationAsync(ConnectRequest request, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) =>
        ValueTask.FromResult(ConnectDecision.Refuse(ReasonCode.BadAuthenticationMethod, "no authentication method is offered"));

    /// <summary>
    /// Asked at the start for each session that a durable store brings back, while its client is still away: whose it is now, under which limits. A refusal ends the
    /// session and what waits in it. The default lets every session go on, without a principal.
    /// </summary>
    ConnectDecision Restore(string identity, string clientId) => ConnectDecision.Accept(identity);

    /// <summary>Publishing, keeping a retained value, or leaving a last will; see <see cref="PublishRequest.Kind"/>.</summary>
    PolicyDecision AuthorizePublish(in PublishRequest request);

    /// <summary>Subscribing to a filter; a shared one is given without its <c>$share/GROUP/</c>, which stands in <see cref="SubscribeRequest.ShareGroup"/>.</summary>
    PolicyDecision AuthorizeSubscribe(in SubscribeRequest request);

    /// <summary>Handing a message on one topic to one client: retained, shared and <c>$SYS</c> messages too.</summary>
    PolicyDecision AuthorizeDeliver(in DeliverRequest request);
}

/// <summary>An answer and the name of the rule (or the sentence) it came from. The reason of a refusal reaches observer, counter and, in MQTT 5, the client.</summary>
public readonly record struct PolicyDecision(bool Allowed, string Reason)
{
    public static PolicyDecision Allow { get; } = new(true, "");

    public static PolicyDecision Deny(string reason) => new(false, reason);
}

/// <summary>What a publish is for.</summary>
public enum PublishKind
{
    Publish,

    /// <summary>A PUBLISH with the retain flag: publishing and keeping are both meant.</summary>
    Retain,

    /// <summary>The last will, asked at CONNECT and again when it is sent.</summary>
    Will,
}

/// <summary>May this client publish on this topic?</summary>
public readonly record struct PublishRequest(ClientContext Client, string Topic, QoS QoS, bool Retain, PublishKind Kind);

/// <summary>May this client subscribe to this filter? <paramref name="ShareGroup"/> is null for an ordinary subscription.</summary>
public readonly record struct SubscribeRequest(ClientContext Client, string Filter, QoS QoS, string? ShareGroup);

/// <summary>May this client be handed a message on this topic?</summary>
public readonly record struct DeliverRequest(ClientContext Client, string Topic);
