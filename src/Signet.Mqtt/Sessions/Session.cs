using Signet.Mqtt.Broker.Connections;
using Signet.Mqtt.Broker.Routing;
using Signet.Mqtt.Broker.Storage;

namespace Signet.Mqtt.Broker.Sessions;

/// <summary>
/// What the broker knows of one (identity, client id), with or without a connection: subscriptions, what waits, what is in flight.
/// <see cref="Gate"/> guards everything that publishers and the connection share; it is held for a copy of one message, never over I/O,
/// and never together with another session's.
/// </summary>
internal sealed partial class Session(MqttBroker broker, SessionKey key, long storeId)
{
    private readonly Dictionary<string, Subscription> subscriptions = new(StringComparer.Ordinal);
    private Connection? connection;
    private long order;

    public Lock Gate { get; } = new();

    public SessionKey Key => key;

    /// <summary>Number in the store.</summary>
    public long StoreId => storeId;

    public required ClientContext Context { get; set; }

    public required IdentityUsage Usage { get; init; }

    public MqttVersion Version { get; set; }

    /// <summary>How long it outlives its connection; zero: not at all. <see cref="TimeSpan.MaxValue"/> never occurs: limits cut it.</summary>
    public TimeSpan Expiry { get; set; }

    /// <summary>When the connection was accepted, or ended.</summary>
    public DateTimeOffset Since { get; set; }

    /// <summary>Last will that waits for its delay to pass; set when the connection ended.</summary>
    public (Will Will, DateTimeOffset Due)? DelayedWill { get; set; }

    private bool isRemoved;

    /// <summary>True once it was taken out of the table: nothing may be queued any more.</summary>
    public bool Ended { get; private set; }

    public bool IsConnected => Volatile.Read(ref connection) is not null;

    public Connection? Connection => Volatile.Read(ref connection);

    /// <summary>Written down so that it survives the process: only what outlives its connection.</summary>
    public bool IsStored => broker.Store.IsDurable && Expiry > TimeSpan.Zero && !isRemoved;

    /// <summary>Takes its rows out of the store; none is written after that. The connection it may still have goes on for a moment.</summary>
    public void Unstore()
    {
        lock (Gate)
        {
            isRemoved = true;
            if (broker.Store.IsDurable) broker.Store.Append(new StoreChange.SessionRemoved(storeId));
        }
    }

    /// <summary>Writes until when it waits for its client, unless it is gone already.</summary>
    public void StoreAway()
    {
        lock (Gate)
        {
            if (IsStored) broker.Store.Append(ToStored(broker.Time.GetUtcNow() + Expiry));
        }
    }

    public int SubscriptionCount
    {
        get
        {
            lock (Gate) return subscriptions.Count;
        }
    }

    /// <summary>Gives the session its connection. Called under <see cref="Gate"/>.</summary>
    public void Attach(Connection next)
    {
        Volatile.Write(ref connection, next);
        DelayedWill = null;
        Since = broker.Time.GetUtcNow();
        PrepareResend();
    }

    /// <summary>Takes the connection away, if it is still this one; false when another has taken over.</summary>
    public bool Detach(Connection ended)
    {
        lock (Gate)
        {
            if (connection != ended) return false;
            Volatile.Write(ref connection, null);
            Since = broker.Time.GetUtcNow();
            outstanding = 0;
            if (Expiry > TimeSpan.Zero) DropQoS0();
            return true;
        }
    }

    /// <summary>Marks it as gone and lets go of everything it holds.</summary>
    public void End()
    {
        List<Subscription> mine;
        lock (Gate)
        {
            if (Ended) return;
            Ended = true;
            mine = [.. subscriptions.Values];
            subscriptions.Clear();
            ClearMessages();
        }

        foreach (var s in mine) broker.Tree.Remove(s);
        broker.Counters.Add(Tally.Subscriptions, -mine.Count);
    }

    /// <summary>Adds or replaces; true when the filter is new to this session.</summary>
    public bool Subscribe(Subscription subscription)
    {
        bool isNew;
        lock (Gate)
        {
            if (Ended) return false;
            isNew = !subscriptions.ContainsKey(subscription.Options.Filter);
            subscriptions[subscription.Options.Filter] = subscription;
            if (IsStored) broker.Store.Append(new StoreChange.SubscriptionSaved(storeId, subscription.Options, subscription.Identifier));
        }

        broker.Tree.Add(subscription);
        if (isNew) broker.Counters.Add(Tally.Subscriptions, 1);
        return isNew;
    }

    public bool Unsubscribe(string filter)
    {
        Subscription? removed;
        lock (Gate)
        {
            if (!subscriptions.Remove(filter, out removed)) return false;
            if (IsStored) broker.Store.Append(new StoreChange.SubscriptionRemoved(storeId, filter));
        }

        broker.Tree.Remove(removed);
        broker.Counters.Add(Tally.Subscriptions, -1);
        return true;
    }

    public List<Subscription> Subscriptions()
    {
        lock (Gate) return [.. subscriptions.Values];
    }

    public StoreChange.SessionSaved ToStored(DateTimeOffset? endsAt) => new(storeId, key.Identity, key.ClientId, Version, Expiry, endsAt);

    public SessionInfo ToInfo()
    {
        lock (Gate)
        {
            var c = connection;
            return new SessionInfo
            {
                Identity = key.Identity, ClientId = key.ClientId, Connected = c is not null, Principal = Context.Principal, Remote = Context.Facts?.Remote,
                Listener = Context.Facts?.Listener ?? "", ClientCertificate = Context.Facts?.ClientCertificate, TlsProtocol = Context.Facts?.TlsProtocol, Version = Version, Since = Since,
                SessionExpiry = Expiry, KeepAlive = c?.KeepAlive ?? TimeSpan.Zero, Subscriptions = subscriptions.Count, QueuedMessages = queue.Count, QueuedBytes = queuedBytes,
                InFlight = inFlight.Count, MessagesIn = c?.MessagesIn ?? 0, LastMessageIn = c?.LastMessageIn, MessagesOut = messagesOut, Dropped = dropped,
            };
        }
    }
}

/// <summary>Sessions belong to identities: the same client id under another identity is another session.</summary>
internal readonly record struct SessionKey(string Identity, string ClientId);

/// <summary>A last will as it waits.</summary>
internal sealed record Will(MqttMessage Message, TimeSpan Delay);
