using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Pki;

namespace Signet.Lab;

/// <summary>Attacks between a device and the broker: listening, changing, standing in between, and handshakes that are not what they seem.</summary>
internal static class NetworkAttacks
{
    /// <summary>What no one between device and broker may read.</summary>
    private const string Secret = "the-door-is-open";

    public static IEnumerable<Attack> All =>
    [
        Of("eavesdrop", "Reads what passes between device and broker.", "tls", "nothing readable in what passed", ["T0842", "T0882"], EavesdropAsync, OpenEavesdropAsync),
        Of("alter-in-flight", "Flips bits between device and broker.", "tls", "the connection broke, nothing altered arrived", ["T0830", "T0831"], AlterAsync, OpenAlterAsync),
        Of("plaintext-on-the-tls-port", "Speaks plain MQTT to the TLS port.", "tls", "no-answer", ["T0830", "T0842"], PlaintextAsync),
        Of("tls-strip", "Answers for the broker in plain MQTT, hoping that the device does without TLS.", "tls", "the device spoke TLS and nothing else", ["T0830"], StripAsync),
        Of("tls-1.2-downgrade", "Offers nothing newer than TLS 1.2.", "tls13-only", "tls-handshake", ["T0830"], DowngradeAsync),
        Of("foreign-broker", "Stands in for the broker with a certificate of another authority.", "server-authentication", "client: certificate-untrusted", ["T0830", "T0848"], (lab, without, ct) => ImpersonateAsync(lab, without, foreign: true, ct)),
        Of("device-as-broker", "Stands in for the broker with a genuine certificate, but a device's.", "server-authentication", "client: certificate-wrong-usage", ["T0830", "T0848", "T0859"], (lab, without, ct) => ImpersonateAsync(lab, without, foreign: false, ct)),
        Of("half-open-flood", "Opens a hundred connections and never says a word in TLS.", "half-open-limit", "16 handshakes from this address are under way", ["T0814"], HalfOpenAsync),
        Of("silent-connection", "Finishes TLS and then never sends CONNECT.", "connect-timeout", "no CONNECT was accepted within 1 s", ["T0814"], SilentAsync),
    ];

    public static IReadOnlyList<Control> Controls { get; } =
    [
        Of("tls", "Everything between device and broker is inside TLS.", ["IEC CR 4.1", "IEC CR 3.1", "ETSI 5.5", "ETSI 5.8", "OWASP I7", "OWASP I6"], "a listener without TLS; names come from the client"),
        Of("tls13-only", "TLS 1.3 and nothing older.", ["IEC CR 4.3", "ETSI 5.5", "OWASP I5"], "a listener that also takes TLS 1.2"),
        Of("server-authentication", "Devices check the broker's certificate against their pinned root, its purpose and its names.", ["IEC CR 1.2", "IEC CR 1.8", "ETSI 5.5"], "a client that takes any certificate"),
        Of("half-open-limit", "Handshakes under way are bounded, for each address too.", ["IEC CR 7.1", "IEC CR 7.2", "ETSI 5.9", "OWASP I2"], "a listener without the bound"),
        Of("connect-timeout", "A connection must become an MQTT client in time.", ["IEC CR 7.1", "ETSI 5.9"], "a broker that waits for an hour"),
    ];

    private static async Task<Strike> EavesdropAsync(LabContext lab, string? without, CancellationToken cancellationToken)
    {
        await using var bench = lab.Broker(without);
        await using var relay = new TcpRelay(bench.EndPoint);
        await using var device = await bench.ConnectAsync(bench.Who.VictimDevice, LabIdentities.Victim, cancellationToken, o => o with { Port = relay.Port });
        var answer = await device.PublishAsync(new() { Topic = $"signet/{LabIdentities.Victim}/telemetry/door", Payload = System.Text.Encoding.ASCII.GetBytes(Secret), QoS = QoS.AtLeastOnce }, cancellationToken);
        if (!answer.IsAccepted) throw new LabException($"the device's own message was refused: {answer.ReasonString}");
        return relay.Saw(System.Text.Encoding.ASCII.GetBytes(Secret)) ? Strike.Succeeded("read the reading on the wire") : Strike.Blocked("nothing readable in what passed");
    }

