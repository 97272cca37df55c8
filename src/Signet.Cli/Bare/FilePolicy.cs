using Signet.Access;
using Signet.Cli.Shell;
using Signet.Mqtt;
using Signet.Mqtt.Broker;

namespace Signet.Cli.Bare;

/// <summary>
/// The policy of <c>signet broker run --policy FILE</c>: the rules of a policy file (docs/spec/policy.md) decide what each client may do. Everyone is a device whose name is
/// that of its certificate (<c>anonymous</c> without one); who may come in at all, the listener has decided.
/// </summary>
internal sealed class FilePolicy(string path, bool allowAnonymous) : IBrokerPolicy
{
    private readonly OpenPolicy _who = new(allowAnonymous);
    private volatile AccessPolicy _rules = Read(path);

    /// <exception cref="CliException">The file is no policy; the one before stays in force.</exception>
    public void Reload() => _rules = Read(path);

    public async ValueTask<ConnectDecision> AuthenticateAsync(ConnectRequest request, CancellationToken cancellationToken)
    {
        var decision = await _who.AuthenticateAsync(request, cancellationToken);
        return decision.Code == ReasonCode.Success ? Named(decision.Identity) : decision;
    }

    public ConnectDecision Restore(string identity, string clientId) => Named(identity);

    public PolicyDecision AuthorizePublish(in PublishRequest request) => Decide(request.Client, request.Kind switch
    {
        PublishKind.Will => TopicAction.Will,
        PublishKind.Retain => TopicAction.Retain,
        _ => TopicAction.Publish,
    }, request.Topic);

    public PolicyDecision AuthorizeSubscribe(in SubscribeRequest request) =>
        Decide(request.Client, TopicAction.Subscribe, request.ShareGroup is null ? request.Filter : $"$share/{request.ShareGroup}/{request.Filter}");

    public PolicyDecision AuthorizeDeliver(in DeliverRequest request) => Decide(request.Client, TopicAction.Deliver, request.Topic);

    private static ConnectDecision Named(string identity) => ConnectDecision.Accept(identity, Principal.Device(identity));

    private PolicyDecision Decide(ClientContext client, TopicAction action, string topic)
    {
        var decision = _rules.Decide((Principal)client.Principal!, action, topic);
        return decision.Allowed ? PolicyDecision.Allow : PolicyDecision.Deny(decision.Rule);
    }

    private static AccessPolicy Read(string path)
    {
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.WrongUsage, $"--policy: {path} cannot be read: {e.Message}");
        }

        return PolicyFile.TryRead(bytes, out var policy, out var errors) ? policy : throw new CliException(ExitCode.WrongUsage, $"--policy: {path} is no policy: {string.Join("; ", errors.Take(5))}");
    }
}
