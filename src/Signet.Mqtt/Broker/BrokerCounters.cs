namespace Signet.Mqtt.Broker;

/// <summary>Running totals since the broker started. Reading is always safe; values move on while they are read.</summary>
public sealed class BrokerCounters
{
    private readonly long[] refusals = new long[Enum.GetValues<RefusalKind>().Length];
    private readonly long[] totals = new long[Enum.GetValues<Tally>().Length];

    /// <summary>Clients connected now.</summary>
    public long Connections => Of(Tally.Connections);

    public long ConnectionsTotal => Of(Tally.ConnectionsTotal);

    /// <summary>PUBLISH packets received.</summary>
    public long MessagesIn => Of(Tally.MessagesIn);

    /// <summary>PUBLISH packets handed to clients.</summary>
    public long MessagesOut => Of(Tally.MessagesOut);

    public long BytesIn => Of(Tally.BytesIn);

    public long BytesOut => Of(Tally.BytesOut);

    /// <summary>Messages dropped because of a limit.</summary>
    public long Dropped => Of(Tally.Dropped);

    /// <summary>Messages whose expiry passed before they could be delivered.</summary>
    public long Expired => Of(Tally.Expired);

    /// <summary>Payload bytes held in queues and retained messages.</summary>
    public long QueuedBytes => Of(Tally.QueuedBytes);

    public long RetainedMessages => Of(Tally.Retained);

    /// <summary>Sessions, connected or kept.</summary>
    public long Sessions => Of(Tally.Sessions);

    public long Subscriptions => Of(Tally.Subscriptions);

    public long Refusals(RefusalKind kind) => Volatile.Read(ref refusals[(int)kind]);

    internal void Count(RefusalKind kind) => Interlocked.Increment(ref refusals[(int)kind]);

    internal void Add(Tally tally, long count) => Interlocked.Add(ref totals[(int)tally], count);

    internal long Of(Tally tally) => Volatile.Read(ref totals[(int)tally]);
}

/// <summary>One row of <see cref="BrokerCounters"/>.</summary>
internal enum Tally
{
    Connections,
    ConnectionsTotal,
    MessagesIn,
    MessagesOut,
    BytesIn,
    BytesOut,
    Dropped,
    Expired,
    QueuedBytes,
    Retained,
    Sessions,
    Subscriptions,
}
