using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>Brokers and proxies of other people: the configuration that Signet writes, run by the real programs.</summary>
public sealed class BrokersSpecs(RunningHouse house) : IClassFixture<RunningHouse>
{
    [Fact]
    [Trait("row", "S0-7"), Trait("row", "S0-8"), Trait("row", "S1-5"), Trait("row", "S2-3"), Trait("row", "S3-5")]
    public async Task Mosquitto_enforces_certificates_policy_and_revocation_from_the_files_that_are_written_for_it()
    {
        var folder = Folder("mosquitto");
        var (port, text) = FreePort();
        var written = await house.RunAsync("broker", "config", "mosquitto", folder, "--port", text);
        written.ExitCode.ShouldBe(0, written.Error);
        // Debian's service runs it as the user that owns the files; these tests may be root.
        await File.AppendAllTextAsync(folder + "/mosquitto.conf", "user root\n");
        var lamp = await house.IssueAsync("lantern");
        (await house.RunAsync("broker", "sync", "mosquitto", folder)).ExitCode.ShouldBe(3, "nothing runs yet");
        var mosquitto = await StartAsync(folder, port);
        try
        {
            string[] center = ["-h", "localhost", "-p", text, "--cafile", folder + "/ca.crt", "--cert", house.Data + "/pki/command_center.crt", "--key", house.Data + "/pki/command_center.key"];
            // Mosquitto keeps for a session that has subscribed what is published before its reader comes.
            string[] reader = [.. center, "-V", "mqttv5", "-i", "reader", "-c", "-x", "600", "-q", "1", "-t", "signet/+/telemetry/+", "-t", "signet/+/receipt", "-W", "60"];
            (await Peer.RunAsync("mosquitto_sub", [.. reader, "-E"])).ExitCode.ShouldBe(0);
            var foreign = await Peer.RunAsync("mosquitto_pub", [.. Tls(lamp, "lantern", text), "-V", "mqttv5", "-q", "1", "-d", "-t", "signet/valve-1/receipt", "-m", "forged"]);
            (foreign.Output + foreign.Error).ShouldContain("RC:135", Case.Insensitive, "0x87, not authorized");
            var own = await Peer.RunAsync("mosquitto_pub", [.. Tls(lamp, "lantern", text), "-V", "mqttv5", "-q", "1", "-t", "signet/lantern/telemetry/light", "-m", "on"]);
            own.ExitCode.ShouldBe(0, own.Error);
            (await Peer.RunAsync("mosquitto_sub", [.. reader, "-v", "-C", "1"])).Output.ShouldBe("signet/lantern/telemetry/light on\n");

            (await house.RunAsync("cert", "revoke", "lantern", "--yes")).ExitCode.ShouldBe(0);
            var synced = await house.RunAsync("broker", "sync", "mosquitto", folder, "--json");
            synced.ExitCode.ShouldBe(0, synced.Error);
            ((string)synced.Json["canary"]!).ShouldBe("refused");
            var revoked = await Peer.RunAsync("mosquitto_pub", [.. Tls(lamp, "lantern", text), "-q", "1", "-t", "signet/lantern/telemetry/light", "-m", "on"]);
            revoked.ExitCode.ShouldNotBe(0);
            (await File.ReadAllTextAsync(folder + "/acl")).ShouldNotContain("user mosquitto", Case.Sensitive, "only who is in the fleet");
        }
        finally
        {
            await StopAsync(mosquitto);
        }

        // A Mosquitto that does not look at the list any more: the knock finds it.
        await File.WriteAllTextAsync(folder + "/mosquitto.conf", (await File.ReadAllTextAsync(folder + "/mosquitto.conf")).Replace("\ncrlfile ", "\n#crlfile ", StringComparison.Ordinal));
        mosquitto = await StartAsync(folder, port);
        try
        {
            var alarm = await house.RunAsync("broker", "sync", "mosquitto", folder);
            (alarm.ExitCode, alarm.Error.Contains("ALARM", StringComparison.Ordinal)).ShouldBe((4, true), alarm.Error);
        }
        finally
        {
            await StopAsync(mosquitto);
        }
    }

