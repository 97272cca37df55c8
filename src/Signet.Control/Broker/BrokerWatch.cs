using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Signet.Audit;
using Signet.Mqtt.Broker;
using Signet.Pki;

namespace Signet.Control;

/// <summary>Sees what happens on the broker and its listener: presence, audit entries, the list of denials, the live feed. Never waits.</summary>
internal sealed class BrokerWatch(Roster roster, RepeatedNotes repeated, LiveFeed feed, TimeProvider time, ILogger logger) : IBrokerObserver
{
    private readonly LinkedList<Denial> _denials = [];
    private readonly Dictionary<string, long> _refused = new(StringComparer.Ordinal);
    private readonly Lock _one = new();

    /// <summary>A device acknowledged a command (topics <c>signet/{device}/command</c>) to the broker, or refused it. Raised on the broker's threads: return at once.</summary>
    public event Action<Acknowledgement>? CommandAcknowledged;

    /// <summary>A device connected; its name and the thumbprint of the certificate it came with. On the broker's thread: do not block.</summary>
    public event Action<string, string>? Arrived;

    /// <summary>A connection ended. On the broker's thread: do not block.</summary>
    public event Action<SessionInfo>? Ended;

    /// <summary>Somebody came with a revoked certificate and was turned away; with the name of the listener. Do not block.</summary>
    public event Action<X509Certificate2, string>? RevokedReturned;

    /// <summary>The latest refusals, newest first.</summary>
    public IReadOnlyList<Denial> Denials()
    {
        lock (_one) return [.. _denials];
    }

    /// <summary>Refusals since the start, by kind.</summary>
    public IReadOnlyDictionary<string, long> Refused()
    {
        lock (_one) return new Dictionary<string, long>(_refused, StringComparer.Ordinal);
    }

    public void Connected(SessionInfo session)
    {
        roster.SessionOpened(session.Identity, AddressOf(session.Remote));
        if (session.ClientCertificate is { } used) Arrived?.Invoke(session.Identity, CertificateFacts.Thumbprint(used));
        // A link that flaps writes often; its owner is known, so it is counted like any repetition.
        repeated.Add(new(AuditTypes.Broker, session.Identity, session.ClientId, "connected", "success", "", new()
        {
            ["listener"] = session.Listener, ["tls"] = session.TlsProtocol, ["serial"] = session.ClientCertificate is { } certificate ? CertificateFacts.Serial(certificate) : null,
        }), session.Identity);
        Publish("connected", session.Identity, session.ClientId, "");
    }

    public void Disconnected(SessionInfo session, DisconnectInfo disconnect)
    {
        roster.SessionClosed(session.Identity);
        Ended?.Invoke(session);
        repeated.Add(new(AuditTypes.Broker, session.Identity, session.ClientId, "disconnected", disconnect.ByClient ? "success" : "closed", Words.Of(disconnect.Code), new()
        {
            ["words"] = disconnect.Reason, ["will"] = disconnect.WillFollows,
        }), session.Identity);
        Publish("disconnected", session.Identity, session.ClientId, disconnect.Reason);
    }

    public void Acknowledged(Acknowledgement acknowledgement) => CommandAcknowledged?.Invoke(acknowledgement);

    public void Refused(BrokerRefusal refusal)
    {
        var remote = AddressOf(refusal.Remote);
        var kind = Words.Of(refusal.Kind);
        Deny(new(time.GetUtcNow(), kind, refusal.Identity, refusal.ClientId, refusal.Topic, refusal.Reason, remote, 1));
        var type = refusal.Kind switch
        {
            RefusalKind.Connect => AuditTypes.AuthFail,
            RefusalKind.Protocol or RefusalKind.Quota => AuditTypes.Security,
            _ => AuditTypes.Authorization,
        };
        // The topic is the sender's to choose: in the details, so that a different one each time is still one source.
        repeated.Add(new(type, refusal.Identity ?? "", "broker", $"{kind}-refused", "refused", refusal.Reason, new()
        {
            ["client"] = refusal.ClientId, ["topic"] = refusal.Topic, ["code"] = Words.Of(refusal.Code), ["listener"] = refusal.Listener,
        }) { Personal = remote is null ? null : new JsonObject { ["from"] = remote } }, refusal.Identity ?? remote ?? "");
    }

    /// <summary>
    /// Why a client's certificate is refused, for the listener: the refusal's name, the judge's words, and what the certificate says of itself. The last is a stranger's text:
    /// short, and nothing that moves a terminal. Null: accepted.
    /// </summary>
    public static string? WhyNot(CertificateVerdict verdict, X509Certificate2? leaf)
    {
        if (verdict.Accepted) return null;
        var claims = leaf is null ? "" : $" (it says '{new string([.. leaf.GetNameInfo(X509NameType.SimpleName, forIssuer: false).Take(64).Select(c => char.IsControl(c) ? '?' : c)])}', serial {CertificateFacts.Serial(leaf)})";
        return $"certificate-{Words.Of(verdict.Refusal)}: {verdict.Detail}{claims}";
    }

    /// <summary><see cref="WhyNot"/> for a handshake that is under way: a return with a revoked certificate is told at once, while the certificate is still at hand.</summary>
    public string? Judged(CertificateVerdict verdict, X509Certificate2? leaf, string listener)
    {
        if (verdict.Refusal == CertificateRefusal.Revoked && leaf is not null) RevokedReturned?.Invoke(leaf, listener);
        return WhyNot(verdict, leaf);
    }

    /// <summary>A transport that never became MQTT: no certificate, a foreign or expired or revoked one, no TLS, silence.</summary>
    public void HandshakeRefused(HandshakeRefusal refusal)
    {
        var remote = AddressOf(refusal.Remote);
        // Words of WhyNot begin with the name of the refusal; anything else is the transport's own trouble.
        var (name, words) = refusal.Reason.Split(": ", 2) is [var head, var tail] && head.StartsWith("certificate-", StringComparison.Ordinal) ? (head, tail) : ("handshake-failed", refusal.Reason);
        Log.HandshakeRefused(logger, refusal.Reason, refusal.Remote);
        Deny(new(time.GetUtcNow(), "handshake", null, null, null, refusal.Reason, remote, 1));
        repeated.Add(new(AuditTypes.AuthFail, "", "broker", "handshake-refused", "refused", name, new()
        {
            ["words"] = words, ["listener"] = refusal.Listener,
        }) { Personal = remote is null ? null : new JsonObject { ["from"] = remote } }, remote ?? "");
    }

    private void Deny(Denial denial)
    {
        lock (_one)
        {
            _refused[denial.Kind] = _refused.GetValueOrDefault(denial.Kind) + 1;
            if (_denials.First?.Value is { } last && last with { Time = denial.Time, Count = 1 } == denial)
            {
                _denials.First.Value = denial with { Count = last.Count + 1 };
            }
            else
            {
                _denials.AddFirst(denial);
                if (_denials.Count > ControlLimits.DenialsShown) _denials.RemoveLast();
            }
        }
    }

    private void Publish(string what, string identity, string client, string reason)
        => feed.Publish(FeedKind.Broker, what, identity, new() { ["client"] = client, ["identity"] = identity, ["reason"] = reason });

    private static string? AddressOf(EndPoint? remote) => (remote as IPEndPoint)?.Address.ToString();
}
