using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Broker;

/// <summary>MQTT over WebSocket on Kestrel, over mutual TLS (MQTT 5.0 section 6).</summary>
public sealed class WebSocketSpecs : IDisposable
{
    private readonly TestCertificates certificates = new();

    public void Dispose() => certificates.Dispose();

    [Theory, InlineData(MqttVersion.V311), InlineData(MqttVersion.V5)]
    public async Task The_journey_works_over_a_web_socket_with_a_client_certificate(MqttVersion version)
    {
        await using var house = await TestBroker.StartAsync();
        await using var app = await StartAsync(house);
        var device = certificates.Issue("device-1");
        var options = house.ClientOptions("w", version) with
        {
            WebSocket = new Uri($"wss://localhost:{Port(app)}/mqtt"),
            Tls = () => new SslClientAuthenticationOptions
            {
                ClientCertificates = [device], EnabledSslProtocols = SslProtocols.Tls13,
                CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { certificates.Root }, RevocationMode = X509RevocationMode.NoCheck },
            },
        };
        await using var client = await MqttClient.ConnectAsync(options, TestContext.Current.CancellationToken);
        house.Broker.Sessions().Single().Identity.ShouldBe("device-1");
        house.Broker.Sessions().Single().TlsProtocol.ShouldBe("Tls13");
        await client.SubscribeAsync([new TopicSubscription("t", QoS.ExactlyOnce)]);
        var inbox = Inbox.Of(client);
        foreach (var size in new[] { 0, 10, 100_000 })
        {
            await client.PublishAsync(new MqttMessage { Topic = "t", Payload = new byte[size], QoS = QoS.ExactlyOnce }, TestContext.Current.CancellationToken);
            (await inbox.NextAsync()).Payload.Length.ShouldBe(size);
        }

        await client.DisconnectAsync();
        await Until.TrueAsync(() => house.Broker.Counters.Connections == 0);
    }

    [Fact]
    public async Task Another_sub_protocol_or_plain_http_is_refused()
    {
        await using var house = await TestBroker.StartAsync();
        await using var app = await StartAsync(house);
        using var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { certificates.Root }, RevocationMode = X509RevocationMode.NoCheck } },
        };
        using var http = new HttpClient(handler);
        (await http.GetAsync(new Uri($"https://localhost:{Port(app)}/mqtt"), TestContext.Current.CancellationToken)).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    private static int Port(WebApplication app) => new Uri(app.Urls.Single()).Port;

    private async Task<WebApplication> StartAsync(TestBroker house)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var server = certificates.Issue("broker");
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0, l => l.UseHttps(h =>
        {
            h.ServerCertificate = server;
            h.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
            h.ClientCertificateValidation = (leaf, _, _) => certificates.Judge(leaf) is null;
        })));
        var app = builder.Build();
        app.UseWebSockets();
        app.MapMqtt("/mqtt", house.Broker);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return app;
    }
}
