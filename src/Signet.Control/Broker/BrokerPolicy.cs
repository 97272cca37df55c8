using Signet.Access;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Pki;

namespace Signet.Control;

/// <summary>
/// Answers the broker's questions. Who: the name in the certificate, and only if that device, person or service is one of ours and enabled, whatever the
/// certificate says; on the password listener the TOTP account. What: the access policy, asked about what the asker is at that moment. Denied is the default.
/// </summary>
internal sealed class BrokerPolicy(CertificateJudge judge, Roster roster, Func<string, Account?> findPerson, Askers askers, TotpLogin login, PolicyTraffic traffic, Func<AccessPolicy> policy) : IBrokerPolicy
{
    /// <summary>Name of the listener without client certificates.</summary>
    public const string PasswordListener = "mqtts-password";

    private volatile bool _isOpen;

    /// <summary>Lets everybody else in. Until the center's own line is subscribed only the center may connect: a receipt that came before would find nobody to take it.</summary>
    public void Open() => _isOpen = true;

    /// <summary>Prefix of people's sessions, so that a person and a device of one name never share any.</summary>
    public const string PersonPrefix = "person:";

    private static readonly IdentityLimits DeviceLimits = new()
    {
        // A device has one connection; one more for the moment when it comes back before the old one is known to be dead.
        Connections = 4, Sessions = 4, Subscriptions = 16, QueuedMessages = 100, QueuedBytes = 4 << 20,
        // Chosen: ten quantities ten times a second. Bounds what a mad device writes into signet.db.
        MessagesPerSecond = 100, BytesPerSecond = 1 << 20,
    };

    // Everybody's words wait here when a whole fleet comes back at once. What bounds it is the broker's memory ceiling, which tells the sender (0x97) that it has to come again; a full queue would tell nobody.
    private static readonly IdentityLimits CenterLimits = new() { QueuedMessages = int.MaxValue, QueuedBytes = long.MaxValue };

    public ValueTask<ConnectDecision> AuthenticateAsync(ConnectRequest request, CancellationToken cancellationToken) => request.Facts.Listener == PasswordListener
        ? LogInAsync(request, cancellationToken)
        : ValueTask.FromResult(Authenticate(request));

    public ConnectDecision Restore(string identity, string clientId) => identity switch
    {
        _ when identity == Actor.Center.Name => ConnectDecision.Accept(identity, new Asker(PrincipalKind.Service, identity), CenterLimits),
        _ when identity.StartsWith(PersonPrefix, StringComparison.Ordinal) => Person(identity[PersonPrefix.Length..]),
        _ when identity.StartsWith(TotpLogin.IdentityPrefix, StringComparison.Ordinal) => askers.Account(identity[TotpLogin.IdentityPrefix.Length..]) is { } account
            ? ConnectDecision.Accept(identity, new Asker(PrincipalKind.Account, account.Name), DeviceLimits)
            : Refuse(TotpLogin.Unknown),
        _ => roster.Find(identity) switch
        {
            null => Refuse("device-unknown"),
            { Enabled: false } => Refuse("device-disabled"),
            _ => ConnectDecision.Accept(identity, new Asker(PrincipalKind.Device, identity), DeviceLimits),
        },
    };

    public PolicyDecision AuthorizePublish(in PublishRequest request) => Decide(request.Client, request.Kind switch
    {
        PublishKind.Will => TopicAction.Will,
        PublishKind.Retain => TopicAction.Retain,
        _ => TopicAction.Publish,
    }, request.Topic);

    public PolicyDecision AuthorizeSubscribe(in SubscribeRequest request) => request.ShareGroup is null
        ? Decide(request.Client, TopicAction.Subscribe, request.Filter)
        : PolicyDecision.Deny("shared-subscriptions-not-offered");

    public PolicyDecision AuthorizeDeliver(in DeliverRequest request) => Decide(request.Client, TopicAction.Deliver, request.Topic);

    private ConnectDecision Authenticate(ConnectRequest request)
    {
        // Judged again although the handshake has done it: a certificate revoked between the two must not slip through.
        var verdict = judge.Judge(request.Facts.ClientCertificate, null, CertificatePurpose.TlsClient);
        if (!verdict.Accepted) return Refuse($"certificate-{Words.Of(verdict.Refusal)}");
        var identity = verdict.Identity!;
        return identity.Profile switch
        {
            CertificateProfile.Center when identity.Name == Actor.Center.Name => ConnectDecision.Accept(identity.Name, new Asker(PrincipalKind.Service, identity.Name), CenterLimits),
            _ when !_isOpen => ConnectDecision.Refuse(ReasonCode.ServerUnavailable, "starting"),
            CertificateProfile.User => Person(identity.Name),
            CertificateProfile.Device or null => Device(identity),
            _ => Refuse("certificate-wrong-usage"),
        };
    }

    private ConnectDecision Device(CertificateIdentity identity) => roster.IsAdmitted(identity.Name, identity.Thumbprint, out var why)
        ? ConnectDecision.Accept(identity.Name, new Asker(PrincipalKind.Device, identity.Name, identity.Thumbprint), DeviceLimits)
        : Refuse(why);

    private ConnectDecision Person(string name) => findPerson(name) switch
    {
        null => Refuse("person-unknown"),
        { Enabled: false } => Refuse("person-disabled"),
        { } account => ConnectDecision.Accept(PersonPrefix + account.Name, new Asker(PrincipalKind.Person, account.Name)),
    };

    private static ConnectDecision Refuse(string reason) => ConnectDecision.Refuse(ReasonCode.NotAuthorized, reason);

    private async ValueTask<ConnectDecision> LogInAsync(ConnectRequest request, CancellationToken cancellationToken)
    {
        if (!_isOpen) return ConnectDecision.Refuse(ReasonCode.ServerUnavailable, "starting");
        if (request.UserName is not { Length: > 0 } user || request.Password is not { } password) return ConnectDecision.Refuse(ReasonCode.BadUserNameOrPassword, TotpLogin.Missing);
        var from = (request.Facts.Remote as System.Net.IPEndPoint)?.Address.ToString() ?? "";
        var answer = await login.LogInAsync(new(user, password, request.ClientId, from, "mqtt", IsPeer: true), cancellationToken);
        if (answer.Account is { } account) return ConnectDecision.Accept(TotpLogin.IdentityPrefix + account.Name, new Asker(PrincipalKind.Account, account.Name), DeviceLimits);
        return answer.Reason switch
        {
            TotpLogin.Busy or TotpLogin.Unavailable => ConnectDecision.Refuse(ReasonCode.ServerBusy, answer.Reason),
            // Who knows the code learns that it was used, and may try the next one; nobody learns which of name, code and password was wrong.
            TotpLogin.Used or TotpLogin.Limited => ConnectDecision.Refuse(ReasonCode.NotAuthorized, answer.Reason),
            _ => ConnectDecision.Refuse(ReasonCode.BadUserNameOrPassword, "not-authorized"),
        };
    }

    private PolicyDecision Decide(ClientContext client, TopicAction action, string topic)
    {
        if (client.Principal is not Asker asker) return PolicyDecision.Deny("not-connected");
        if (askers.Find(asker) is not { } principal) return PolicyDecision.Deny("no-longer-admitted");
        var decision = askers.Decide(policy(), principal, action, topic, asksEach: true);
        traffic.Note(principal, action, topic, decision.Allowed);
        return decision.Allowed ? PolicyDecision.Allow : PolicyDecision.Deny(decision.Rule);
    }
}
