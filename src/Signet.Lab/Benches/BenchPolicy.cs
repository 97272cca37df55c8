using System.Security.Cryptography.X509Certificates;
using Signet.Access;
using Signet.Mqtt;
using Signet.Mqtt.Broker;
using Signet.Pki;

namespace Signet.Lab;

/// <summary>
/// Answers the broker's questions from certificate and access policy, as the command center does, with one answer left out where the lab wants it.
/// </summary>
internal sealed class BenchPolicy(BrokerBench bench, Func<AccessPolicy> policy) : IBrokerPolicy
{
    public ValueTask<ConnectDecision> AuthenticateAsync(ConnectRequest request, CancellationToken cancellationToken) => ValueTask.FromResult(Authenticate(request));

    private ConnectDecision Authenticate(ConnectRequest request)
    {
        var certificate = request.Facts.ClientCertificate;
        // Left out: whoever sends no certificate is who its client id says. That is what brokers with a password file, or nothing, amount to.
        if (certificate is null) return bench.Off("client-certificate") || bench.Off("tls") ? As(request.UserName ?? request.ClientId, null) : Refuse("certificate-missing");
        // Left out: any certificate will do, and its common name is the name.
        if (bench.Off("trusted-roots")) return As(certificate.GetNameInfo(X509NameType.SimpleName, false), null);
        var verdict = bench.Judge.Judge(certificate, null, CertificatePurpose.TlsClient);
        if (verdict.Refusal == CertificateRefusal.WrongUsage && bench.Off("key-usage")) return As(verdict.Identity!.Name, verdict.Identity.Profile);
        return verdict.Accepted ? As(verdict.Identity!.Name, verdict.Identity.Profile) : Refuse(BrokerBench.Word(verdict.Refusal));
    }

    private ConnectDecision As(string name, CertificateProfile? profile)
    {
        var principal = profile is null or CertificateProfile.Device && name != LabIdentities.Center ? Principal.Device(name) : Principal.Service(name);
        if (name == LabIdentities.Center) principal = Principal.Service(name);
        // Left out: sessions belong to client ids, as MQTT itself has it.
        return ConnectDecision.Accept(bench.Off("session-identity") ? "anybody" : name, principal);
    }

    public PolicyDecision AuthorizePublish(in PublishRequest request) => request.Kind switch
    {
        PublishKind.Will => Ask(request.Client, TopicAction.Will, request.Topic, "acl-will"),
        PublishKind.Retain => Ask(request.Client, TopicAction.Retain, request.Topic, "acl-retain"),
        _ => Ask(request.Client, TopicAction.Publish, request.Topic, "acl-publish"),
    };

    public PolicyDecision AuthorizeSubscribe(in SubscribeRequest request) =>
        request.ShareGroup is not null && bench.Off("acl-shared") ? PolicyDecision.Allow : Ask(request.Client, TopicAction.Subscribe, request.Filter, "acl-subscribe");

    // A delivery is asked about again; leaving out the question at the subscription alone would show nothing, so both ends of reading go together.
    public PolicyDecision AuthorizeDeliver(in DeliverRequest request) =>
        bench.Off("acl-deliver") || bench.Off("acl-subscribe") || bench.Off("acl-shared") ? PolicyDecision.Allow : Ask(request.Client, TopicAction.Deliver, request.Topic, "");

    private PolicyDecision Ask(ClientContext client, TopicAction action, string topic, string control)
    {
        if (bench.Off(control)) return PolicyDecision.Allow;
        if (client.Principal is not Principal principal) return PolicyDecision.Deny("not-connected");
        var decision = policy().Decide(principal, action, topic);
        return decision.Allowed ? PolicyDecision.Allow : PolicyDecision.Deny(decision.Rule);
    }

    private static ConnectDecision Refuse(string reason) => ConnectDecision.Refuse(ReasonCode.NotAuthorized, reason);
}
