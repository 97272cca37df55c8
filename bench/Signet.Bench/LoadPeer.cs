using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Signet.Mqtt;
using Signet.Mqtt.Packets;

namespace Signet.Bench;

/// <summary>How the load generator reaches a broker.</summary>
internal sealed class LoadTarget(Arguments args)
{
    private readonly SslClientAuthenticationOptions? tls = args.Has("tls") ? Terms(args) : null;
    private readonly int port = args.Number("port", 1883);

    /// <summary>Connected, and subscribed if a topic is given; with <c>--persistent</c> subscribers' sessions last, and begin empty.</summary>
    public async Task<Stream> ConnectAsync(string clientId, string? topic, int qos)
    {
        if (topic is null || !args.Has("persistent")) return await ConnectAsync(clientId, topic, qos, true);
        await (await ConnectAsync(clientId, topic, qos, true)).DisposeAsync();
        return await ConnectAsync(clientId, topic, qos, false);
    }

    private async Task<Stream> ConnectAsync(string clientId, string? topic, int qos, bool clean)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync("127.0.0.1", port);
        Stream stream = new NetworkStream(socket, true);
        if (tls is not null)
        {
            var secure = new SslStream(stream, false);
            await secure.AuthenticateAsClientAsync(tls);
            stream = secure;
        }

        var writer = new WireWriter();
        new ConnectPacket { Version = MqttVersion.V311, ClientId = clientId, CleanStart = clean, KeepAlive = 300 }.Write(writer);
        if (topic is not null) new SubscribePacket { PacketId = 1, Subscriptions = [new TopicSubscription(topic, (QoS)qos)] }.Write(writer, MqttVersion.V311);
        await stream.WriteAsync(writer.Written);
        var answer = new byte[topic is null ? 4 : 9];
        await stream.ReadExactlyAsync(answer);
        return answer[3] == 0 ? stream : throw new InvalidOperationException($"CONNACK {answer[3]}");
    }

    private static SslClientAuthenticationOptions Terms(Arguments args)
    {
        using var pem = X509Certificate2.CreateFromPemFile(args.Text("cert")!, args.Text("key"));
        var own = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPemFile(args.Text("ca")!);
        return new() { TargetHost = "localhost", EnabledSslProtocols = SslProtocols.Tls13, AllowTlsResume = false, ClientCertificateContext = SslStreamCertificateContext.Create(own, null, offline: true), CertificateChainPolicy = policy };
    }
}

/// <summary>CPU time of a process and of the machine, from /proc.</summary>
internal sealed record CpuReading(double Broker, double Own, double Machine, long Stamp)
{
    private const double Tick = 0.01; // USER_HZ

    public static CpuReading Take(int broker)
    {
        var all = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(Read).ToArray();
        return new(broker == 0 ? 0 : Of($"/proc/{broker}/stat"), Of("/proc/self/stat"), (all.Sum() - all[3] - all[4]) * Tick, Stopwatch.GetTimestamp());
    }

    public static long ResidentKb(int process) =>
        long.Parse(File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmRSS", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);

    private static double Of(string path)
    {
        var text = File.ReadAllText(path);
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (Read(fields[11]) + Read(fields[12])) * Tick;
    }

    private static double Read(string number) => double.Parse(number, System.Globalization.CultureInfo.InvariantCulture);
}