    [Fact]
    [Trait("row", "S2-1"), Trait("row", "S2-8")]
    public async Task Behind_nginx_the_broker_still_sees_the_clients_certificate_and_address()
    {
        var folder = Folder("nginx");
        var data = Path.Combine(folder, "data");
        await File.WriteAllTextAsync(folder + "/signet.json", """{ "mqtt": { "proxies": "127.0.0.2" } }""");
        await using var signet = await SignetProcess.UpAsync(data, "--demo", "--config", folder + "/signet.json");
        var mqtt = new Uri(((string)signet.Ready["mqtt"]!).Replace("mqtts:", "https:", StringComparison.Ordinal)).Port.ToString(CultureInfo.InvariantCulture);
        var console = new Uri((string)signet.Ready["console"]!).Port.ToString(CultureInfo.InvariantCulture);
        var (port, text) = FreePort();
        var written = await SignetProcess.RunAsync(data, "broker", "config", "nginx", folder + "/nginx", "--port", text, "--mqtt-port", mqtt, "--console-port", console);
        written.ExitCode.ShouldBe(0, written.Error);
        var issued = await SignetProcess.RunAsync(data, "cert", "issue", "--profile", "device", "--name", "lamp", "--out", folder + "/issued");
        issued.ExitCode.ShouldBe(0, issued.Error);
        (await Peer.RunAsync("/usr/sbin/nginx", ["-t", "-c", folder + "/nginx/nginx.conf"])).ExitCode.ShouldBe(0);
        using var nginx = Peer.Begin("/usr/sbin/nginx", ["-c", folder + "/nginx/nginx.conf", "-g", "daemon off;"]);
        try
        {
            await ListeningAsync(port);
            // The console behind it, with its own certificate and headers.
            var page = await Peer.RunAsync("curl", ["-s", "-i", "--cacert", data + "/pki/root.crt", $"https://localhost:{(port + 2).ToString(CultureInfo.InvariantCulture)}/login"]);
            page.Output.ShouldContain("200", Case.Sensitive, page.Error);
            page.Output.ShouldContain("content-security-policy: default-src 'none'", Case.Insensitive);
            using var reader = Peer.Begin("mosquitto_sub", [.. Tls(folder + "/issued", "lamp", text), "-V", "mqttv5", "-t", "signet/lamp/command", "-W", "20"]);
            reader.StandardInput.Close();
            var session = "";
            for (var i = 0; i < 30 && !session.Contains("127.0.0.1", StringComparison.Ordinal); i++)
            {
                var sessions = (await SignetProcess.RunAsync(data, "broker", "sessions", "--json")).Json["sessions"]!.AsArray();
                session = sessions.FirstOrDefault(s => (string)s!["identity"]! == "lamp")?.ToJsonString() ?? "";
            }

            session.ShouldContain("127.0.0.1", Case.Sensitive, "the client's own address, not nginx's 127.0.0.2");
            session.ShouldContain("\"connected\":true");
            reader.Kill();
            // Passed through: nginx has no sessions of its own to resume, and the broker gives out none.
            (await TicketAsync(port, folder + "/issued", "lamp")).ShouldBe((Given: false, Reused: false));

            // Somebody who is no named proxy and claims an address is not believed: his bytes are no TLS.
            var liar = await LieAsync(int.Parse(mqtt, CultureInfo.InvariantCulture));
            liar.ShouldBe(0);
        }
        finally
        {
            nginx.Kill(entireProcessTree: true); // the master alone would leave its workers
            await nginx.WaitForExitAsync();
        }
    }

