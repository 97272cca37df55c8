using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Broker.Storage;

namespace Signet.Bench;

/// <summary>The broker alone, on loopback, until standard input ends or SIGTERM comes.</summary>
internal static class BrokerHost
{
    public static async Task<int> RunAsync(Arguments args)
    {
        var brokerOptions = new BrokerOptions();
        if (args.Text("data") is { } directory) brokerOptions = brokerOptions with { Store = SqliteSessionStore.Open(Path.Combine(Directory.CreateDirectory(directory).FullName, "sessions.db")) };
        await using var broker = await MqttBroker.OpenAsync(brokerOptions, args.Has("policy") ? new BranchPolicy() : new OpenPolicy(), TimeProvider.System);
        var options = new ListenerOptions { EndPoint = new IPEndPoint(IPAddress.Loopback, args.Number(args.Has("tls") ? "tls" : "plain", 1883)), OwnLoop = !args.Has("platform-loop") };
        if (args.Has("tls")) options = WithTls(options, args);
        await using var listener = MqttListener.Start(broker, options);
        Console.WriteLine($"listening on {listener.EndPoint.Port}");
        var stop = new TaskCompletionSource();
        using var term = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, c =>
        {
            c.Cancel = true;
            stop.TrySetResult();
        });
        if (args.Has("attached")) _ = Task.Run(async () => { await Console.In.ReadToEndAsync(); stop.TrySetResult(); }); // ends with whoever started it
        await stop.Task;
        return 0;
    }

    private static ListenerOptions WithTls(ListenerOptions options, Arguments args)
    {
        using var pem = X509Certificate2.CreateFromPemFile(args.Text("cert")!, args.Text("key"));
        var certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(args.Text("cert")!);
        var roots = new X509Certificate2Collection();
        roots.ImportFromPemFile(args.Text("ca")!);
        var context = SslStreamCertificateContext.Create(certificate, chain, offline: true);
        var judge = new ChainJudge(roots);
        return options with { Tls = () => new SslServerAuthenticationOptions { ServerCertificateContext = context }, ValidateClientCertificate = judge.Judge };
    }
}

/// <summary>Accepts certificates under the given roots; a chain is built once a certificate.</summary>
internal sealed class ChainJudge(X509Certificate2Collection roots)
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, string> known = new(StringComparer.Ordinal);

    public string? Judge(X509Certificate2? leaf, X509Certificate2Collection sent)
    {
        if (leaf is null) return "no certificate";
        var answer = known.GetOrAdd(leaf.GetCertHashString(System.Security.Cryptography.HashAlgorithmName.SHA256), _ => Build(leaf, sent));
        return answer.Length == 0 ? null : answer;
    }

    private string Build(X509Certificate2 leaf, X509Certificate2Collection sent)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.ExtraStore.AddRange(roots);
        chain.ChainPolicy.ExtraStore.AddRange(sent);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return chain.Build(leaf) ? "" : string.Join(", ", chain.ChainStatus.Select(s => s.StatusInformation));
    }
}

/// <summary>Everyone may do everything; the identity is the certificate's name.</summary>
internal sealed class OpenPolicy : IBrokerPolicy
{
    public ValueTask<ConnectDecision> AuthenticateAsync(ConnectRequest request, CancellationToken cancellationToken) =>
        ValueTask.FromResult(ConnectDecision.Accept(request.Facts.ClientCertificate?.GetNameInfo(X509NameType.SimpleName, false) ?? "anyone", limits: new IdentityLimits { Connections = 100_000, Sessions = 100_000 }));

    public PolicyDecision AuthorizePublish(in PublishRequest request) => PolicyDecision.Allow;

    public PolicyDecision AuthorizeSubscribe(in SubscribeRequest request) => PolicyDecision.Allow;

    public PolicyDecision AuthorizeDeliver(in DeliverRequest request) => PolicyDecision.Allow;
}

/// <summary>A policy that does work: every question matches topic filters of the identity.</summary>
internal sealed class BranchPolicy : IBrokerPolicy
{
    public ValueTask<ConnectDecision> AuthenticateAsync(ConnectRequest request, CancellationToken cancellationToken) => new OpenPolicy().AuthenticateAsync(request, cancellationToken);

    public PolicyDecision AuthorizePublish(in PublishRequest request) => Decide(request.Client, request.Topic);

    public PolicyDecision AuthorizeSubscribe(in SubscribeRequest request) => Decide(request.Client, request.Filter);

    public PolicyDecision AuthorizeDeliver(in DeliverRequest request) => Decide(request.Client, request.Topic);

    private static PolicyDecision Decide(ClientContext client, string topic) =>
        Signet.Mqtt.TopicFilter.Matches($"denied/{client.Identity}/#", topic) ? PolicyDecision.Deny("denied branch") : PolicyDecision.Allow;
}
