using System.Net;

namespace Signet.Mqtt.Broker;

/// <summary>
/// Told what happens, after it happened. Calls come from the broker's own threads: return quickly and do not block; an exception is logged and swallowed.
/// Calls about one session come in order; calls about different sessions may overlap.
/// </summary>
public interface IBrokerObserver
{
    /// <summary>A client was accepted and its CONNACK is on the way.</summary>
    void Connected(SessionInfo session) { }

    /// <summary>A connection that had been accepted ended. The session may live on (<see cref="SessionInfo.SessionExpiry"/>).</summary>
    void Disconnected(SessionInfo session, DisconnectInfo disconnect) { }

    /// <summary>
    /// A client acknowledged a message on a topic of <see cref="BrokerOptions.ReportAcknowledged"/>: PUBACK (QoS 1), PUBCOMP (QoS 2), or a PUBREC that refuses.
    /// Once for each client and message; also for messages that were sent before a restart of a durable broker. Never for QoS 0.
    /// </summary>
    void Acknowledged(Acknowledgement acknowledgement) { }

    /// <summary>Something was refused or dropped. May come very often under attack: count, sample, or write at a bounded rate.</summary>
    void Refused(BrokerRefusal refusal) { }
}

/// <summary>How a connection ended.</summary>
/// <param name="Code">Success for a client's own DISCONNECT.</param>
/// <param name="Reason">One line for people.</param>
/// <param name="ByClient">The client said DISCONNECT; otherwise the broker closed it or the transport broke.</param>
/// <param name="WillFollows">The last will was or (with a delay) may still be published.</param>
public sealed record DisconnectInfo(ReasonCode Code, string Reason, bool ByClient, bool WillFollows);

/// <summary>One client's word that it has a message.</summary>
/// <param name="Identity">Whose client.</param>
/// <param name="ClientId">Which of its clients.</param>
/// <param name="Message">As it was sent to the client, with all its properties.</param>
/// <param name="Code">What the client said: success, or an error (0x80 and above) when an MQTT 5 client refused the message.</param>
public sealed record Acknowledgement(string Identity, string ClientId, MqttMessage Message, ReasonCode Code);

/// <summary>What kind of thing was refused; also the name of the counter.</summary>
public enum RefusalKind
{
    /// <summary>A CONNECT that was not accepted.</summary>
    Connect,

    /// <summary>Bytes that are not MQTT, or break its rules; the connection is closed.</summary>
    Protocol,
    Publish,
    Will,
    Subscribe,

    /// <summary>A message that this client may not be handed.</summary>
    Deliver,

    /// <summary>A limit was reached: message dropped, connection held back or closed.</summary>
    Quota,
}

/// <summary>One refusal with its reason.</summary>
public sealed record BrokerRefusal(RefusalKind Kind, ReasonCode Code, string Reason, string? Identity, string? ClientId, string? Topic, EndPoint? Remote, string Listener);
