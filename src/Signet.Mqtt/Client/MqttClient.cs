namespace Signet.Mqtt.Client;

/// <summary>An MQTT client that keeps its connection.</summary>
public sealed class MqttClient : IAsyncDisposable
{
    private MqttClient(MqttClientOptions options) => Options = options;

    public MqttClientOptions Options { get; }

    public MqttClientState State => MqttClientState.Connecting;

    public bool IsConnected => State == MqttClientState.Connected;

    /// <summary>The client id in use, also when the broker chose it.</summary>
    public string ClientId => Options.ClientId;

    /// <summary>Raised in order, one at a time, from the client's own loop: do not block.</summary>
    public event Action<MqttClientStateChange>? StateChanged { add { } remove { } }

    /// <summary>Connects and returns when the broker accepted; throws <see cref="MqttException"/> when it (or the network) did not. Only later losses are reconnected.</summary>
    public static Task<MqttClient> ConnectAsync(MqttClientOptions options, CancellationToken cancellationToken = default) => Task.FromResult(new MqttClient(options));

    /// <summary>Publishes; QoS 0 returns when handed to the network, QoS 1 and 2 when the broker acknowledged, over reconnects if need be.</summary>
    public Task<PublishResult> PublishAsync(MqttMessage message, CancellationToken cancellationToken = default) => Task.FromResult(default(PublishResult));

    /// <summary>Subscribes and returns one result a filter, in order.</summary>
    public Task<IReadOnlyList<SubscribeResult>> SubscribeAsync(IReadOnlyList<TopicSubscription> subscriptions, int? subscriptionIdentifier = null, CancellationToken cancellationToken = default) =>
        Task.FromResult<IReadOnlyList<SubscribeResult>>([]);

    public Task<IReadOnlyList<SubscribeResult>> SubscribeAsync(params string[] filters) => SubscribeAsync([.. filters.Select(f => new TopicSubscription(f))]);

    public Task<IReadOnlyList<SubscribeResult>> UnsubscribeAsync(IReadOnlyList<string> filters, CancellationToken cancellationToken = default) =>
        Task.FromResult<IReadOnlyList<SubscribeResult>>([]);

    /// <summary>Messages as they come, until the client is closed. A QoS 1 or 2 message is acknowledged when the reader comes back for the next one: what was not worked through is sent again.</summary>
    public IAsyncEnumerable<MqttMessage> ReadMessagesAsync(CancellationToken cancellationToken = default) => AsyncEnumerable.Empty<MqttMessage>();

    /// <summary>Says DISCONNECT and ends the client; the last will is dropped unless <paramref name="code"/> is DisconnectWithWill.</summary>
    public Task DisconnectAsync(ReasonCode code = ReasonCode.Success, string? reason = null) => Task.CompletedTask;

    /// <summary>As <see cref="DisconnectAsync"/>.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
