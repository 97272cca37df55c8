using System.Diagnostics;
using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Signet.House.Tests.Program;
using Signet.Mqtt;
using Signet.Mqtt.Client;
using Signet.Pki;

namespace Signet.House.Tests;

/// <summary>nginx that ends TLS before the console and MQTT over WebSocket: who the client is comes through, and nobody else can say so.</summary>
public sealed class NginxIdentitySpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-nginx-").FullName;
    private string _console = "";

    private string Data => Path.Combine(_folder, "data");

    private string Nginx => Path.Combine(_folder, "nginx");

    [Fact]
    [Trait("row", "S2-1"), Trait("row", "S2-8")]
    public async Task Through_a_proxy_that_ends_TLS_the_client_is_who_its_certificate_says_and_a_forged_word_is_refused()
    {
        await File.WriteAllTextAsync(_folder + "/signet.json", """{ "console": { "proxies": "127.0.0.2", "certificateSignIn": "alone" } }""");
        await using var signet = await SignetProcess.UpAsync(Data, "--demo", "--config", _folder + "/signet.json");
        _console = (string)signet.Ready["console"]!;
        var port = RealRabbit.FreePort();
        (await RunAsync("broker", "config", "nginx", Nginx, "--port", (port - 3).ToString(CultureInfo.InvariantCulture), "--console-port", new Uri(_console).Port.ToString(CultureInfo.InvariantCulture))).ExitCode.ShouldBe(0);
        (await RunAsync("user", "add", "ada", "--role", "viewer")).ExitCode.ShouldBe(0);
        foreach (var (profile, name) in new[] { ("user", "ada"), ("device", "lamp") })
        {
            var issued = await RunAsync("cert", "issue", "--profile", profile, "--name", name, "--out", _folder + "/issued");
            issued.ExitCode.ShouldBe(0, issued.Error);
        }

        var checkedFile = await Peer.RunAsync("/usr/sbin/nginx", ["-t", "-c", Nginx + "/nginx-terminating.conf"]);
        checkedFile.ExitCode.ShouldBe(0, checkedFile.Error);
        using var nginx = Peer.Begin("/usr/sbin/nginx", ["-c", Nginx + "/nginx-terminating.conf", "-g", "daemon off;"]);
        _ = nginx.StandardError.ReadToEndAsync();
        try
        {
            var front = $"https://localhost:{port.ToString(CultureInfo.InvariantCulture)}";
            await UntilAsync(async () => (await AskAsync(front + "/login")).Code == "200", "the console is not there behind nginx");
            var page = await Peer.RunAsync("curl", ["-s", "-i", "--cacert", Data + "/pki/root.crt", front + "/login"]);
            page.Output.ShouldContain("content-security-policy: default-src 'none'", Case.Insensitive);

            // A person by her certificate, a device on MQTT over WebSocket by its own; nobody without one.
            (await AskAsync(front + "/api/v1/devices", Own("ada"))).Code.ShouldBe("200");
            (await AskAsync(front + "/api/v1/devices")).Code.ShouldBe("401");
            (await AskAsync(front + "/api/v1/devices", Own("lamp"))).Code.ShouldBe("401", "a device is no person");
            await using (var lamp = await ConnectAsync(port, "lamp"))
            {
                (await lamp.PublishAsync(Text("signet/lamp/telemetry/light"))).IsAccepted.ShouldBeTrue();
                (await lamp.PublishAsync(Text("signet/door-1/receipt"))).Reason.ShouldBe(ReasonCode.NotAuthorized);
                var session = (await RunAsync("broker", "sessions", "--json")).Json["sessions"]!.AsArray().First(s => (string)s!["client"]! == "lamp-ws")!;
                ((string)session["identity"]!, ((string)session["remote"]!).Split(':')[0]).ShouldBe(("lamp", "127.0.0.1"), "the client's own address, not nginx's 127.0.0.2");
                ((string?)session["certificateSerial"]).ShouldNotBeNull();

                // Revoked: the session that is open behind nginx ends, and nginx needs no list for that.
                (await RunAsync("cert", "revoke", "lamp", "--yes")).ExitCode.ShouldBe(0);
                await UntilAsync(() => Task.FromResult(!lamp.IsConnected), "the session of a revoked device goes on behind nginx");
            }

            await Should.ThrowAsync<MqttException>(() => ConnectAsync(port, "lamp"));
            (await Should.ThrowAsync<MqttException>(() => ConnectAsync(port, null))).Reason.ShouldBe(ReasonCode.NotAuthorized);
            (await AskAsync(front + "/login", Own("lamp"))).Code.ShouldBe("403", "a revoked certificate is refused as it is without nginx");

            await UntilAsync(async () => (int)(await RunAsync("cert", "evidence", "--json")).Json["revocations"]![0]!["version"]! > 1, "that it came back behind nginx is not in the evidence");

            // A client of nginx cannot speak for another: its own words are replaced.
            var forged = new[] { "-H", "X-Signet-Client-Cert: " + Escaped("ada"), "-H", "X-Signet-Client-Address: 10.9.9.9" };
            (await AskAsync(front + "/api/v1/devices", forged)).Code.ShouldBe("401");
            (await AuditAsync("forwarded-identity-refused")).ShouldBe(0, "nothing forged has reached the center");

            // HTTP/2 in clear text, asked for or begun unasked, is passed on by nobody: what would follow it would not be looked at.
            string[] upgrade = ["--http1.1", "-H", "Connection: Upgrade, HTTP2-Settings", "-H", "Upgrade: h2c", "-H", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"];
            foreach (var asks in new[] { upgrade, [.. upgrade, .. forged] })
            {
                var answer = await AskAsync(front + "/api/v1/devices", asks);
                (answer.Code, answer.Body.Contains("Switching", StringComparison.Ordinal)).ShouldBe(("401", false));
            }

            var smuggled = $"GET /api/v1/devices HTTP/1.1\r\nHost: localhost\r\nX-Signet-Client-Cert: {Escaped("ada")}\r\nX-Signet-Client-Address: 10.9.9.9\r\n\r\n";
            const string Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
            const string Upgrade = "GET /api/v1/devices HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n";
            foreach (var words in new[] { Preface + smuggled, Upgrade + Preface + smuggled, Upgrade + smuggled, Upgrade.Replace("h2c", "websocket, h2c", StringComparison.Ordinal) + smuggled })
            {
                var answers = await SayAsync(port, words);
                answers.ShouldNotContain(" 101 ");
                answers.ShouldNotContain(" 200 ");
                answers.ShouldContain("HTTP/1.1 4");
            }

            (await AuditAsync("forwarded-identity-refused")).ShouldBe(0, "nginx has replaced the words of each of them");
            foreach (var asks in new[] { upgrade, ["--http2-prior-knowledge"], ["--http2"] }) (await AskAsync(_console + "/api/v1/devices", [.. asks, .. forged])).Code.ShouldBe("400", "nor at the console itself");

            // Nobody else can: from a foreign address, from the proxy's without its certificate, with another certificate, with the proxy's from a foreign address.
            var api = _console + "/api/v1/devices";
            string[] there = ["--interface", "127.0.0.2"], proxy = ["--cert", Nginx + "/nginx.crt", "--key", Nginx + "/nginx.key"];
            (await AskAsync(api, forged)).ShouldBe(("400", "this connection may not speak for anybody else\n"));
            (await AskAsync(api, [.. there, .. forged])).Code.ShouldBe("400");
            (await AskAsync(api, [.. there, .. Own("ada"), .. forged])).Code.ShouldBe("400");
            (await AskAsync(api, [.. proxy, .. forged])).Code.ShouldBe("400");
            (await AskAsync(_console + "/login", proxy)).Code.ShouldBe("400", "its certificate is good for nothing else");
            await UntilAsync(async () => await AuditAsync("forwarded-identity-refused", "--reason", "not-a-proxy") > 0 && await AuditAsync("forwarded-identity-refused", "--reason", "proxy-not-named") > 0, "forgeries are not on record");

            // The proxy itself: believed with both; what it says counts for that request alone, and must be whole.
            (await AskAsync(api, [.. there, .. proxy, .. forged])).Code.ShouldBe("200");
            var twice = await Peer.RunAsync("curl", ["-s", "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n", "--cacert", Data + "/pki/root.crt", .. there, .. proxy, .. forged, api,
                "--next", "-s", "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\n", "--cacert", Data + "/pki/root.crt", .. there, .. proxy, "-H", "X-Signet-Client-Address: 10.9.9.9", api]);
            twice.Output.ShouldBe("200 1\n401 0\n", "on one connection the second client is not the first");
            (await AskAsync(api, [.. there, .. proxy])).Code.ShouldBe("400", "without the client's address");
            foreach (var wrong in new[] { "garbage", Escaped("ada")[..^40], "-----BEGIN%20CERTIFICATE-----%0AAAAA%0A-----END%20CERTIFICATE-----%0A" })
                (await AskAsync(api, [.. there, .. proxy, "-H", "X-Signet-Client-Address: 10.9.9.9", "-H", "X-Signet-Client-Cert: " + wrong])).Code.ShouldBe("400", wrong);
            (await AskAsync(api, [.. there, .. proxy, .. forged, "-H", "X-Signet-Client-Address: 10.9.9.8"])).Code.ShouldBe("400", "two addresses");

            // Revoked, the proxy is nobody.
            (await RunAsync("cert", "revoke", "nginx", "--yes")).ExitCode.ShouldBe(0);
            (await AskAsync(api, [.. there, .. proxy, .. forged])).Code.ShouldNotBe("200");
            (await AskAsync(front + "/login")).Code.ShouldNotBe("200");
        }
        finally
        {
            nginx.Kill(entireProcessTree: true); // the master alone would leave its workers
            await nginx.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task Proxies_without_client_certificates_are_refused_at_the_start()
    {
        await File.WriteAllTextAsync(_folder + "/signet.json", """{ "console": { "proxies": "127.0.0.2", "clientCertificate": "off" } }""");
        var ended = await SignetProcess.RunAsync(Data, "up", "--demo", "--config", _folder + "/signet.json", "--port-console", "0", "--port-mqtt", "0", "--port-pki", "0", "--port-mqtt-password", "0", "--port-auth", "0");
        ended.ExitCode.ShouldNotBe(0);
        ended.Error.ShouldContain("console:clientCertificate must be ask or require");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Task<Outcome> RunAsync(params string[] arguments) => SignetProcess.RunAsync(Data, arguments);

    private async Task<int> AuditAsync(string action, params string[] more) => (await RunAsync(["audit", "list", "--json", "--action", action, .. more])).Json["entries"]!.AsArray().Count;

    private string[] Own(string name) => ["--cert", $"{_folder}/issued/{name}.crt", "--key", $"{_folder}/issued/{name}.key"];

    // As nginx's $ssl_client_escaped_cert: the leaf alone.
    private string Escaped(string name)
    {
        using var leaf = X509Certificate2.CreateFromPem(File.ReadAllText($"{_folder}/issued/{name}.crt"));
        return Uri.EscapeDataString(leaf.ExportCertificatePem() + "\n");
    }

    private async Task<(string Code, string Body)> AskAsync(string url, params string[] more)
    {
        var answer = await Peer.RunAsync("curl", ["-s", "-w", "\n%{http_code}", "--cacert", Data + "/pki/root.crt", .. more, url]);
        var at = answer.Output.LastIndexOf('\n');
        return (answer.Output[(at + 1)..], answer.Output[..at]);
    }

    // What comes back before the other side closes, or says nothing for two seconds.
    private async Task<string> SayAsync(int port, string words)
    {
        using var tcp = new System.Net.Sockets.TcpClient();
        await tcp.ConnectAsync("localhost", port);
        await using var tls = new SslStream(tcp.GetStream());
        var trust = new X509Certificate2Collection();
        trust.ImportFromPemFile(Data + "/pki/root.crt");
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { trust[0] }, RevocationMode = X509RevocationMode.NoCheck } });
        await tls.WriteAsync(System.Text.Encoding.Latin1.GetBytes(words));
        var heard = new System.Text.StringBuilder();
        var buffer = new byte[16 * 1024];
        try
        {
            while (true)
            {
                using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
                var read = await tls.ReadAsync(buffer, patience.Token);
                if (read == 0) break;
                heard.Append(System.Text.Encoding.Latin1.GetString(buffer, 0, read));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // It says no more.
        }

        return heard.ToString();
    }

    private static MqttMessage Text(string topic) => new() { Topic = topic, Payload = new byte[] { 1 }, QoS = QoS.AtLeastOnce };

    private Task<MqttClient> ConnectAsync(int port, string? name)
    {
        var trust = new X509Certificate2Collection();
        trust.ImportFromPemFile(Data + "/pki/root.crt");
        var chain = new X509Certificate2Collection();
        if (name is not null) chain.ImportFromPemFile($"{_folder}/issued/{name}.crt");
        var own = name is null ? null : SslStreamCertificateContext.Create(PemFile.ReadWithKey($"{_folder}/issued/{name}.crt", $"{_folder}/issued/{name}.key"), [.. chain.Skip(1)], offline: true);
        return MqttClient.ConnectAsync(new()
        {
            Host = "localhost", ClientId = "lamp-ws", Reconnect = null, WebSocket = new Uri($"wss://localhost:{port.ToString(CultureInfo.InvariantCulture)}/mqtt"),
            Tls = () => new() { TargetHost = "localhost", ClientCertificateContext = own, CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { trust[0] }, RevocationMode = X509RevocationMode.NoCheck } },
        }, TestContext.Current.CancellationToken);
    }

    private static async Task UntilAsync(Func<Task<bool>> holds, string otherwise)
    {
        for (var waited = Stopwatch.StartNew(); !await holds(); await Task.Delay(100))
            if (waited.Elapsed > TimeSpan.FromSeconds(60)) throw new TimeoutException(otherwise);
    }
}
