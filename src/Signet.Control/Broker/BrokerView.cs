using Signet.Access;
using Signet.Audit;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Pki;

namespace Signet.Control;

/// <summary>A session on the embedded broker, for page, API and command line.</summary>
/// <param name="Client">The client id.</param>
/// <param name="Identity">From the certificate; people's begin with <c>person:</c>.</param>
/// <param name="Connected">False: kept for a client that is away.</param>
/// <param name="Protocol">For example <c>MQTT 5.0</c>.</param>
/// <param name="Since">When the connection began, or ended if it is not connected.</param>
public sealed record BrokerSession(
    string Client, string Identity, bool Connected, string? Remote, string Protocol, string? Tls, string? CertificateSerial, DateTimeOffset Since,
    int Subscriptions, int Queued, int InFlight, long MessagesIn, long MessagesOut, long Dropped);

/// <summary>Something the broker or its TLS listener refused.</summary>
/// <param name="Kind"><c>handshake, connect, publish, subscribe, deliver, will, protocol, quota</c>.</param>
/// <param name="Count">How often the same was refused in a row.</param>
public sealed record Denial(DateTimeOffset Time, string Kind, string? Identity, string? Client, string? Topic, string Reason, string? Remote, long Count);

/// <summary>Totals since the start.</summary>
public sealed record BrokerTotals(
    long Connections, long ConnectionsTotal, long Sessions, long Subscriptions, long MessagesIn, long MessagesOut, long BytesIn, long BytesOut,
    long Dropped, long Retained, IReadOnlyDictionary<string, long> Refused);

/// <summary>What closing sessions did.</summary>
/// <param name="Closed">Sessions that were hit.</param>
public sealed record KickResult(int Closed);

/// <summary>The embedded broker as people see it. Empty until it has started.</summary>
public sealed class BrokerView
{
    private readonly BrokerWatch _watch;
    private readonly SessionCutter _sessions;
    private readonly Roster _roster;
    private readonly AuditTrail _trail;
    private volatile MqttBroker? _broker;

    internal BrokerView(BrokerWatch watch, SessionCutter sessions, Roster roster, AuditTrail trail) => (_watch, _sessions, _roster, _trail) = (watch, sessions, roster, trail);

    internal void Attach(MqttBroker? broker) => _broker = broker;

    public IReadOnlyList<BrokerSession> Sessions() => [.. (_broker?.Sessions() ?? []).Select(Show).OrderBy(s => s.Identity, StringComparer.Ordinal).ThenBy(s => s.Client, StringComparer.Ordinal)];

    public BrokerTotals Totals() => _broker?.Counters is { } c
        ? new(c.Connections, c.ConnectionsTotal, c.Sessions, c.Subscriptions, c.MessagesIn, c.MessagesOut, c.BytesIn, c.BytesOut, c.Dropped, c.RetainedMessages, _watch.Refused())
        : new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, _watch.Refused());

    /// <summary>The latest refusals with their reasons, newest first.</summary>
    public IReadOnlyList<Denial> Denials() => _watch.Denials();

    /// <summary>Closes the sessions of an identity (all of its clients, or one) with 0x98. The client may come back; disabling or revoking keeps it out.</summary>
    public async Task<Outcome<KickResult>> KickAsync(string identity, string? client, Actor actor, CancellationToken cancellationToken = default)
    {
        if (_sessions.IsElsewhere)
        {
            if (client is not null) return new Refusal(RefusalCode.BadInput, "that broker closes all of somebody's sessions, not one client's; leave the client out");
            var allowed = await _trail.PermitAsync(actor, Act.KickSession, _roster.Find(identity), AuditTrail.Of(AuditTypes.Broker, actor, identity, "session-closed", details: new() { ["client"] = client }) with { Emergency = true }, cancellationToken);
            if (!allowed.TryGet(out _, out var denied)) return denied;
            return await _sessions.CloseElsewhereAsync(identity) switch
            {
                null => new Refusal(RefusalCode.BrokerUnavailable, "the broker does not do what it is told now; its sessions may be open still (broker-not-in-step in the audit log says why)"),
                0 => new Refusal(RefusalCode.NotFound, $"no session of {identity} is open there"),
                { } closed => new KickResult(closed),
            };
        }

        bool Hit(SessionInfo s) => s.Identity == identity && (client is null || s.ClientId == client);
        if (_broker?.Sessions().Any(Hit) != true && actor.Groups.Count == 0) return new Refusal(RefusalCode.NotFound, $"no session of {identity}{(client is null ? "" : $" with client id {client}")}");
        var permit = await _trail.PermitAsync(actor, Act.KickSession, _roster.Find(identity), AuditTrail.Of(AuditTypes.Broker, actor, identity, "session-closed", details: new() { ["client"] = client }) with { Emergency = true }, cancellationToken);
        return permit.TryGet(out _, out var refusal) ? new KickResult(_sessions.Cut(Hit, $"closed by {actor.Name}", purge: false)) : refusal;
    }

    private static BrokerSession Show(SessionInfo s) => new(
        s.ClientId, s.Identity, s.Connected, s.Remote?.ToString(), s.Version == MqttVersion.V5 ? "MQTT 5.0" : "MQTT 3.1.1", s.TlsProtocol,
        s.ClientCertificate is { } certificate ? CertificateFacts.Serial(certificate) : null, s.Since, s.Subscriptions, s.QueuedMessages, s.InFlight, s.MessagesIn, s.MessagesOut, s.Dropped);
}
