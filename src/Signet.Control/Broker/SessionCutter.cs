using System.Collections.Concurrent;
using Signet.Mqtt;
using Signet.Mqtt.Broker;

namespace Signet.Control;

/// <summary>A session that was cut, and when its end was seen; null: not within <see cref="ControlLimits.CutSeen"/>.</summary>
internal sealed record SeenCut(SessionInfo Session, DateTimeOffset? Closed);

/// <summary>Closes sessions on the embedded broker from any room of the center; does nothing while no broker runs, because then nobody is connected.</summary>
internal sealed class SessionCutter(TimeProvider time)
{
    private readonly ConcurrentDictionary<(string Identity, string ClientId), Awaited> _awaited = new();
    private volatile MqttBroker? _broker;
    private volatile OtherBrokerDesk? _other;

    public void Attach(MqttBroker? broker) => _broker = broker;

    /// <summary>Sessions are on a broker that is not ours.</summary>
    public void Attach(OtherBrokerDesk? other) => _other = other;

    /// <summary>What changed is in force on the broker when this returns. At once where the broker is ours: there the changes themselves act.</summary>
    public Task InForceAsync(bool policyChanged = false) => _other?.InForceAsync([], policyChanged, CancellationToken.None) ?? Task.CompletedTask;

    /// <summary>Closes somebody's sessions on a broker that is not ours, though they may come back. How many there were; null: that broker does not do what it is told.</summary>
    public Task<int?> CloseElsewhereAsync(string user) => _other?.InForceAsync([user], false, CancellationToken.None) ?? Task.FromResult<int?>(null);

    /// <summary>Who is connected is known to another broker alone.</summary>
    public bool IsElsewhere => _other is not null;

    /// <summary>The policy, or what it says of somebody, is another now: open sessions, subscriptions and waiting messages are judged again.</summary>
    /// <returns>Subscriptions that ended.</returns>
    public int Rejudge() => _broker?.PolicyChanged() ?? 0;

    /// <summary>MQTT 0x98 (administrative action). With <paramref name="purge"/> what waits for the session goes too.</summary>
    /// <returns>Sessions that were hit.</returns>
    public int Cut(Predicate<SessionInfo> which, string reason, bool purge) => _broker?.Disconnect(which, ReasonCode.AdministrativeAction, reason, purge) ?? 0;

    /// <summary>As <see cref="Cut(Predicate{SessionInfo}, string, bool)"/>, with purge, and waits until the connections have ended: from then on nothing they sent is read.</summary>
    public async Task<IReadOnlyList<SeenCut>> CutAsync(Predicate<SessionInfo> which, string reason, CancellationToken cancellationToken)
    {
        if (_broker is not { } broker)
        {
            await InForceAsync();
            return [];
        }

        var cut = new List<(SessionInfo Session, Awaited Cut)>();
        foreach (var session in broker.Sessions().Where(s => which(s)))
        {
            var one = new Awaited();
            cut.Add((session, one));
            if (session.Connected) _awaited[(session.Identity, session.ClientId)] = one;
            else one.Ended.TrySetResult(time.GetUtcNow()); // kept for a client that is away: gone with the purge
        }

        broker.Disconnect(which, ReasonCode.AdministrativeAction, reason, purge: true);
        await Task.WhenAny(Task.WhenAll(cut.Select(c => c.Cut.Ended.Task)), Task.Delay(ControlLimits.CutSeen, time, cancellationToken));
        foreach (var (session, one) in cut) _awaited.TryRemove(KeyValuePair.Create((session.Identity, session.ClientId), one));
        return [.. cut.Select(c => new SeenCut(c.Cut.Last ?? c.Session, c.Cut.Ended.Task.IsCompletedSuccessfully ? c.Cut.Ended.Task.Result : null))];
    }

    /// <summary>The broker's word that a connection has ended.</summary>
    public void Ended(SessionInfo session)
    {
        if (!_awaited.TryRemove((session.Identity, session.ClientId), out var cut)) return;
        cut.Last = session;
        cut.Ended.TrySetResult(time.GetUtcNow());
    }

    private sealed class Awaited
    {
        public TaskCompletionSource<DateTimeOffset> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>As the session was at its end.</summary>
        public SessionInfo? Last { get; set; }
    }
}
