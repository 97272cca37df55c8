using Signet.Mqtt.Broker;

namespace Signet.Lab;

/// <summary>The other policy: everybody may do everything. It exists in lab code alone, and its broker listens on loopback as long as the lab runs.</summary>
internal sealed class OpenPolicy : IBrokerPolicy
{
    public ValueTask<ConnectDecision> AuthenticateAsync(ConnectRequest request, CancellationToken cancellationToken) => ValueTask.FromResult(ConnectDecision.Accept("anybody", null));

    public PolicyDecision AuthorizePublish(in PublishRequest request) => PolicyDecision.Allow;

    public PolicyDecision AuthorizeSubscribe(in SubscribeRequest request) => PolicyDecision.Allow;

    public PolicyDecision AuthorizeDeliver(in DeliverRequest request) => PolicyDecision.Allow;
}
