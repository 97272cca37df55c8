namespace Signet.Mqtt.Broker.Storage;

/// <summary>
/// Where sessions, their messages and retained values outlive the process.
/// <para>Durable: when the task of <see cref="CommitAsync"/> completes, everything appended before the call is on stable storage; before that, nothing is promised.</para>
/// <para>Atomic: what is appended between <see cref="BeginGroup"/> and <see cref="EndGroup"/> on one thread is kept whole or not at all. Order of appends is kept.</para>
/// <para>Concurrent: every method but <see cref="LoadAsync"/> may be called from any thread at any time.</para>
/// <para>Failure: a task of <see cref="CommitAsync"/> that fails means the storage is lost for this process; the broker stops acknowledging and closes the connections that wait. Nobody retries.</para>
/// </summary>
public interface ISessionStore : IAsyncDisposable
{
    /// <summary>False: nothing is kept; the broker then calls nothing else.</summary>
    bool IsDurable { get; }

    /// <summary>Called once, before anything else.</summary>
    Task<StoredState> LoadAsync(CancellationToken cancellationToken);

    void BeginGroup();

    void EndGroup();

    /// <summary>Takes a change; does not wait.</summary>
    void Append(StoreChange change);

    ValueTask CommitAsync();
}

/// <summary>One change to what is stored. Sessions and messages are named by numbers that the broker gives and never uses twice.</summary>
public abstract record StoreChange
{
    /// <summary>New or changed. <paramref name="EndsAt"/>: when it expires if the client stays away, null while connected.</summary>
    public sealed record SessionSaved(long Session, string Identity, string ClientId, MqttVersion Version, TimeSpan Expiry, DateTimeOffset? EndsAt) : StoreChange;

    /// <summary>With its subscriptions, queue and packet identifiers.</summary>
    public sealed record SessionRemoved(long Session) : StoreChange;

    public sealed record SubscriptionSaved(long Session, TopicSubscription Subscription, int Identifier) : StoreChange;

    public sealed record SubscriptionRemoved(long Session, string Filter) : StoreChange;

    /// <summary>A message's content, stored once however many sessions wait for it.</summary>
    public sealed record MessageSaved(StoredMessage Message) : StoreChange;

    /// <summary>Nobody waits for the message any more.</summary>
    public sealed record MessageDropped(long Message) : StoreChange;

    /// <summary>The message waits in the session's queue at place <paramref name="Order"/>.</summary>
    public sealed record Queued(long Session, long Order, long Message, QoS QoS, bool Retain, int[]? SubscriptionIds) : StoreChange
    {
        /// <summary>Not 0: it was sent in the same batch, as by <see cref="Sent"/>.</summary>
        internal ushort PacketId { get; init; }

        internal bool Released { get; init; }
    }

    /// <summary>Sent under this packet identifier; <paramref name="Released"/>: PUBREC came, PUBREL is owed (QoS 2).</summary>
    public sealed record Sent(long Session, long Order, ushort PacketId, bool Released) : StoreChange;

    /// <summary>Acknowledged or dropped.</summary>
    public sealed record Unqueued(long Session, long Order) : StoreChange;

    /// <summary>A QoS 2 packet identifier that the client sent and has not released.</summary>
    public sealed record Received(long Session, ushort PacketId) : StoreChange;

    public sealed record ReceivedReleased(long Session, ushort PacketId) : StoreChange;

    public sealed record RetainedSaved(StoredMessage Message) : StoreChange;

    public sealed record RetainedRemoved(string Topic) : StoreChange;
}

/// <summary>A message as stored. <paramref name="Properties"/>: MQTT 5 properties that travel with it, encoded as on the wire.</summary>
public sealed record StoredMessage(long Id, string Topic, ReadOnlyMemory<byte> Payload, ReadOnlyMemory<byte> Properties, QoS QoS, DateTimeOffset? ExpiresAt);

/// <summary>Everything that was kept, as it was at the last commit.</summary>
public sealed record StoredState(IReadOnlyList<StoredSession> Sessions, IReadOnlyList<StoredMessage> Messages, IReadOnlyList<StoredMessage> Retained)
{
    public static StoredState Empty { get; } = new([], [], []);
}

/// <summary>One session as stored; <see cref="Queue"/> in its order.</summary>
public sealed record StoredSession(StoreChange.SessionSaved Session, IReadOnlyList<StoreChange.SubscriptionSaved> Subscriptions, IReadOnlyList<StoredQueueEntry> Queue, IReadOnlyList<ushort> Received);

/// <summary>One waiting message; <paramref name="PacketId"/> 0 while it was never sent.</summary>
public sealed record StoredQueueEntry(StoreChange.Queued Entry, ushort PacketId, bool Released);
