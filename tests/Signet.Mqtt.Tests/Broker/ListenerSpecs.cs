using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Broker;

/// <summary>TLS, client certificates, PROXY protocol and the limits before a client is known.</summary>
public sealed class ListenerSpecs : IDisposable
{
    private readonly TestCertificates certificates = new();

    public void Dispose() => certificates.Dispose();

    private Task<TestBroker> StartTlsAsync(HashSet<string>? revoked = null)
    {
        var server = SslStreamCertificateContext.Create(certificates.Issue("broker"), null, offline: true);
        return TestBroker.StartAsync(listen: o => o with
        {
            Name = "mtls", Tls = () => new SslServerAuthenticationOptions { ServerCertificateContext = server },
            ValidateClientCertificate = (leaf, _) => leaf is not null && revoked?.Contains(leaf.Thumbprint) == true ? "certificate is revoked" : certificates.Judge(leaf),
        });
    }

    private MqttClientOptions Tls(TestBroker house, X509Certificate2? certificate) => house.ClientOptions("c") with
    {
        Tls = () => new SslClientAuthenticationOptions
        {
            TargetHost = "localhost", EnabledSslProtocols = SslProtocols.Tls13,
            ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
            CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { certificates.Root }, RevocationMode = X509RevocationMode.NoCheck },
        },
    };

    [Fact]
    public async Task The_certificate_is_the_identity_and_its_facts_reach_the_session()
    {
        await using var house = await StartTlsAsync();
        await using var client = await MqttClient.ConnectAsync(Tls(house, certificates.Issue("device-1")), TestContext.Current.CancellationToken);
        var session = house.Broker.Sessions().Single();
        session.Identity.ShouldBe("device-1");
        session.TlsProtocol.ShouldBe("Tls13");
        session.Listener.ShouldBe("mtls");
        session.ClientCertificate!.Subject.ShouldBe("CN=device-1");
    }

    [Fact]
    public async Task A_missing_foreign_expired_or_revoked_certificate_is_refused_with_its_reason()
    {
        using var foreign = new TestCertificates();
        var revoked = certificates.Issue("revoked");
        await using var house = await StartTlsAsync([revoked.Thumbprint]);
        foreach (var (certificate, reason) in new[]
        {
            (null, "no certificate was sent"), (foreign.Issue("stranger"), "PartialChain"), (certificates.Issue("old", -2, -1), "NotTimeValid"), (revoked, "certificate is revoked"),
        })
        {
            await Should.ThrowAsync<MqttException>(() => MqttClient.ConnectAsync(Tls(house, certificate)), reason);
            await Until.TrueAsync(() => house.Handshakes.Count > 0, reason);
            var refusal = house.Handshakes.Single();
            refusal.Reason.ShouldContain(reason);
            refusal.Listener.ShouldBe("mtls");
            refusal.Remote.ShouldNotBeNull();
            (refusal.Certificate is null).ShouldBe(certificate is null);
            house.Handshakes.Clear();
        }

        house.Broker.Counters.ConnectionsTotal.ShouldBe(0);
    }

    [Fact]
    public async Task No_session_ticket_is_given_out()
    {
        certificates.Issue("device-1").Dispose();
        await using var house = await StartTlsAsync();
        var start = new System.Diagnostics.ProcessStartInfo("openssl",
            ["s_client", "-connect", $"127.0.0.1:{house.Port}", "-CAfile", certificates.FileOf("ca.crt"), "-cert", certificates.FileOf("device-1.crt"), "-key", certificates.FileOf("device-1.key"), "-msg", "-quiet"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var openssl = System.Diagnostics.Process.Start(start)!;
        var said = openssl.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await openssl.StandardInput.BaseStream.WriteAsync(RawClient.Bytes(RawClient.Connect5 + " C0 00 E0 00"), TestContext.Current.CancellationToken);
        await openssl.StandardInput.BaseStream.FlushAsync(TestContext.Current.CancellationToken); // the broker closes after DISCONNECT: everything it had to say is out
        (await said).ShouldSatisfyAllConditions(t => t.ShouldContain("Finished"), t => t.ShouldNotContain("NewSessionTicket"));
        house.Broker.Counters.ConnectionsTotal.ShouldBe(1);
    }

    [Fact]
    public async Task A_session_is_never_resumed_past_the_check()
    {
        await using var house = await StartTlsAsync();
        var terms = Tls(house, certificates.Issue("device-1"));
        var kept = terms.Tls!();
        kept.AllowTlsResume = true;
        for (var i = 0; i < 3; i++)
        {
            using var tcp = new TcpClient();
            await tcp.ConnectAsync(IPAddress.Loopback, house.Port, TestContext.Current.CancellationToken);
            await using var ssl = new SslStream(tcp.GetStream());
            await ssl.AuthenticateAsClientAsync(kept, TestContext.Current.CancellationToken);
            ssl.IsMutuallyAuthenticated.ShouldBeTrue();
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task Close_notify_ends_a_connection_whose_socket_stays_open(bool togetherWithData)
    {
        certificates.Issue("device-1").Dispose();
        await using var house = await StartTlsAsync();
        using var tcp = new TcpClient { NoDelay = true };
        await tcp.ConnectAsync(IPAddress.Loopback, house.Port, TestContext.Current.CancellationToken);
        await using var wire = new GatheringStream(tcp.GetStream());
        await using var ssl = new SslStream(wire);
        await ssl.AuthenticateAsClientAsync(Tls(house, certificates.Issue("device-1")).Tls!(), TestContext.Current.CancellationToken);
        await ssl.WriteAsync(RawClient.Bytes(RawClient.Connect5), TestContext.Current.CancellationToken);
        await Until.TrueAsync(() => house.Broker.Counters.Connections == 1);
        await ssl.WriteAsync(RawClient.Bytes("C0 00"), TestContext.Current.CancellationToken); // as short as the alert, and no end
        await Task.Delay(100, TestContext.Current.CancellationToken);
        house.Broker.Counters.Connections.ShouldBe(1);

        wire.Gathers = togetherWithData;
        await ssl.WriteAsync(RawClient.Bytes("30 06 't' 00 4141"), TestContext.Current.CancellationToken);
        await ssl.ShutdownAsync();
        await wire.SendAsync();
        await Until.TrueAsync(() => house.Broker.Counters.Connections == 0, "it would have stayed until the keep alive of 60 s passed");
        house.Broker.Counters.MessagesIn.ShouldBe(1);
    }

    [Fact]
    public async Task Plain_bytes_and_silence_on_a_tls_port_are_refused_in_time()
    {
        var server = SslStreamCertificateContext.Create(certificates.Issue("broker"), null, offline: true);
        await using var house = await TestBroker.StartAsync(listen: o => o with { Tls = () => new SslServerAuthenticationOptions { ServerCertificateContext = server }, HandshakeTimeout = TimeSpan.FromMilliseconds(300) });
        using var plain = await house.RawAsync();
        await plain.SendAsync(RawClient.Connect5);
        await Until.TrueAsync(() => house.Handshakes.Count == 1);
        house.Handshakes[0].Reason.ShouldStartWith("handshake failed");
        using var silent = await house.RawAsync();
        await silent.ExpectClosedAsync();
        house.Handshakes[1].Reason.ShouldBe("handshake took longer than 0.3 s");
    }

    [Fact]
    public async Task Half_open_connections_are_limited()
    {
        var server = SslStreamCertificateContext.Create(certificates.Issue("broker"), null, offline: true);
        await using var house = await TestBroker.StartAsync(listen: o => o with { Tls = () => new SslServerAuthenticationOptions { ServerCertificateContext = server }, MaximumHalfOpenPerAddress = 3 });
        var open = new List<RawClient>();
        for (var i = 0; i < 4; i++) open.Add(await house.RawAsync());
        await Until.TrueAsync(() => house.Handshakes.Count == 1);
        house.Handshakes[0].Reason.ShouldBe("3 handshakes from this address are under way");
        open.ForEach(o => o.Dispose());
    }

    [Fact]
    public async Task New_connections_a_second_are_limited()
    {
        await using var house = await TestBroker.StartAsync(listen: o => o with { ConnectionsPerSecond = 5 });
        var open = new List<RawClient>();
        for (var i = 0; i < 15; i++) open.Add(await house.RawAsync());
        await Until.TrueAsync(() => house.Handshakes.Count >= 4);
        house.Handshakes[0].Reason.ShouldBe("more than 5 new connections a second");
        open.ForEach(o => o.Dispose());
    }

    [Theory]
    [InlineData("0D0A0D0A000D0A515549540A 21 11 000C CB007107 C0000201 D431 22B3", "203.0.113.7:54321")]
    [InlineData("0D0A0D0A000D0A515549540A 21 21 0024 20010DB8000000000000000000000007 20010DB8000000000000000000000001 D431 22B3", "[2001:db8::7]:54321")]
    [InlineData("0D0A0D0A000D0A515549540A 20 00 0000", "127.0.0.1")]
    public async Task A_named_proxy_tells_the_clients_address(string header, string expected)
    {
        await using var house = await TestBroker.StartAsync(listen: o => o with { ProxiesFrom = [IPNetwork.Parse("127.0.0.0/8")] });
        using var raw = await house.RawAsync();
        await raw.SendAsync(header + RawClient.Connect5);
        (await raw.ReadAsync()).ShouldStartWith("20");
        house.Broker.Sessions().Single().Remote!.ToString().ShouldStartWith(expected);
    }

    [Theory]
    [InlineData(RawClient.Connect5 + "C000C000", "no PROXY protocol header from a proxy that must send one")]
    [InlineData("0D0A0D0A000D0A515549540A 11 11 000C CB007107 C0000201 D431 22B3", "version is not 2")]
    [InlineData("0D0A0D0A000D0A515549540A 21 11 0004 CB007107", "cut off")]
    [InlineData("0D0A0D0A000D0A515549540A 21 11 FFFF", "longer than")]
    [InlineData("0D0A0D0A000D0A515549540A 25 11 0000", "neither LOCAL nor PROXY")]
    public async Task A_proxy_that_breaks_the_protocol_is_refused(string bytes, string reason)
    {
        await using var house = await TestBroker.StartAsync(listen: o => o with { ProxiesFrom = [IPNetwork.Parse("127.0.0.0/8")] });
        using var raw = await house.RawAsync();
        await raw.SendAsync(bytes);
        await Until.TrueAsync(() => house.Handshakes.Count == 1);
        house.Handshakes[0].Reason.ShouldContain(reason);
        (await raw.ReadAsync()).ShouldBe("");
    }

    [Fact]
    public async Task A_proxy_header_from_a_stranger_is_not_believed()
    {
        await using var house = await TestBroker.StartAsync(listen: o => o with { ProxiesFrom = [IPNetwork.Parse("10.0.0.0/8")] });
        using var raw = await house.RawAsync();
        await raw.SendAsync("0D0A0D0A000D0A515549540A 21 11 000C CB007107 C0000201 D431 22B3" + RawClient.Connect5);
        await raw.ExpectClosedAsync();
        house.Broker.Counters.ConnectionsTotal.ShouldBe(0);
    }

    [Fact]
    public async Task A_taken_port_is_an_exception_at_once()
    {
        await using var house = await TestBroker.StartAsync();
        Should.Throw<SocketException>(() => MqttListener.Start(house.Broker, new ListenerOptions { EndPoint = house.Listener.EndPoint }));
    }

    [Fact]
    public async Task It_listens_on_ipv6_too()
    {
        await using var house = await TestBroker.StartAsync(listen: o => o with { EndPoint = new IPEndPoint(IPAddress.IPv6Loopback, 0) });
        await using var client = await MqttClient.ConnectAsync(house.ClientOptions("c") with { Host = "::1" }, TestContext.Current.CancellationToken);
        client.IsConnected.ShouldBeTrue();
    }

    /// <summary>Keeps what is written until it is told to send it, in one piece.</summary>
    private sealed class GatheringStream(Stream network) : Stream
    {
        private readonly MemoryStream gathered = new();

        public bool Gathers { get; set; }

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public async Task SendAsync()
        {
            await network.WriteAsync(gathered.ToArray());
            gathered.SetLength(0);
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (!Gathers) return network.WriteAsync(buffer, cancellationToken);
            gathered.Write(buffer.Span);
            return ValueTask.CompletedTask;
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => network.ReadAsync(buffer, cancellationToken);

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