    private static async Task<Strike> OpenEavesdropAsync(LabContext lab, CancellationToken cancellationToken)
    {
        var house = await lab.OpenHouseAsync(cancellationToken);
        await using var relay = new TcpRelay(house.EndPoint);
        await using var sensor = await house.ConnectAsync("sensor_eavesdrop", cancellationToken, o => o with { Port = relay.Port });
        await sensor.PublishAsync(new() { Topic = PaperNames.OpenTopic, Payload = house.Sensor.Next(), QoS = QoS.AtLeastOnce }, cancellationToken);
        return relay.Saw("door_open"u8) ? Strike.Succeeded("read the reading on the wire") : Strike.Blocked("nothing readable");
    }

    private static async Task<Strike> AlterAsync(LabContext lab, string? without, CancellationToken cancellationToken)
    {
        await using var bench = lab.Broker(without);
        await using var center = await bench.CenterAsync(cancellationToken);
        await center.SubscribeAsync("signet/+/telemetry/+");
        var armed = false;
        await using var relay = new TcpRelay(bench.EndPoint, bytes => Volatile.Read(ref armed) ? Flip(bytes) : bytes);
        await using var device = await bench.ConnectAsync(bench.Who.VictimDevice, LabIdentities.Victim, cancellationToken, o => o with { Port = relay.Port });
        Volatile.Write(ref armed, true);
        await device.PublishAsync(new() { Topic = $"signet/{LabIdentities.Victim}/telemetry/door", Payload = "door=shut"u8.ToArray() }, cancellationToken);
        var arrived = await center.NextAsync(lab.Time, cancellationToken);
        return arrived is null ? Strike.Blocked("the connection broke, nothing altered arrived") : Strike.Succeeded("an altered reading arrived");
    }

    private static async Task<Strike> OpenAlterAsync(LabContext lab, CancellationToken cancellationToken)
    {
        var house = await lab.OpenHouseAsync(cancellationToken);
        await using var listener = await house.ConnectAsync("actuator_alter", cancellationToken);
        await listener.SubscribeAsync("home/window");
        var armed = false;
        await using var relay = new TcpRelay(house.EndPoint, bytes => Volatile.Read(ref armed) ? Flip(bytes) : bytes);
        await using var sensor = await house.ConnectAsync("sensor_alter", cancellationToken, o => o with { Port = relay.Port });
        Volatile.Write(ref armed, true);
        await sensor.PublishAsync(new() { Topic = "home/window", Payload = "door=shut"u8.ToArray() }, cancellationToken);
        return await listener.NextAsync(lab.Time, cancellationToken) is { } arrived && !arrived.Payload.Span.SequenceEqual("door=shut"u8)
            ? Strike.Succeeded("the altered reading arrived")
            : Strike.Blocked("it did not arrive altered");
    }

    /// <summary>One bit near the end, where the payload lies.</summary>
    private static byte[] Flip(byte[] bytes)
    {
        bytes[^2] ^= 0x01;
        return bytes;
    }

    private static async Task<Strike> PlaintextAsync(LabContext lab, string? without, CancellationToken cancellationToken)
    {
        await using var bench = lab.Broker(without);
        await using var peer = await RawPeer.OpenAsync(bench, null, cancellationToken, tls: false);
        await peer.SendAsync(RawPeer.Connect(LabIdentities.Victim), cancellationToken);
        return await peer.ReadAsync(cancellationToken) is [0x20, _, _, 0x00, ..] ? Strike.Succeeded("was let in without TLS") : Strike.Blocked("no-answer");
    }

    private static async Task<Strike> DowngradeAsync(LabContext lab, string? without, CancellationToken cancellationToken)
    {
        await using var bench = lab.Broker(without);
        try
        {
#pragma warning disable CA5398, CA5397 // offering an old version is the attack
            await using var peer = await RawPeer.OpenAsync(bench, bench.Who.VictimDevice, cancellationToken, protocols: SslProtocols.Tls12);
#pragma warning restore CA5398, CA5397
            await peer.SendAsync(RawPeer.Connect(LabIdentities.Victim), cancellationToken);
            return await peer.ReadAsync(cancellationToken) is [0x20, ..] ? Strike.Succeeded("speaks TLS 1.2 with the broker") : Strike.Blocked("no-answer");
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return Strike.Blocked("tls-handshake");
        }
    }

