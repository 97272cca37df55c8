using System.Diagnostics;
using System.Net.Security;
using Signet.Mqtt.Client;
using Signet.Mqtt.Tests.Support;

namespace Signet.Mqtt.Tests.Peers;

/// <summary>Clients written by others, over mutual TLS, in both versions and every QoS; and our client against Mosquitto.</summary>
public sealed class ForeignClientSpecs : IDisposable
{
    private readonly TestCertificates certificates = new();

    public void Dispose() => certificates.Dispose();

    private Task<TestBroker> StartTlsAsync()
    {
        var server = SslStreamCertificateContext.Create(certificates.Issue("broker"), null, offline: true);
        return TestBroker.StartAsync(listen: o => o with { Tls = () => new SslServerAuthenticationOptions { ServerCertificateContext = server }, ValidateClientCertificate = (leaf, _) => certificates.Judge(leaf) });
    }

    private string[] Common(TestBroker house, string version) =>
        ["-h", "localhost", "-p", $"{house.Port}", "-V", version, "--cafile", certificates.FileOf("ca.crt"), "--cert", certificates.FileOf("device.crt"), "--key", certificates.FileOf("device.key")];

    [Theory]
    [InlineData("mqttv311", 0), InlineData("mqttv311", 1), InlineData("mqttv311", 2)]
    [InlineData("mqttv5", 0), InlineData("mqttv5", 1), InlineData("mqttv5", 2)]
    public async Task Mosquittos_clients_talk_through_the_broker(string version, int qos)
    {
        certificates.Issue("device").Dispose();
        await using var house = await StartTlsAsync();
        using var subscriber = Start("mosquitto_sub", [.. Common(house, version), "-t", "a/#", "-q", $"{qos}", "-C", "2", "-W", "20", "-v"]);
        await Until.TrueAsync(() => house.Broker.Counters.Subscriptions == 1);
        foreach (var text in new[] { "one", "two" })
        {
            using var publisher = Start("mosquitto_pub", [.. Common(house, version), "-t", "a/b", "-q", $"{qos}", "-m", text]);
            await publisher.WaitForExitAsync(TestContext.Current.CancellationToken);
            publisher.ExitCode.ShouldBe(0, await publisher.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        }

        (await subscriber.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).ShouldBe("a/b one\na/b two\n");
    }

    [Theory, InlineData("mqttv311"), InlineData("mqttv5")]
    public async Task Paho_for_python_runs_its_whole_journey(string version)
    {
        certificates.Issue("device").Dispose();
        await using var house = await StartTlsAsync();
        using var python = Start("/usr/bin/python3", ["-c", PahoJourney, version, $"{house.Port}", certificates.Directory]);
        var output = await python.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        output.ShouldEndWith("done\n", customMessage: await python.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    [Theory, InlineData(MqttVersion.V311), InlineData(MqttVersion.V5)]
    public async Task Our_client_talks_to_mosquitto(MqttVersion version)
    {
        var port = FreePort.Next();
        using var mosquitto = Start("mosquitto", ["-p", $"{port}"]);
        try
        {
            var options = new MqttClientOptions { Host = "127.0.0.1", Port = port, Version = version, ClientId = "c", Reconnect = null };
            MqttClient? client = null;
            await Until.TrueAsync(() => TryConnect(options, out client));
            await using var connected = client!;
            await connected.SubscribeAsync([new TopicSubscription("t", QoS.ExactlyOnce)]);
            var inbox = Inbox.Of(connected);
            foreach (var qos in Enum.GetValues<QoS>())
            {
                (await connected.PublishAsync(new MqttMessage { Topic = "t", Payload = new[] { (byte)qos }, QoS = qos }, TestContext.Current.CancellationToken)).IsAccepted.ShouldBeTrue();
                (await inbox.NextAsync()).QoS.ShouldBe(qos);
            }
        }
        finally
        {
            mosquitto.Kill();
        }
    }

    private static bool TryConnect(MqttClientOptions options, out MqttClient? client)
    {
        try
        {
            client = MqttClient.ConnectAsync(options).GetAwaiter().GetResult();
            return true;
        }
        catch (MqttException)
        {
            client = null;
            return false;
        }
    }

    private static Process Start(string program, string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;

    private const string PahoJourney = """
        import sys, threading, ssl
        import paho.mqtt.client as mqtt
        version, port, certs = sys.argv[1], int(sys.argv[2]), sys.argv[3]
        v5 = version == 'mqttv5'
        got, done = [], threading.Event()
        def on_connect(c, u, f, rc, *p): c.subscribe('j/#', 2)
        def on_subscribe(c, *a):
            for q in (0, 1, 2): c.publish('j/%d' % q, b'p%d' % q, q)
            c.publish('j/retained', b'r', 1, True)
        def on_message(c, u, m):
            got.append((m.topic, m.payload, m.qos))
            if len(got) == 4: done.set()
        c = mqtt.Client('paho', protocol=mqtt.MQTTv5 if v5 else mqtt.MQTTv311)
        c.tls_set(certs + '/ca.crt', certs + '/device.crt', certs + '/device.key', tls_version=ssl.PROTOCOL_TLS_CLIENT)
        c.on_connect, c.on_subscribe, c.on_message = on_connect, on_subscribe, on_message
        c.connect('localhost', port, 30)
        c.loop_start()
        assert done.wait(15), got
        assert sorted(got) == [('j/0', b'p0', 0), ('j/1', b'p1', 1), ('j/2', b'p2', 2), ('j/retained', b'r', 1)], got
        c.disconnect()
        c.loop_stop()
        print('done')
        """;
}
