using Signet.Mqtt.Broker.Storage;

namespace Signet.Mqtt.Broker;

/// <summary>How one broker behaves. Every default is safe; limits stand in <see cref="BrokerLimits"/>.</summary>
public sealed record BrokerOptions
{
    public BrokerLimits Limits { get; init; } = new();

    /// <summary>Told of connects, disconnects and refusals; null: nobody.</summary>
    public IBrokerObserver? Observer { get; init; }

    /// <summary>Keeps sessions, their messages and retained values over a restart. The default keeps them in memory only.</summary>
    public ISessionStore Store { get; init; } = new MemorySessionStore();

    /// <summary>Topics whose acknowledgements the observer hears (<see cref="IBrokerObserver.Acknowledged"/>); asked once a topic. Null: none, which costs nothing.</summary>
    public Func<string, bool>? ReportAcknowledged { get; init; }

    /// <summary>Publish the broker's counters on <c>$SYS/broker/...</c> this often; null: never. Readers pass the policy like any other.</summary>
    public TimeSpan? SysInterval { get; init; }

    /// <summary>Given to MQTT 5 clients that ask for response information (section 3.2.2.3.14); null: none.</summary>
    public Func<ClientContext, string>? ResponseInformation { get; init; }
}
