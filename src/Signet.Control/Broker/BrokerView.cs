namespace Signet.Control;

/// <summary>A session on the embedded broker, for page, API and command line.</summary>
/// <param name="Client">The client id.</param>
/// <param name="Identity">From the certificate.</param>
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

/// <summary>The embedded broker as people see it.</summary>
public sealed class BrokerView
{
    internal BrokerView() { }

    public IReadOnlyList<BrokerSession> Sessions() => throw new NotSupportedException("lands next");

    public BrokerTotals Totals() => throw new NotSupportedException("lands next");

    /// <summary>The latest refusals with their reasons, newest first.</summary>
    public IReadOnlyList<Denial> Denials() => throw new NotSupportedException("lands next");

    /// <summary>Closes the sessions of an identity (all of its clients, or one) with 0x98.</summary>
    public Task<Outcome<KickResult>> KickAsync(string identity, string? client, Actor actor, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");
}

/// <param name="Closed">Sessions that were hit.</param>
public sealed record KickResult(int Closed);
