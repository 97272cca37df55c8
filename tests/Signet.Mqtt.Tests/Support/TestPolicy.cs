using System.Text;
using Signet.Mqtt.Broker;

namespace Signet.Mqtt.Tests.Support;

/// <summary>A policy whose answers a test can set; by default everyone is who the certificate or user name says and may do everything.</summary>
public sealed class TestPolicy : IBrokerPolicy
{
    public Func<ConnectRequest, ConnectDecision>? OnConnect { get; set; }

    public Func<ConnectRequest, ReadOnlyMemory<byte>, ConnectDecision>? OnContinue { get; set; }

    public Func<PublishRequest, PolicyDecision>? OnPublish { get; set; }

    public Func<SubscribeRequest, PolicyDecision>? OnSubscribe { get; set; }

    public Func<DeliverRequest, PolicyDecision>? OnDeliver { get; set; }

    public ValueTask<ConnectDecision> AuthenticateAsync(ConnectRequest request, CancellationToken cancellationToken) => ValueTask.FromResult(
        OnConnect?.Invoke(request) ?? ConnectDecision.Accept(request.Facts.ClientCertificate?.GetNameInfo(System.Security.Cryptography.X509Certificates.X509NameType.SimpleName, false) ?? request.UserName ?? "anyone"));

    public ValueTask<ConnectDecision> ContinueAuthenticationAsync(ConnectRequest request, ReadOnlyMemory<byte> data, CancellationToken cancellationToken) => ValueTask.FromResult(
        OnContinue?.Invoke(request, data) ?? ConnectDecision.Refuse(ReasonCode.BadAuthenticationMethod, "no method here"));

    public PolicyDecision AuthorizePublish(in PublishRequest request) => OnPublish?.Invoke(request) ?? PolicyDecision.Allow;

    public PolicyDecision AuthorizeSubscribe(in SubscribeRequest request) => OnSubscribe?.Invoke(request) ?? PolicyDecision.Allow;

    public PolicyDecision AuthorizeDeliver(in DeliverRequest request) => OnDeliver?.Invoke(request) ?? PolicyDecision.Allow;
}

/// <summary>Remembers what it was told.</summary>
public sealed class Recorder : IBrokerObserver
{
    private readonly Lock gate = new();
    private readonly List<BrokerRefusal> refusals = [];
    private readonly List<(SessionInfo Session, DisconnectInfo Info)> disconnects = [];
    private readonly List<SessionInfo> connects = [];
    private readonly List<Acknowledgement> acknowledgements = [];

    public IReadOnlyList<BrokerRefusal> Refusals
    {
        get
        {
            lock (gate) return [.. refusals];
        }
    }

    public IReadOnlyList<(SessionInfo Session, DisconnectInfo Info)> Disconnects
    {
        get
        {
            lock (gate) return [.. disconnects];
        }
    }

    public IReadOnlyList<SessionInfo> Connects
    {
        get
        {
            lock (gate) return [.. connects];
        }
    }

    public IReadOnlyList<Acknowledgement> Acknowledgements
    {
        get
        {
            lock (gate) return [.. acknowledgements];
        }
    }

    public void Acknowledged(Acknowledgement acknowledgement)
    {
        lock (gate) acknowledgements.Add(acknowledgement);
    }

    public void Connected(SessionInfo session)
    {
        lock (gate) connects.Add(session);
    }

    public void Disconnected(SessionInfo session, DisconnectInfo disconnect)
    {
        lock (gate) disconnects.Add((session, disconnect));
    }

    public void Refused(BrokerRefusal refusal)
    {
        lock (gate) refusals.Add(refusal);
    }

    public override string ToString() => new StringBuilder().AppendJoin("; ", Refusals).ToString();
}
