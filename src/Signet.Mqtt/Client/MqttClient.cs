using Signet.Mqtt.Packets;

namespace Signet.Mqtt.Client;

/// <summary>
/// An MQTT 3.1.1 and 5.0 client that keeps its connection: it reconnects with back-off and jitter, resumes its session, sends again what was in flight, and subscribes
/// again when the broker lost the session. Thread-safe.
/// </summary>
public sealed partial class MqttClient : IAsyncDisposable
{
    private readonly Outgoing outgoing;
    private readonly Incoming incoming;
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private readonly Dictionary<string, (TopicSubscription Subscription, int? Identifier)> subscriptions = new(StringComparer.Ordinal);
    private ClientLink? link;
    private Task running = Task.CompletedTask;
    private int state;
    private int closed;

    private MqttClient(MqttClientOptions options)
    {
        Options = options;
        ClientId = options.ClientId;
        outgoing = new Outgoing(options.InFlight, options.Time, LoseLink);
        incoming = new Incoming(options.ReceiveQueue, options.InFlight, LoseLink);
    }

    public MqttClientOptions Options { get; }

    public MqttClientState State => (MqttClientState)Volatile.Read(ref state);

    public bool IsConnected => State == MqttClientState.Connected;

    /// <summary>The client id in use, also when the broker chose it.</summary>
    public string ClientId { get; private set; }

    /// <summary>The broker had a session for this client at the latest connect.</summary>
    public bool SessionPresent { get; private set; }

    /// <summary>Given by the broker when asked for at the latest connect (MQTT 5.0 section 3.2.2.3.14); null when it gave none.</summary>
    public string? ResponseInformation { get; private set; }

    /// <summary>What an earlier process left unfinished in <see cref="MqttClientOptions.InFlight"/> and this client sends on, oldest first.</summary>
    public IReadOnlyList<ResumedPublish> Resumed { get; private set; } = [];

    /// <summary>QoS 1 and 2 messages that were taken (with <see cref="MqttClientOptions.InFlight"/>: are on stable storage) and have not had the broker's last answer.</summary>
    public int UnacknowledgedCount => outgoing.Count;

    /// <summary>QoS 0 messages that were dropped because nobody read them.</summary>
    public long DroppedMessages => incoming.Dropped;

    /// <summary>Raised in order, one at a time, from the client's own loop: do not block.</summary>
    public event Action<MqttClientStateChange>? StateChanged;

    /// <summary>Connects and returns when the broker accepted; throws <see cref="MqttException"/> when it (or the network) did not. Only later losses are reconnected.</summary>
    public static async Task<MqttClient> ConnectAsync(MqttClientOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Will is { } will) MessageCodec.Check(will.Message);
        if (options.InFlight is not null && (options.ClientId.Length == 0 || options.CleanStart || options.SessionExpiry <= TimeSpan.Zero))
        {
            throw new ArgumentException("what outlives the process needs a session that does: a client id, CleanStart = false and a SessionExpiry", nameof(options));
        }

        var client = new MqttClient(options);
        if (options.InFlight is { } store)
        {
            var left = store.Load(options.ClientId);
            client.Resumed = client.outgoing.Resume(options.ClientId, left.Outgoing);
            client.incoming.Resume(options.ClientId, left.Received);
        }

        try
        {
            await client.OpenAsync(options.CleanStart, cancellationToken);
        }
        catch
        {
            client.stopping.Dispose();
            throw;
        }