    [Fact]
    [Trait("row", "S2-1")]
    public async Task The_variant_that_ends_TLS_in_nginx_resumes_nothing_and_reads_our_revocation_list()
    {
        var folder = Folder("nginx-ends");
        var (port, text) = FreePort();
        var written = await house.RunAsync("broker", "config", "nginx", folder, "--port", text);
        written.ExitCode.ShouldBe(0, written.Error);
        // Its comment, as somebody takes it who needs it: certificates and lists are fetched with the commands that are there for that.
        var lines = (await File.ReadAllTextAsync(folder + "/nginx.conf")).Split('\n');
        var from = Array.FindIndex(lines, l => l.Trim() == "# server {");
        var variant = lines.Skip(from).TakeWhile(l => l.TrimStart().StartsWith('#')).Select(l => l.Trim().TrimStart('#'));
        await File.WriteAllTextAsync(folder + "/ends.conf", $$"""
            pid {{folder}}/ends.pid; error_log {{folder}}/ends.log info; worker_processes 1;
            include /etc/nginx/modules-enabled/50-mod-stream.conf;
            events { worker_connections 64; }
            stream { {{string.Join('\n', variant)}} }
            """);
        var broker = await house.RunAsync("cert", "issue", "--profile", "broker", "--name", "nginx", "--host", "localhost", "--out", folder);
        broker.ExitCode.ShouldBe(0, broker.Error);
        var lamp = await house.IssueAsync("candle");
        await File.WriteAllTextAsync(folder + "/ca.crt", await File.ReadAllTextAsync(house.Data + "/pki/root.crt") + await File.ReadAllTextAsync(house.Data + "/pki/intermediate.crt"));
        (await house.RunAsync("crl", "show", "--out", folder + "/crl.pem")).ExitCode.ShouldBe(0);
        await RunAsync(trusted: true);
        (await house.RunAsync("cert", "revoke", "candle", "--yes")).ExitCode.ShouldBe(0);
        (await house.RunAsync("crl", "show", "--out", folder + "/crl.pem")).ExitCode.ShouldBe(0);
        await RunAsync(trusted: false);

        async Task RunAsync(bool trusted)
        {
            (await Peer.RunAsync("/usr/sbin/nginx", ["-t", "-c", folder + "/ends.conf"])).ShouldSatisfyAllConditions(t => t.ExitCode.ShouldBe(0, t.Error));
            using var nginx = Peer.Begin("/usr/sbin/nginx", ["-c", folder + "/ends.conf", "-g", "daemon off;"]);
            try
            {
                await ListeningAsync(port + 1);
                (await TicketAsync(port + 1, lamp, "candle")).Reused.ShouldBeFalse("OpenSSL behind nginx hands out a ticket all the same, and nothing stands behind it");
                (await File.ReadAllTextAsync(folder + "/ends.log")).Contains("certificate revoked", StringComparison.Ordinal).ShouldBe(!trusted, "nginx itself refuses the revoked one");
            }
            finally
            {
                nginx.Kill(entireProcessTree: true);
                await nginx.WaitForExitAsync();
            }
        }
    }

    // Whether something is given out that could be resumed, and whether coming back with it skips the check of the certificate.
    private static async Task<(bool Given, bool Reused)> TicketAsync(int port, string folder, string name)
    {
        var file = Path.Combine(folder, name + ".ticket");
        File.Delete(file);
        (await TalkAsync("-sess_out", file)).ShouldContain("New, TLSv1.3");
        var given = File.Exists(file);
        return (given, given && (await TalkAsync("-sess_in", file)).Contains("Reused", StringComparison.Ordinal));

        async Task<string> TalkAsync(params string[] session)
        {
            using var openssl = Peer.Begin("openssl", ["s_client", "-connect", "localhost:" + port.ToString(CultureInfo.InvariantCulture), "-CAfile", folder + "/root.crt", "-cert", $"{folder}/{name}.crt", "-key", $"{folder}/{name}.key", .. session]);
            var said = await Peer.ReadUntilAsync(openssl, "Verify return code");
            await Task.Delay(700); // a ticket comes after the handshake, or never
            openssl.StandardInput.Close();
            var ended = await Peer.EndAsync(openssl);
            return said + ended.Output + ended.Error;
        }
    }

