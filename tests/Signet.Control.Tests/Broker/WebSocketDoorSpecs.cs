using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>MQTT over WebSocket on the console's port.</summary>
public sealed class WebSocketDoorSpecs
{
    [Fact]
    public async Task A_device_comes_in_with_its_certificate_and_nobody_without_one()
    {
        await using var house = await TestHouse.StartAsync(new() { Web = true });
        await using (var device = await ConnectAsync(house, "door-1"))
        {
            (await device.PublishAsync(new() { Topic = "signet/door-1/status", Payload = new byte[] { 1 }, QoS = QoS.AtLeastOnce }, TestContext.Current.CancellationToken)).IsAccepted.ShouldBeTrue();
            (await device.PublishAsync(new() { Topic = "signet/door-2/status", Payload = new byte[] { 1 }, QoS = QoS.AtLeastOnce }, TestContext.Current.CancellationToken)).Reason.ShouldBe(ReasonCode.NotAuthorized);
            house.Center.Broker.Sessions().ShouldContain(s => s.Identity == "door-1" && s.CertificateSerial != null);
        }

        (await Should.ThrowAsync<MqttException>(() => ConnectAsync(house, null))).Reason.ShouldBe(ReasonCode.NotAuthorized);
    }

    private static Task<MqttClient> ConnectAsync(TestHouse house, string? device)
    {
        var home = house.Center.Installation.DeviceDirectory("door-1");
        var own = device is null ? null : SslStreamCertificateContext.Create(PemFile.ReadWithKey(Path.Combine(home, "door-1.crt"), Path.Combine(home, "door-1.key")), [house.Center.Authority.Intermediate], offline: true);
        return MqttClient.ConnectAsync(new()
        {
            Host = "localhost", ClientId = "ws", Reconnect = null, WebSocket = new UriBuilder(house.Web!.ConsoleUrl) { Scheme = "wss", Path = "/mqtt" }.Uri,
            Tls = () => new() { TargetHost = "localhost", ClientCertificateContext = own, RemoteCertificateValidationCallback = (_, broker, _, _) => house.Center.Judge.Judge(broker as X509Certificate2, null, CertificatePurpose.TlsServer).Accepted },
        }, TestContext.Current.CancellationToken);
    }
}
