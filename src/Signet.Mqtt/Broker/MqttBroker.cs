using System.IO.Pipelines;
using Microsoft.Extensions.Logging;

namespace Signet.Mqtt.Broker;

/// <summary>An MQTT 3.1.1 and 5.0 broker over any pair of pipes.</summary>
public sealed class MqttBroker(BrokerOptions options, IBrokerPolicy policy, TimeProvider time, ILogger<MqttBroker>? logger = null) : IAsyncDisposable
{
    /// <summary>Options as given.</summary>
    public BrokerOptions Options { get; } = options;

    public BrokerCounters Counters { get; } = new();

    /// <summary>Serves one transport until it ends; never throws for anything the peer does. The caller closes the transport afterwards.</summary>
    public Task ServeAsync(IDuplexPipe transport, ConnectionFacts facts, CancellationToken cancellationToken) => throw new NotSupportedException($"{policy} {time} {logger}");

    /// <summary>Sessions at this moment, connected or kept.</summary>
    public IReadOnlyList<SessionInfo> Sessions() => [];

    /// <summary>Closes every connection whose session the predicate picks, with this reason code. With <paramref name="purge"/> the sessions and everything queued for them end too, connected or not.</summary>
    /// <returns>How many sessions were hit.</returns>
    public int Disconnect(Predicate<SessionInfo> which, ReasonCode code, string reason, bool purge = false) => 0;

    /// <summary>Forget every remembered decision and ask again: for subscriptions that exist (refused ones end) and for messages that wait.</summary>
    public void PolicyChanged() { }

    /// <summary>Publishes in the broker's own name, past <see cref="IBrokerPolicy.AuthorizePublish"/>; delivery is still authorised. Durable (with a durable store) when it returns.</summary>
    public ValueTask PublishAsync(MqttMessage message, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

    /// <summary>Tells clients the server is shutting down (0x8B), closes them, and writes down what is kept.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
