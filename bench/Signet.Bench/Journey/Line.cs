using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using Signet.Mqtt.Broker;
using Signet.Mqtt.Client;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Bench;

/// <summary>A broker and two clients of it, one in the center's place and one in a device's: over TCP, or over mutual TLS 1.3 with certificates of an authority of its own.</summary>
internal sealed class Line : IAsyncDisposable
{
    public const string Device = "door-1";
    private MqttBroker _broker = null!;
    private MqttListener _listener = null!;

    public MqttClient Center { get; private set; } = null!;
    public MqttClient AtDevice { get; private set; } = null!;

    /// <summary>The device's certificate with its key; null over TCP.</summary>
    public IssuedCertificate? DeviceCertificate { get; private set; }

    /// <param name="pki">Where the authority's files go; null: plain TCP.</param>
    /// <param name="random">For the authority.</param>
    public static async Task<Line> OpenAsync(string? pki, RandomNumberGenerator random)
    {
        var line = new Line { _broker = new(new BrokerOptions(), new OpenPolicy(), TimeProvider.System) };
        var endPoint = new IPEndPoint(IPAddress.Loopback, 0);
        if (pki is null)
        {
            line._listener = MqttListener.Start(line._broker, new ListenerOptions { EndPoint = endPoint });
            MqttClientOptions Plain(string id) => new() { Host = "127.0.0.1", Port = line._listener.EndPoint.Port, ClientId = id };
            (line.Center, line.AtDevice) = (await MqttClient.ConnectAsync(Plain("command_center")), await MqttClient.ConnectAsync(Plain(Device)));
        }
        else
        {
            using var authority = CertificateAuthority.Create(pki, new AuthorityOptions(), TimeProvider.System, random);
            var server = authority.Issue(new(CertificateProfile.Broker, "mqtt_broker", ["localhost", "127.0.0.1"]));
            var center = authority.Issue(new(CertificateProfile.Center, "command_center", ["localhost"]));
            line.DeviceCertificate = authority.Issue(new(CertificateProfile.Device, Device));
            line._listener = MqttListener.Start(line._broker, new ListenerOptions
            {
                EndPoint = endPoint,
                Tls = () => new SslServerAuthenticationOptions { ServerCertificateContext = SslStreamCertificateContext.Create(server.Certificate, [authority.Intermediate], offline: true), EnabledSslProtocols = SslProtocols.Tls13, ClientCertificateRequired = true },
                ValidateClientCertificate = (_, _) => null,
            });
            MqttClientOptions Secured(string id, IssuedCertificate own) => new()
            {
                Host = "localhost", Port = line._listener.EndPoint.Port, ClientId = id,
                Tls = () => new() { TargetHost = "localhost", ClientCertificateContext = SslStreamCertificateContext.Create(own.Certificate, [authority.Intermediate], offline: true), RemoteCertificateValidationCallback = (_, found, _, _) => found!.GetRawCertData().AsSpan().SequenceEqual(server.Certificate.RawData) },
            };
            (line.Center, line.AtDevice) = (await MqttClient.ConnectAsync(Secured("command_center", center)), await MqttClient.ConnectAsync(Secured(Device, line.DeviceCertificate)));
        }

        await line.Center.SubscribeAsync(Topics.Receipt(Device));
        await line.AtDevice.SubscribeAsync(Topics.Command(Device));
        return line;
    }

    public async ValueTask DisposeAsync()
    {
        await Center.DisposeAsync();
        await AtDevice.DisposeAsync();
        await _listener.DisposeAsync();
        await _broker.DisposeAsync();
    }
}