        client.running = Task.Run(client.RunAsync, CancellationToken.None);
        return client;
    }

    /// <summary>Publishes; with <see cref="MqttClientOptions.InFlight"/> a QoS 1 or 2 message is on stable storage before it is sent, and is sent by the next process when this one ends. QoS 0 returns when handed to the network, QoS 1 and 2 when the broker acknowledged, over reconnects if need be. Once on the wire, cancelling only ends the waiting.</summary>
    public async Task<PublishResult> PublishAsync(MqttMessage message, CancellationToken cancellationToken = default)
    {
        MessageCodec.Check(message);
        ObjectDisposedException.ThrowIf(State == MqttClientState.Closed, this);
        var current = link;
        if (current?.Terms.Properties.MaximumPacketSize is { } maximum && ClientPublish.Size(message, Options.Version) > maximum)
        {
            throw new MqttException(ReasonCode.PacketTooLarge, $"the broker takes packets of at most {maximum:N0} bytes");
        }

        if (current?.Terms.Properties.MaximumQoS is { } qos && (byte)message.QoS > qos) throw new MqttException(ReasonCode.QoSNotSupported, $"the broker takes QoS {qos} at most");
        if (message.Retain && current?.Terms.Properties.RetainAvailable == false) throw new MqttException(ReasonCode.RetainNotSupported, "the broker keeps no retained messages");
        if (message.QoS > QoS.AtMostOnce)
        {
            var done = outgoing.PublishAsync(message, cancellationToken);
            incoming.LetOn();
            return await done;
        }

        if (current is null || !current.Send(w => ClientPublish.Write(w, Options.Version, message, 0, false))) throw new MqttException(ReasonCode.ServerUnavailable, "not connected");
        await current.WhenRoomAsync(cancellationToken);
        return default;
    }

    /// <summary>Subscribes and returns one result a filter, in order. Accepted filters are subscribed again when a reconnect finds the session gone.</summary>
    public async Task<IReadOnlyList<SubscribeResult>> SubscribeAsync(IReadOnlyList<TopicSubscription> asked, int? subscriptionIdentifier = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(asked);
        foreach (var s in asked)
        {
            if (!TopicFilter.IsValidFilter(s.Filter)) throw new ArgumentException($"'{s.Filter}' is not a topic filter", nameof(asked));
        }

        var results = await SubscribeNowAsync(asked, subscriptionIdentifier, cancellationToken);
        lock (gate)
        {
            for (var i = 0; i < results.Count; i++)
            {
                if (results[i].IsAccepted) subscriptions[asked[i].Filter] = (asked[i], subscriptionIdentifier);
            }
        }

        return results;
    }

    /// <summary>Subscribes to filters with QoS 1 and default options.</summary>
    public Task<IReadOnlyList<SubscribeResult>> SubscribeAsync(params string[] filters) => SubscribeAsync([.. filters.Select(f => new TopicSubscription(f))]);

    public async Task<IReadOnlyList<SubscribeResult>> UnsubscribeAsync(IReadOnlyList<string> filters, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filters);
        var asking = outgoing.AskAsync((w, id) => new UnsubscribePacket { PacketId = id, Filters = [.. filters] }.Write(w, Options.Version), cancellationToken);
        incoming.LetOn();
        var answer = await asking;
        lock (gate)
        {
            foreach (var filter in filters) subscriptions.Remove(filter);
        }

        return [.. filters.Select((f, i) => new SubscribeResult(f, i < answer.Codes.Length ? answer.Codes[i] : ReasonCode.Success))];
    }

    /// <summary>
    /// Messages as they come, until the client is closed. A QoS 1 or 2 message is acknowledged when the reader comes back for the next one, or with <see cref="Acknowledge"/>. A reader that
    /// leaves in the middle of one (an exception, a cancelled token, <c>break</c>) has not had it: the next reader begins with it, and after the process's end the broker sends it again.
    /// One reader at a time.
    /// </summary>
    public IAsyncEnumerable<MqttMessage> ReadMessagesAsync(CancellationToken cancellationToken = default) => incoming.ReadAllAsync(cancellationToken);

    /// <summary>Acknowledges the message that the reader has in hand: for one that will not come back for another. Nothing in hand, or QoS 0: does nothing.</summary>
    public void Acknowledge() => incoming.Done();

    /// <summary>As <see cref="ReadMessagesAsync"/>, with all that are there at once (1 to <paramref name="most"/>), for a reader whose work is cheaper together. They are acknowledged together, when the reader comes back.</summary>
    public IAsyncEnumerable<IReadOnlyList<MqttMessage>> ReadBatchesAsync(int most, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(most);
        return incoming.ReadBatchesAsync(most, cancellationToken);
    }

    /// <summary>Says DISCONNECT and ends the client; the last will is dropped unless <paramref name="code"/> is DisconnectWithWill.</summary>
    public async Task DisconnectAsync(ReasonCode code = ReasonCode.Success, string? reason = null)
    {
        if (Interlocked.Exchange(ref closed, 1) != 0)
        {
            await running;
            return;
        }

        if (link is { } current && IsConnected)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2), Options.Time);
            current.Send(w => new DisconnectPacket(PacketType.Disconnect, code, new PropertySet { ReasonString = reason }).Write(w, Options.Version));
            try
            {
                await current.FlushAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                // the network takes nothing; closing will do
            }
        }

        await stopping.CancelAsync();
        await running;
        link?.Dispose();
        stopping.Dispose();
    }

    /// <summary>As <see cref="DisconnectAsync"/>.</summary>
    public async ValueTask DisposeAsync() => await DisconnectAsync();

    /// <summary>The store failed at a step that must be on record: the exchange is taken up again from what is, on the next connection.</summary>
    private void LoseLink(Exception cause) => link?.Lose(new MqttException(ReasonCode.UnspecifiedError, "the in-flight store failed: " + cause.Message, false, cause));

    private async Task<IReadOnlyList<SubscribeResult>> SubscribeNowAsync(IReadOnlyList<TopicSubscription> asked, int? identifier, CancellationToken cancellationToken)
    {
        var asking = outgoing.AskAsync((w, id) => new SubscribePacket
        {
            PacketId = id, Subscriptions = [.. asked], Properties = new PropertySet { SubscriptionIdentifiers = identifier is { } i ? [i] : null },
        }.Write(w, Options.Version), cancellationToken);
        incoming.LetOn();
        var answer = await asking;
        if (answer.Codes.Length != asked.Count) throw new MqttException(ReasonCode.ProtocolError, "SUBACK answers another number of filters");
        return [.. asked.Select((s, i) => new SubscribeResult(s.Filter, answer.Codes[i]))];
    }
}
