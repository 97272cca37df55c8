using System.Net.Security;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Signet.House.Tests.Program;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Testing;

namespace Signet.House.Tests;

/// <summary><c>signet broker run</c> on other people's certificates, with every option that INTERFACES promises.</summary>
public sealed class BareBrokerSpecs : IDisposable
{
    private const string Rules = """
        {"format": 1, "version": 1, "rules": [
          {"name": "own-branch", "effect": "allow", "who": {"kinds": ["device"]}, "actions": ["publish", "retain", "subscribe", "deliver"], "topics": ["own/{device}"]}]}
        """;

    private readonly TempDirectory _temp = new();
    private readonly X509Certificate2 _ca;
    private readonly ECDsa _caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly Dictionary<string, X509Certificate2> _clients = [];

    public BareBrokerSpecs()
    {
        var request = new CertificateRequest("CN=bare root", _caKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _ca = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(_temp.File("ca.crt"), _ca.ExportCertificatePem());
        using (Issue("broker")) { }
        WriteList([]);
        File.WriteAllText(_temp.File("rules.json"), Rules);
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values) client.Dispose();
        _ca.Dispose();
        _caKey.Dispose();
        _temp.Dispose();
    }

    [Fact]
    public async Task Policy_durable_sessions_revocation_and_counters_work_on_foreign_certificates()
    {
        _clients["one"] = Issue("one");
        _clients["two"] = Issue("two");
        await using (var broker = await StartAsync())
        {
            await using var one = await ConnectAsync(broker, "one");
            (await one.PublishAsync(Text("own/one"))).IsAccepted.ShouldBeTrue();
            var refused = await one.PublishAsync(Text("own/two"));
            (refused.Reason, refused.ReasonString).ShouldBe((ReasonCode.NotAuthorized, "no-rule-allows"));
            await using (var two = await ConnectAsync(broker, "two")) await two.SubscribeAsync("own/two");
            await broker.KillAsync();
        }

        await using (var broker = await StartAsync())
        {
            await using var two = await ConnectAsync(broker, "two");
            two.SessionPresent.ShouldBeTrue();
            await using var one = await ConnectAsync(broker, "one");
            await one.SubscribeAsync("own/one");
            await foreach (var kept in one.ReadMessagesAsync(TestContext.Current.CancellationToken))
            {
                kept.Retain.ShouldBeTrue(); // published before the kill
                one.Acknowledge();
                break;
            }

            WriteList([_clients["two"]]);
            broker.HangUp();
            await Eventually.True(() => !two.IsConnected, "the revoked client is closed");
            await Should.ThrowAsync<MqttException>(() => ConnectAsync(broker, "two"));
            one.IsConnected.ShouldBeTrue();
            await one.DisposeAsync();
            (await broker.InterruptAsync()).ExitCode.ShouldBe(0);
        }

        var stats = JsonNode.Parse(File.ReadAllText(_temp.File("stats.json")))!;
        ((long)stats["connectionsTotal"]!).ShouldBe(2);
        ((long)stats["retained"]!).ShouldBe(1);
    }

