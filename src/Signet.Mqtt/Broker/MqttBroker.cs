using System.Collections.Concurrent;
using System.IO.Pipelines;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Mqtt.Broker.Connections;
using Signet.Mqtt.Broker.Routing;
using Signet.Mqtt.Broker.Sessions;
using Signet.Mqtt.Broker.Storage;

namespace Signet.Mqtt.Broker;

/// <summary>
/// An MQTT 3.1.1 and 5.0 broker over any pair of pipes. It knows nothing of sockets, TLS or users: transports are handed to <see cref="ServeAsync"/>
/// with a few facts, and every question of right goes to <see cref="IBrokerPolicy"/>.
/// </summary>
public sealed partial class MqttBroker : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Connection, byte> connections = new();
    private readonly ILogger logger;
    private ITimer? sweep;
    private ITimer? sys;
    private int disposed;

    /// <summary>A broker whose sessions live in memory; with a durable store use <see cref="OpenAsync"/>.</summary>
    public MqttBroker(BrokerOptions options, IBrokerPolicy policy, TimeProvider time, ILogger<MqttBroker>? logger = null)
        : this(options, policy, time, (ILogger?)logger)
    {
        if (options.Store.IsDurable) throw new ArgumentException("a durable store is opened with MqttBroker.OpenAsync", nameof(options));
        Start();
    }

    private MqttBroker(BrokerOptions options, IBrokerPolicy policy, TimeProvider time, ILogger? logger)
    {
        Options = options;
        Policy = policy;
        Time = time;
        this.logger = logger ?? NullLogger.Instance;
        Topics = new TopicTable(options.Limits.MaximumTopicLevels, options.ReportAcknowledged);
        Tree = new SubscriptionTree(DeniedDelivery, () => PolicyVersion);
        Table = new SessionTable(this);
    }

    public BrokerOptions Options { get; }

    public BrokerCounters Counters { get; } = new();

    internal IBrokerPolicy Policy { get; }

    internal TimeProvider Time { get; }

    internal ISessionStore Store => Options.Store;

    internal TopicTable Topics { get; }

    internal SubscriptionTree Tree { get; }

    internal SessionTable Table { get; }

    internal RetainedMessages RetainedMessages { get; } = new();

    internal long NowMilliseconds => Time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Opens the store and brings back what it kept. The broker owns the store from now on.</summary>
    public static async Task<MqttBroker> OpenAsync(BrokerOptions options, IBrokerPolicy policy, TimeProvider time, ILogger<MqttBroker>? logger = null, CancellationToken cancellationToken = default)
    {
        var broker = new MqttBroker(options, policy, time, (ILogger?)logger);
        if (options.Store.IsDurable) broker.Restore(await options.Store.LoadAsync(cancellationToken));
        broker.Start();
        return broker;
    }

    /// <summary>Serves one transport until it ends; never throws for anything the peer does. The caller closes the transport afterwards. Cancelling ends the connection with 0x8B.</summary>
    public async Task ServeAsync(IDuplexPipe transport, ConnectionFacts facts, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transport);
        ArgumentNullException.ThrowIfNull(facts);
        var connection = new Connection(this, transport, facts);
        connections[connection] = 0;
        try
        {
            if (Volatile.Read(ref disposed) != 0) connection.Close(ReasonCode.ServerShuttingDown, "the broker is shutting down");
            await connection.RunAsync(cancellationToken);
        }
        finally
        {
            connections.TryRemove(connection, out _);
        }
    }

    /// <summary>Sessions at this moment, connected or kept.</summary>
    public IReadOnlyList<SessionInfo> Sessions() => [.. Table.All().Select(s => s.ToInfo())];

    /// <summary>Closes every connection whose session the predicate picks, with this reason code. With <paramref name="purge"/> the sessions and everything queued for them end too, connected or not.</summary>
    /// <returns>How many sessions were hit.</returns>
    public int Disconnect(Predicate<SessionInfo> which, ReasonCode code, string reason, bool purge = false)
    {
        ArgumentNullException.ThrowIfNull(which);
        var hit = 0;
        foreach (var session in Table.All())
        {
            if (!which(session.ToInfo())) continue;
            var connection = session.Connection;
            if (connection is null && !purge) continue;
            hit++;
            connection?.Close(code, reason);
            if (!purge) continue;
            lock (session.Gate) session.DelayedWill = null;
            Table.Remove(session);
        }

        return hit;
    }

    /// <summary>
    /// Gives an identity other limits while it is connected; they hold until its next CONNECT, when the policy is asked again. Rates, subscriptions and queues follow at once (what is over a limit
    /// stays, nothing is added); connections above the new number are closed with 0x97, youngest first. False: the identity has no session.
    /// </summary>
    public bool SetLimits(string identity, IdentityLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        if (!Table.SetLimits(identity, limits)) return false;
        foreach (var surplus in Table.All().Where(s => s.Key.Identity == identity && s.IsConnected).OrderBy(s => s.Since).Skip(limits.Connections).ToList())
        {
            surplus.Connection?.Close(ReasonCode.QuotaExceeded, $"identity may have {limits.Connections} connections now", RefusalKind.Quota);
        }

        return true;
    }

    /// <summary>Tells clients the server is shutting down (0x8B), closes them, and writes down what is kept.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0) return;
        if (sys is not null) await sys.DisposeAsync();
        var open = connections.Keys.ToList();
        foreach (var connection in open) connection.Close(ReasonCode.ServerShuttingDown, "the broker is shutting down");
        await Task.WhenAll(open.Select(c => c.Ended));
        if (sweep is not null) await sweep.DisposeAsync();
        if (Store.IsDurable)
        {
            try
            {
                await Store.CommitAsync();
            }
            catch (Exception e)
            {
                LogStoreLost(e);
            }
        }

        await Store.DisposeAsync();
    }

    private void Start()
    {
        sweep = Time.CreateTimer(_ => Sweep(), null, SweepInterval, SweepInterval);
        if (Options.SysInterval is { } interval) sys = Time.CreateTimer(_ => PublishSys(), null, TimeSpan.Zero, interval);
    }
}