    private static async Task<Strike> StripAsync(LabContext lab, string? without, CancellationToken cancellationToken)
    {
        await using var bench = lab.Broker(without);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var first = Task.Run(async () =>
        {
            using var tcp = await listener.AcceptTcpClientAsync(cancellationToken);
            var buffer = new byte[1];
            await tcp.GetStream().ReadExactlyAsync(buffer, cancellationToken);
            await tcp.GetStream().WriteAsync(new byte[] { 0x20, 3, 0, 0, 0 }, cancellationToken); // CONNACK, welcome
            return buffer[0];
        }, cancellationToken);
        try
        {
            await using var victim = await MqttClient.ConnectAsync(bench.Options(bench.Who.VictimDevice, LabIdentities.Victim, port: ((IPEndPoint)listener.LocalEndpoint).Port), cancellationToken);
        }
        catch (MqttException)
        {
            // what came back was no TLS
        }
        return await first == 0x16 ? Strike.Blocked("the device spoke TLS and nothing else") : Strike.Succeeded("the device spoke plain MQTT"); // 0x16: a TLS handshake record
    }

    private static async Task<Strike> ImpersonateAsync(LabContext lab, string? without, bool foreign, CancellationToken cancellationToken)
    {
        await using var bench = lab.Broker(without);
        var (certificate, chain) = foreign ? (bench.Who.ForeignBroker, bench.Who.Foreign.Chain) : (bench.Who.NeighbourDevice, bench.Who.Authority.Chain);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var heard = HearAsync(listener, certificate, chain, cancellationToken);
        try
        {
            await using var victim = await MqttClient.ConnectAsync(bench.Options(bench.Who.VictimDevice, LabIdentities.Victim, port: ((IPEndPoint)listener.LocalEndpoint).Port), cancellationToken);
        }
        catch (MqttException)
        {
            // refused by the device, or left without an answer by the attacker
        }
        return await heard ? Strike.Succeeded("the device spoke MQTT to the attacker") : Strike.Blocked(bench.Refusals.LastOrDefault() ?? "no-answer");
    }

    /// <summary>The attacker's broker: true when the device sent it a CONNECT.</summary>
    private static async Task<bool> HearAsync(TcpListener listener, IssuedCertificate certificate, System.Security.Cryptography.X509Certificates.X509Certificate2Collection chain, CancellationToken cancellationToken)
    {
        using var tcp = await listener.AcceptTcpClientAsync(cancellationToken);
        await using var tls = new SslStream(tcp.GetStream());
        try
        {
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = SslStreamCertificateContext.Create(certificate.Certificate, chain, offline: true) }, cancellationToken);
            var buffer = new byte[1];
            return await tls.ReadAsync(buffer, cancellationToken) == 1 && buffer[0] == 0x10;
        }
        catch (Exception e) when (e is IOException or AuthenticationException)
        {
            return false;
        }
    }

    private static async Task<Strike> HalfOpenAsync(LabContext lab, string? without, CancellationToken cancellationToken)
    {
        const int attempts = 100;
        await using var bench = lab.Broker(without);
        var sockets = new List<TcpClient>();
        try
        {
            for (var i = 0; i < attempts; i++)
            {
                var socket = new TcpClient();
                sockets.Add(socket);
                await socket.ConnectAsync(bench.EndPoint, cancellationToken);
            }
            await Waiting.UntilAsync(() => bench.Refusals.Count >= attempts - BrokerBench.HalfOpen, lab.Time, cancellationToken);
            var held = sockets.Count(s => !(s.Client.Poll(0, SelectMode.SelectRead) && s.Available == 0));
            if (held > BrokerBench.HalfOpen) return Strike.Succeeded($"holds {held} handshakes open", attempts);
            return Strike.Blocked(bench.Refusals.Last().Replace("handshake: ", "", StringComparison.Ordinal), attempts);
        }
        finally
        {
            sockets.ForEach(s => s.Dispose());
        }
    }

    private static async Task<Strike> SilentAsync(LabContext lab, string? without, CancellationToken cancellationToken)
    {
        await using var bench = lab.Broker(without);
        await using var peer = await RawPeer.OpenAsync(bench, bench.Who.NeighbourDevice, cancellationToken);
        return await peer.IsClosedAsync(cancellationToken, TimeSpan.FromSeconds(4)) ? Strike.Blocked(bench.Refusals.LastOrDefault() ?? "closed") : Strike.Succeeded("still holds its place");
    }

    private static Attack Of(string name, string says, string control, string reason, string[] techniques, Func<LabContext, string?, CancellationToken, Task<Strike>> secure, Func<LabContext, CancellationToken, Task<Strike>>? open = null) => new()
    {
        Name = name, Layer = AttackLayer.Network, Says = says, Control = control, Reason = reason, Techniques = techniques, Secure = secure, Open = open,
        WhyNotOpen = "the open house has no TLS to get around",
    };

    private static Control Of(string name, string meaning, string[] requirements, string leftOut) => new(name, AttackLayer.Network, meaning, requirements, leftOut);
}
