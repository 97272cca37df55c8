using System.Net;

namespace Signet.Control;

/// <summary>Which program carries the messages.</summary>
public enum BrokerKind
{
    Embedded,
    Mosquitto,
    RabbitMq,
}

/// <summary>A broker that is not ours. The center is a client of it like any device; what it lets others do is decided by the same policy.</summary>
public sealed record OtherBroker
{
    public required BrokerKind Kind { get; init; }

    /// <summary>Where it listens when somebody else runs it; null: Mosquitto as a child of this process.</summary>
    public DnsEndPoint? Address { get; init; }

    /// <summary>Mosquitto: the folder with its configuration, lists and rules. Null: <c>mosquitto</c> in the data directory.</summary>
    public string? Directory { get; init; }

    /// <summary>Mosquitto as a child: the plugin that <c>deploy/mosquitto/build.sh</c> makes.</summary>
    public string? Plugin { get; init; }

    /// <summary>RabbitMQ: its management API. Null: sessions that are open cannot be closed.</summary>
    public Uri? Management { get; init; }

    public string ManagementUser { get; init; } = "signet";

    /// <summary>File (0600) with the password for it.</summary>
    public string? ManagementPasswordFile { get; init; }

    /// <summary>RabbitMQ 3.10 speaks MQTT 3.1.1 only.</summary>
    public Mqtt.MqttVersion Version => Kind == BrokerKind.RabbitMq ? Mqtt.MqttVersion.V311 : Mqtt.MqttVersion.V5;
}

/// <summary>What keeps another broker in step with policy, fleet and certificates.</summary>
internal interface IEnforcer : IAsyncDisposable
{
    /// <summary>Where clients connect.</summary>
    DnsEndPoint Address { get; }

    /// <summary>Ready for the center's own line.</summary>
    /// <exception cref="ControlException">It cannot be started, or does not do what it is told.</exception>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>Policy, fleet or certificates may be others: when this returns they are in force there, and whoever is no longer admitted is cut.</summary>
    /// <param name="closing">Whose sessions are to be closed once although they may come back.</param>
    /// <param name="policyChanged">What the broker remembers of earlier answers must go.</param>
    /// <param name="cancellationToken">The center stops.</param>
    /// <returns>Sessions that were closed.</returns>
    /// <exception cref="ControlException">The broker is not in step.</exception>
    Task<int> EnforceAsync(IReadOnlyList<string> closing, bool policyChanged, CancellationToken cancellationToken);
}
