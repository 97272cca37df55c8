using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Transport;

/// <summary>What connections hold while nothing happens. Alone in the process, because the heap is everybody's.</summary>
[CollectionDefinition(nameof(IdleMemorySpecs), DisableParallelization = true)]
[Collection(nameof(IdleMemorySpecs))]
public sealed class IdleMemorySpecs
{
    [Theory, InlineData(true), InlineData(false)]
    public async Task An_idle_tls_connection_holds_no_buffer(bool ownLoop)
    {
        const int Count = 400; // so that what the shared pool keeps for the next one is a small part
        using var certificates = new TestCertificates();
        var server = SslStreamCertificateContext.Create(certificates.Issue("broker"), null, offline: true);
        await using var house = await TestBroker.StartAsync(listen: o => o with { OwnLoop = ownLoop, MaximumHalfOpenPerAddress = Count, Tls = () => new SslServerAuthenticationOptions { ServerCertificateContext = server } });
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { certificates.Root }, RevocationMode = X509RevocationMode.NoCheck };
        var clients = new List<SslStream>();
        for (var i = 0; i < 10; i++) clients.Add(await ConnectAsync(house.Port, trust)); // what is made once is made
        var before = Held();
        clients.AddRange(await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => ConnectAsync(house.Port, trust)))); // at once: CONNECT lies beside the handshake's end when that is read
        await Until.TrueAsync(() => house.Broker.Counters.Connections == clients.Count);
        var each = (Held() - before) / Count;
        TestContext.Current.SendDiagnosticMessage($"{each:N0} bytes each");
        each.ShouldBeLessThan(20_000, "both ends together; the buffers of one connection are 16 KB for MQTT and 32 KB for TLS");
        foreach (var client in clients) await client.DisposeAsync();
    }

    private static long Held()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect(2, GCCollectionMode.Forced, true, true);
            GC.WaitForPendingFinalizers();
        }

        return GC.GetTotalMemory(false);
    }

    private static async Task<SslStream> ConnectAsync(int port, X509ChainPolicy trust)
    {
        var tcp = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await tcp.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        var ssl = new SslStream(new NetworkStream(tcp, true));
        await ssl.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = trust }, TestContext.Current.CancellationToken);
        await ssl.WriteAsync(RawClient.Bytes("10 0D 'MQTT' 05 02 00 3C 00 0000"), TestContext.Current.CancellationToken);
        var connack = new byte[2];
        await ssl.ReadExactlyAsync(connack, TestContext.Current.CancellationToken);
        connack[0].ShouldBe((byte)0x20);
        await ssl.ReadExactlyAsync(new byte[connack[1]], TestContext.Current.CancellationToken);
        return ssl;
    }
}