    [Fact]
    [Trait("row", "S2-4"), Trait("row", "S3-1"), Trait("row", "S3-2"), Trait("row", "S3-7")]
    public async Task An_RSA_4096_authority_and_certificates_of_openssl_scripts_serve_the_broker_and_Mosquittos_clients()
    {
        var folder = _temp.File("openssl");
        Directory.CreateDirectory(folder);
        async Task OpensslAsync(params string[] arguments)
        {
            var ended = await Peer.RunAsync("openssl", arguments, seconds: 60);
            ended.ExitCode.ShouldBe(0, ended.Error);
        }

        // As such scripts do: a root, a key and a request for each, alternative names for the server alone, clients without any extension (X.509 version 1).
        await OpensslAsync("req", "-x509", "-newkey", "rsa:4096", "-nodes", "-sha256", "-days", "3650", "-keyout", folder + "/ca.key", "-out", folder + "/ca.crt", "-subj", "/C=ES/O=Plant/CN=Plant CA");
        File.WriteAllText(folder + "/ca.ext", "subjectAltName = @alt_names\n[alt_names]\nDNS.1 = localhost\nIP.1 = 127.0.0.1\n");
        foreach (var name in new[] { "server", "publisher", "subscriber" })
        {
            await OpensslAsync("req", "-newkey", "rsa:2048", "-nodes", "-keyout", $"{folder}/{name}.key", "-out", $"{folder}/{name}.csr", "-subj", $"/C=ES/O=Plant/CN={name}");
            string[] names = name == "server" ? ["-extfile", folder + "/ca.ext"] : [];
            await OpensslAsync(["x509", "-req", "-in", $"{folder}/{name}.csr", "-CA", folder + "/ca.crt", "-CAkey", folder + "/ca.key", "-CAcreateserial", "-sha256", "-days", "365", "-out", $"{folder}/{name}.crt", .. names]);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode($"{folder}/{name}.key", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        await using var broker = await SignetProcess.ReadyAsync(null, "broker", "run", "--json", "--tls", "0", "--ca", folder + "/ca.crt", "--cert", folder + "/server.crt", "--key", folder + "/server.key");
        var port = ((int)broker.Ready["tls"]!).ToString(System.Globalization.CultureInfo.InvariantCulture);
        string[] As(string name) => ["-h", "localhost", "-p", port, "--cafile", folder + "/ca.crt", "--cert", $"{folder}/{name}.crt", "--key", $"{folder}/{name}.key", "--tls-version", "tlsv1.3", "-V", "mqttv5", "-q", "1"];
        using var reader = Peer.Begin("stdbuf", ["-oL", "mosquitto_sub", .. As("subscriber"), "-t", "plant/#", "-d", "-C", "1", "-W", "20"]);
        reader.StandardInput.Close();
        while (await reader.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && !line.Contains("SUBACK", StringComparison.Ordinal)) { }
        var sent = await Peer.RunAsync("mosquitto_pub", [.. As("publisher"), "-t", "plant/hall-2", "-m", "21.5"]);
        sent.ExitCode.ShouldBe(0, sent.Error);
        (await Peer.EndAsync(reader)).Output.ShouldContain("21.5");

        (await Peer.RunAsync("mosquitto_pub", ["-h", "localhost", "-p", port, "--cafile", folder + "/ca.crt", "-t", "plant/hall-2", "-m", "x"])).ExitCode.ShouldNotBe(0, "without a certificate");
        await OpensslAsync("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365", "-keyout", folder + "/own.key", "-out", folder + "/own.crt", "-subj", "/CN=publisher");
        (await Peer.RunAsync("mosquitto_pub", [.. As("own"), "-t", "plant/hall-2", "-m", "x"])).ExitCode.ShouldNotBe(0, "one that it made itself");
        (await Peer.RunAsync("dotnet", [SignetProcess.Dll, "pub", "--broker", "localhost:" + port, "--ca", folder + "/ca.crt", "--cert", folder + "/publisher.crt", "--key", folder + "/publisher.key", "-t", "plant/hall-2", "-m", "x"])).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Limits_are_announced_to_clients()
    {
        await using var broker = await SignetProcess.ReadyAsync(null, "broker", "run", "--json", "--plain", "0", "--allow-anonymous", "--max-packet", "2048", "--receive-maximum", "7", "--max-keep-alive", "20", "--max-qos", "1");
        using var tcp = new System.Net.Sockets.TcpClient("127.0.0.1", (int)broker.Ready["plain"]!);
        await using var stream = tcp.GetStream();
        await stream.WriteAsync(Convert.FromHexString("100E00044D51545405020258000001" + "72"), TestContext.Current.CancellationToken);
        var connack = new byte[256];
        var text = Convert.ToHexString(connack.AsSpan(0, await stream.ReadAsync(connack, TestContext.Current.CancellationToken)));
        text.ShouldStartWith("20");
        foreach (var property in (string[])["130014", "210007", "2401", "2700000800"]) text.ShouldContain(property); // server keep alive, receive maximum, maximum QoS, maximum packet size
    }

    [Theory]
    [InlineData(2, "Name a port", "--tls-ignored")]
    [InlineData(2, "--allow-anonymous", "--plain", "0")]
    [InlineData(2, "--tls needs --ca", "--tls", "0")]
    [InlineData(2, "--crl", "--plain", "0", "--allow-anonymous", "--crl", "nothing.pem")]
    [InlineData(2, "is no policy", "--plain", "0", "--allow-anonymous", "--policy", "README.md")]
    [InlineData(1, "cannot be used", "--plain", "0", "--allow-anonymous", "--data", "/proc/nowhere")]
    [InlineData(2, "takes a number from", "--plain", "0", "--allow-anonymous", "--max-qos", "3")]
    public async Task Wrong_options_are_refused_in_words(int code, string words, params string[] options)
    {
        var ended = await SignetProcess.RunAsync(null, ["broker", "run", .. options.Where(o => o != "--tls-ignored")]);
        ended.ExitCode.ShouldBe(code);
        ended.Error.ShouldContain(words);
    }

    private Task<SignetProcess> StartAsync() => SignetProcess.ReadyAsync(null, "broker", "run", "--json", "--tls", "0", "--ca", _temp.File("ca.crt"), "--cert", _temp.File("broker.crt"), "--key", _temp.File("broker.key"),
        "--crl", _temp.File("list.crl"), "--policy", _temp.File("rules.json"), "--data", _temp.File("kept"), "--stats-json", _temp.File("stats.json"));

    private static MqttMessage Text(string topic) => new() { Topic = topic, Payload = new byte[] { 1 }, QoS = QoS.AtLeastOnce, Retain = true };

    private Task<MqttClient> ConnectAsync(SignetProcess broker, string name)
    {
        var context = SslStreamCertificateContext.Create(_clients[name], null, offline: true);
        return MqttClient.ConnectAsync(new()
        {
            Host = "127.0.0.1", Port = (int)broker.Ready["tls"]!, ClientId = name, CleanStart = false, SessionExpiry = TimeSpan.FromHours(1), Reconnect = null,
            Tls = () => new()
            {
                TargetHost = "localhost", ClientCertificateContext = context,
                CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { _ca }, RevocationMode = X509RevocationMode.NoCheck },
            },
        }, TestContext.Current.CancellationToken);
    }

    private X509Certificate2 Issue(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        var serial = RandomNumberGenerator.GetBytes(8);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        using var bare = request.Create(_ca, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(2), serial);
        using var whole = bare.CopyWithPrivateKey(key);
        File.WriteAllText(_temp.File(name + ".crt"), whole.ExportCertificatePem());
        File.WriteAllText(_temp.File(name + ".key"), key.ExportPkcs8PrivateKeyPem());
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(_temp.File(name + ".key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }

    private void WriteList(X509Certificate2[] revoked)
    {
        var builder = new CertificateRevocationListBuilder();
        foreach (var certificate in revoked) builder.AddEntry(certificate);
        File.WriteAllBytes(_temp.File("list.crl"), builder.Build(_ca, new BigInteger(1), DateTimeOffset.UtcNow.AddDays(1), HashAlgorithmName.SHA256));
    }
}