    [Fact]
    public async Task RabbitMQs_questions_are_answered_for_certificates_alone_and_never_for_another_branch()
    {
        async Task<string> AskAsync(string path, string form)
        {
            using var client = new HttpClient();
            using var answer = await client.PostAsync(new Uri((string)house.Signet.Ready["auth"]! + "/rabbitmq/" + path), new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded"));
            return await answer.Content.ReadAsStringAsync();
        }

        (await AskAsync("user", "username=door-1&vhost=%2F")).ShouldBe("allow");
        (await AskAsync("user", "username=door-1&password=guess")).ShouldBe("deny", "a password wins over the certificate at RabbitMQ");
        (await AskAsync("user", "username=nobody")).ShouldBe("deny");
        (await AskAsync("vhost", "username=door-1&vhost=%2F&ip=127.0.0.1")).ShouldBe("allow");
        (await AskAsync("vhost", "username=door-1&vhost=other")).ShouldBe("deny");
        foreach (var (question, answer) in new[]
        {
            ("resource=queue&name=mqtt-subscription-door-1qos1&permission=configure", "allow"), ("resource=queue&name=mqtt-subscription-door-1-agentqos0&permission=read", "allow"),
            ("resource=queue&name=mqtt-subscription-door-10qos1&permission=read", "deny"), ("resource=queue&name=mqtt-subscription-valve-1qos1&permission=read", "deny"),
            ("resource=exchange&name=amq.topic&permission=write", "allow"), ("resource=exchange&name=amq.topic&permission=configure", "deny"), ("resource=exchange&name=amq.fanout&permission=write", "deny"),
        })
            (await AskAsync("resource", "username=door-1&vhost=%2F&" + question)).ShouldBe(answer, question);
        foreach (var (question, answer) in new[]
        {
            ("permission=write&routing_key=signet.door-1.receipt", "allow"), ("permission=write&routing_key=signet.valve-1.receipt", "deny"), ("permission=read&routing_key=signet.door-1.command", "allow"),
            ("permission=read&routing_key=signet.*.command", "deny"), ("permission=read&routing_key=%23", "deny"), ("permission=read&routing_key=signet.%23", "deny"),
        })
            (await AskAsync("topic", "username=door-1&vhost=%2F&resource=topic&name=amq.topic&" + question)).ShouldBe(answer, question);
    }

    [Fact]
    public async Task EMQXs_questions_are_answered_as_its_documentation_puts_them()
    {
        async Task<string> AskAsync(string path, string json)
        {
            using var client = new HttpClient();
            using var answer = await client.PostAsync(new Uri((string)house.Signet.Ready["auth"]! + "/emqx/" + path), new StringContent(json, Encoding.UTF8, "application/json"));
            ((int)answer.StatusCode).ShouldBe(200);
            answer.Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
            return await answer.Content.ReadAsStringAsync();
        }

        const string Allow = """{"result":"allow","is_superuser":false}""", Deny = """{"result":"deny"}""";
        (await AskAsync("authn", """{"username":"door-1","password":"undefined","clientid":"door-1","cert_common_name":"door-1"}""")).ShouldBe(Allow);
        (await AskAsync("authn", """{"username":"door-1","password":"x","clientid":"door-1","cert_common_name":"door-1"}""")).ShouldBe(Deny);
        (await AskAsync("authn", """{"username":"door-1","clientid":"door-1","cert_common_name":"valve-1"}""")).ShouldBe(Deny);
        (await AskAsync("authn", """{"username":"door-1","clientid":"door-1"}""")).ShouldBe(Deny, "no certificate and no code");
        (await AskAsync("authz", """{"username":"door-1","topic":"signet/door-1/command","action":"subscribe"}""")).ShouldBe(Allow);
        (await AskAsync("authz", """{"username":"door-1","topic":"signet/+/command","action":"subscribe"}""")).ShouldBe(Deny);
        (await AskAsync("authz", """{"username":"door-1","topic":"signet/door-1/status","action":"publish","qos":"1","retain":"true"}""")).ShouldBe(Allow);
        (await AskAsync("authz", """{"username":"door-1","topic":"signet/door-1/receipt","action":"publish","retain":"true"}""")).ShouldBe(Deny, "receipts are not kept");
        (await AskAsync("authz", "{")).ShouldBe(Deny);
    }

    [Fact]
    [Trait("row", "S2-2"), Trait("row", "S2-3")]
    public async Task A_password_file_and_an_acl_file_of_Mosquitto_are_taken_over()
    {
        var folder = Folder("takeover");
        var passwords = Path.Combine(folder, "passwd");
        (await Peer.RunAsync("mosquitto_passwd", ["-c", "-b", passwords, "ana", "correct horse"])).ExitCode.ShouldBe(0);
        (await Peer.RunAsync("mosquitto_passwd", ["-b", passwords, "ben", "battery"])).ExitCode.ShouldBe(0);
        await File.AppendAllTextAsync(passwords, "door-1:$7$101$AAAA$AAAA\n");
        var secrets = Path.Combine(folder, "secrets.csv");
        var taken = await house.RunAsync("device", "import", "--mosquitto-passwd", passwords, "--secrets-out", secrets);
        (taken.ExitCode, taken.Output).ShouldBe((1, "imported 2 of 3 users\n"), taken.Error);
        taken.Error.ShouldContain("101 rounds");
        File.GetUnixFileMode(secrets).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var secret = (await File.ReadAllLinesAsync(secrets)).First(line => line.StartsWith("ana,", StringComparison.Ordinal)).Split(',')[1];
        var code = (await Peer.RunAsync("oathtool", ["--totp", "-b", secret])).Output.Trim();
        async Task<string> LogInAsync(string password)
        {
            using var client = new HttpClient();
            using var answer = await client.PostAsync(new Uri((string)house.Signet.Ready["auth"]! + "/auth/user"), new StringContent($$"""{"username":"ana|{{code}}","password":"{{password}}"}""", Encoding.UTF8, "application/json"));
            return await answer.Content.ReadAsStringAsync();
        }

        (await LogInAsync("wrong horse")).ShouldContain("\"Ok\":false");
        (await LogInAsync("correct horse")).ShouldContain("\"Ok\":true");

        var acl = Path.Combine(folder, "acl");
        await File.WriteAllTextAsync(acl, "user door-1\ntopic write plant/door-1\ntopic deny plant/safe\npattern read hints/%u\n");
        var policy = Path.Combine(folder, "policy.json");
        (await house.RunAsync("policy", "import", acl, "--out", policy)).ExitCode.ShouldBe(0);
        var diff = await house.RunAsync("policy", "diff", policy);
        diff.Output.ShouldContain("plant/door-1");
        diff.Output.ShouldContain("hints/");
        await File.WriteAllTextAsync(acl, "topic read a\npattern read b/%c\n");
        var no = await house.RunAsync("policy", "import", acl, "--out", policy);
        no.ExitCode.ShouldBe(1);
        no.Error.ShouldContain("line 1");
        no.Error.ShouldContain("line 2");
    }

    [Fact]
    [Trait("row", "S2-2"), Trait("row", "S2-3")]
    public async Task Password_hashes_and_rules_go_back_to_a_Mosquitto_that_has_nothing_but_its_own_files()
    {
        var folder = Folder("giveback");
        (await Peer.RunAsync("mosquitto_passwd", ["-c", "-b", folder + "/old", "carla", "correct horse"])).ExitCode.ShouldBe(0);
        (await house.RunAsync("device", "import", "--mosquitto-passwd", folder + "/old", "--secrets-out", folder + "/secrets.csv")).ExitCode.ShouldBe(0);
        (await house.RunAsync("device", "add", "dora", "--totp", "--password", "battery")).ExitCode.ShouldBe(0);

        var given = await house.RunAsync("broker", "export", "passwords", folder + "/passwd");
        given.ExitCode.ShouldBe(1, "not all can be given");
        given.Error.ShouldContain("dora: its password is hashed with bcrypt");
        File.GetUnixFileMode(folder + "/passwd").ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var lines = await File.ReadAllLinesAsync(folder + "/passwd");
        lines.ShouldContain((await File.ReadAllLinesAsync(folder + "/old"))[0], "the very hash that came");
        lines.ShouldNotContain(line => line.StartsWith("dora", StringComparison.Ordinal));
        var entry = (await house.AuditAsync("--action", "totp-passwords-exported"))[0];
        ((string)entry["details"]!["names"]!).ShouldContain("carla");
        (await house.RunAsync("broker", "export", "acl", folder + "/acl")).ExitCode.ShouldBe(0);

        var (port, text) = FreePort();
        await File.WriteAllTextAsync(folder + "/mosquitto.conf", $"listener {text} 127.0.0.1\nallow_anonymous false\npassword_file {folder}/passwd\nacl_file {folder}/acl\nuser root\n");
        var mosquitto = await StartAsync(folder, port);
        try
        {
            async Task<(bool In, bool Taken)> PublishAsync(string user, string password, string topic)
            {
                var sent = await Peer.RunAsync("mosquitto_pub", ["-h", "127.0.0.1", "-p", text, "-u", user, "-P", password, "-V", "mqttv5", "-q", "1", "-d", "-t", topic, "-m", "1"]);
                return ((sent.Output + sent.Error).Contains("CONNACK (0)", StringComparison.Ordinal), sent.Output.Contains("RC:0", StringComparison.Ordinal) || sent.Output.Contains("RC:16", StringComparison.Ordinal));
            }

            (await PublishAsync("carla", "correct horse", "metrics/carla/Humedad")).ShouldBe((true, true));
            (await PublishAsync("carla", "correct horse", "metrics/dora/Humedad")).ShouldBe((true, false));
            (await PublishAsync("carla", "wrong horse", "metrics/carla/Humedad")).ShouldBe((false, false));
            (await PublishAsync("dora", "battery", "metrics/dora/Humedad")).ShouldBe((false, false));
        }
        finally
        {
            await StopAsync(mosquitto);
        }
    }

    private string Folder(string name) => Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(house.Data)!, name)).FullName;

    private static string[] Tls(string folder, string name, string port) =>
        ["-h", "localhost", "-p", port, "--cafile", Path.Combine(folder, "root.crt"), "--cert", Path.Combine(folder, name + ".crt"), "--key", Path.Combine(folder, name + ".key")];

    private static async Task<System.Diagnostics.Process> StartAsync(string folder, int port)
    {
        var mosquitto = Peer.Begin("/usr/sbin/mosquitto", ["-c", folder + "/mosquitto.conf"]);
        mosquitto.StandardInput.Close();
        _ = mosquitto.StandardError.ReadToEndAsync();
        _ = mosquitto.StandardOutput.ReadToEndAsync();
        await ListeningAsync(port);
        return mosquitto;
    }

    private static async Task StopAsync(System.Diagnostics.Process process)
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private static async Task<int> LieAsync(int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port);
        await client.GetStream().WriteAsync("PROXY TCP4 10.9.9.9 10.0.0.1 1000 8883\r\n"u8.ToArray());
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            var buffer = new byte[256];
            // Closed, or a TLS alert (record type 21): never a server hello.
            var count = await client.GetStream().ReadAsync(buffer, patience.Token);
            return count > 0 && buffer[0] == 22 ? 1 : 0;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static (int Port, string Text) FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        var port = ((IPEndPoint)probe.LocalEndpoint).Port;
        return (port, port.ToString(CultureInfo.InvariantCulture));
    }

    private static async Task ListeningAsync(int port)
    {
        for (var i = 0; i < 100; i++)
        {
            using var probe = new TcpClient();
            try
            {
                await probe.ConnectAsync(IPAddress.Loopback, port);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(50);
            }
        }

        throw new TimeoutException($"nobody listens on {port}");
    }
}
