using System.Security.Cryptography.X509Certificates;
using Signet.Mqtt;
using Signet.Mqtt.Broker;

namespace Signet.Cli.Bare;

/// <summary>
/// The policy of <c>signet broker run</c>: everyone who got through the listener may do everything. It exists for conformance suites, benchmarks and the lab;
/// <c>signet up</c> has no way to reach it.
/// </summary>
internal sealed class OpenPolicy(bool allowAnonymous) : IBrokerPolicy
{
    public ValueTask<ConnectDecision> AuthenticateAsync(ConnectRequest request, CancellationToken cancellationToken)
    {
        // A client certificate was judged by the listener; its subject is the identity.
        var identity = request.Facts.ClientCertificate?.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        if (!string.IsNullOrEmpty(identity))
            return ValueTask.FromResult(ConnectDecision.Accept(identity));
        return ValueTask.FromResult(allowAnonymous
            ? ConnectDecision.Accept("anonymous")
            : ConnectDecision.Refuse(ReasonCode.NotAuthorized, "a client certificate is needed"));
    }

    public PolicyDecision AuthorizePublish(in PublishRequest request) => PolicyDecision.Allow;

    public PolicyDecision AuthorizeSubscribe(in SubscribeRequest request) => PolicyDecision.Allow;

    public PolicyDecision AuthorizeDeliver(in DeliverRequest request) => PolicyDecision.Allow;
}
