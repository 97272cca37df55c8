using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Mqtt.Broker;

/// <summary>A session at one moment: connected, or kept for a client that is away.</summary>
public sealed record SessionInfo
{
    public required string Identity { get; init; }

    public required string ClientId { get; init; }

    public required bool Connected { get; init; }

    /// <summary>As the policy gave it; null for a session restored from disk whose client has not come back.</summary>
    public object? Principal { get; init; }

    public EndPoint? Remote { get; init; }

    public string Listener { get; init; } = "";

    public X509Certificate2? ClientCertificate { get; init; }

    public string? TlsProtocol { get; init; }

    public MqttVersion Version { get; init; }

    /// <summary>When the connection was accepted, or ended if it is not connected.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>How long the session outlives its connection; zero: not at all.</summary>
    public TimeSpan SessionExpiry { get; init; }

    public TimeSpan KeepAlive { get; init; }

    public int Subscriptions { get; init; }

    /// <summary>Messages that wait for the client.</summary>
    public int QueuedMessages { get; init; }

    public long QueuedBytes { get; init; }

    /// <summary>Messages sent and not yet acknowledged.</summary>
    public int InFlight { get; init; }

    public long MessagesIn { get; init; }

    /// <summary>When the last message of this connection arrived that was accepted; null before the first, and for a client that is away.</summary>
    public DateTimeOffset? LastMessageIn { get; init; }

    public long MessagesOut { get; init; }

    /// <summary>Messages that were dropped for this session because of a limit.</summary>
    public long Dropped { get; init; }
}
