using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Control;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>Devices that log in with a one-time code, through every door: the command line, Mosquitto's clients, the endpoints that other brokers ask, a real Mosquitto.</summary>
public sealed class MetricsSpecs(RunningHouse house) : IClassFixture<RunningHouse>
{
    private static readonly HttpClient Http = new();

    [Fact]
    [Trait("row", "S1-15"), Trait("row", "S1-16"), Trait("row", "S1-17"), Trait("row", "S1-18")]
    public async Task Metrics_push_publishes_both_values_and_leaves_without_its_last_will()
    {
        var secret = await AddAsync("iotclient01");
        var config = await ConfigAsync("iotclient01", secret, PasswordPort, house.Data + "/pki/root.crt");
        // The reader's code is the step before: the pusher needs the present one.
        using var reader = Peer.Begin("mosquitto_sub", ["-h", "localhost", "-p", Text(PasswordPort), "--cafile", house.Data + "/pki/root.crt", "-u", $"iotclient01|{Code(secret, -1)}", "-P", "12qwert5", "-V", "mqttv5",
            "-q", "1", "-t", "metrics/iotclient01/#", "-v", "-W", "8"]);
        reader.StandardInput.Close();
        await SessionAsync("account:iotclient01");

        var pushed = await house.RunAsync("metrics", "push", "--config", config, "--value", "Temperatura=21.5", "--value", "hum=40");

        pushed.ExitCode.ShouldBe(0, pushed.Error);
        var read = await Peer.EndAsync(reader);
        read.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldBe(["metrics/iotclient01/Temperatura 21.5", "metrics/iotclient01/Humedad 40"], ignoreOrder: true);
    }

    [Fact]
    [Trait("row", "S1-traps")]
    public async Task A_second_push_in_the_step_waits_for_the_next_code()
    {
        var secret = await AddAsync("twice");
        var config = await ConfigAsync("twice", secret, PasswordPort, house.Data + "/pki/root.crt");
        // Uses up the present code; were this the last second of its step, the push would simply use the next.
        (await AskAsync("/auth/user", new() { ["username"] = $"twice|{Code(secret)}", ["password"] = "12qwert5" })).Body.ShouldContain("\"Ok\":true");
        (await AskAsync("/auth/user", new() { ["username"] = $"twice|{Code(secret, +1)}", ["password"] = "12qwert5" })).Body.ShouldContain("\"Ok\":true");
        // Both the present and the next step are used now, so one retry is not enough and it says so.
        var pushed = await house.RunAsync("metrics", "push", "--config", config, "--value", "Temperatura=1");
        pushed.Error.ShouldContain("totp-used");
        pushed.Error.ShouldContain("trying once more with the next one");
        pushed.ExitCode.ShouldBe(1);
    }

    [Fact]
    [Trait("row", "S1-16"), Trait("row", "S1-1")]
    public async Task Metrics_push_speaks_to_a_real_Mosquitto_with_TLS_1_2()
    {
        var folder = Directory.CreateTempSubdirectory("signet-mosquitto-").FullName;
        var issued = await house.RunAsync("cert", "issue", "--profile", "broker", "--name", "broker.mosquitto", "--host", "localhost", "--out", folder);
        issued.ExitCode.ShouldBe(0, issued.Error);
        var port = FreePort();
        var secret = Base32.Encode("12345678901234567890"u8);
        await File.WriteAllTextAsync(folder + "/mosquitto.conf", $"""
            listener {port} 127.0.0.1
            allow_anonymous true
            cafile {folder}/root.crt
            certfile {folder}/broker.mosquitto.crt
            keyfile {folder}/broker.mosquitto.key
            tls_version tlsv1.2
            log_dest stderr
            user root

            """);
        using var mosquitto = Peer.Begin("/usr/sbin/mosquitto", ["-c", folder + "/mosquitto.conf"]);
        try
        {
            await ListeningAsync(port);
            // Mosquitto keeps for a session that has subscribed what is published before its reader comes.
            string[] reader = ["-h", "localhost", "-p", Text(port), "--cafile", folder + "/root.crt", "--tls-version", "tlsv1.2", "-i", "reader", "-c", "-q", "1", "-t", "#", "-W", "60"];
            (await Peer.RunAsync("mosquitto_sub", [.. reader, "-E"])).ExitCode.ShouldBe(0);

            var pushed = await Peer.RunAsync("dotnet", [SignetProcess.Dll, "metrics", "push", "--config", await ConfigAsync("iotclient01", secret, port, folder + "/root.crt")], "Temperatura=20.5\nHumedad=41\n");

            pushed.ExitCode.ShouldBe(0, pushed.Error);
            (await Peer.RunAsync("mosquitto_sub", [.. reader, "-v", "-C", "2"])).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldBe(["metrics/iotclient01/Temperatura 20.5", "metrics/iotclient01/Humedad 41"], ignoreOrder: true);
        }
        finally
        {
            mosquitto.Kill();
            await mosquitto.WaitForExitAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    [Trait("row", "S1-7"), Trait("row", "S1-8"), Trait("row", "S1-9"), Trait("row", "S1-10"), Trait("row", "S1-11"), Trait("row", "S1-22")]
    public async Task The_endpoints_of_go_auth_answer_in_its_words()
    {
        var secret = await AddAsync("go");
        var user = $"go|{Code(secret)}";
        var json = await AskAsync("/auth/user", new() { ["username"] = user, ["password"] = "12qwert5", ["clientid"] = "go-metric" });
        (json.Status, json.Body).ShouldBe((200, """{"Ok":true,"Error":""}"""));
        (await AskAsync("/auth/user", new() { ["username"] = user, ["password"] = "12qwert5", ["clientid"] = "go-metric" })).ShouldBe((200, """{"Ok":false,"Error":"totp-used"}"""));
        (await AskAsync("/auth/superuser", new() { ["username"] = user })).ShouldBe((200, """{"Ok":false,"Error":"no-superusers"}"""));

        // Whose answer it is, (acc, topic) -> yes or no. The code is old by now: ACL calls do not look at it.
        foreach (var (access, topic, allowed) in new[]
        {
            (2, "metrics/go/Temperatura", true), (2, "metrics/go/Humedad", true), (2, "metrics/go/Estado", true), (2, "metrics/go/Otro", false), (2, "metrics/other/Humedad", false), (2, "metrics/go/#", false),
            (1, "metrics/go/Humedad", true), (1, "metrics/other/Humedad", false), (4, "metrics/go/#", true), (4, "metrics/#", false), (4, "metrics/+/Humedad", false), (4, "#", false), (4, "$SYS/#", false),
            (1, "$SYS/broker/uptime", false), (3, "metrics/go/Humedad", true), (0, "metrics/go/Humedad", false), (17, "metrics/go/Humedad", false),
        })
        {
            var answer = await AskAsync("/auth/acl", new() { ["username"] = user, ["clientid"] = "go-metric", ["topic"] = topic, ["acc"] = access });
            answer.Status.ShouldBe(200);
            ((bool)JsonNode.Parse(answer.Body)!["Ok"]!).ShouldBe(allowed, $"acc {access} on {topic}: {answer.Body}");
        }

        (await FormAsync("/auth/acl", "username=go%7C1&clientid=c&topic=metrics%2Fgo%2FHumedad&acc=2")).ShouldBe((200, """{"Ok":true,"Error":""}"""));
        (await FormAsync("/auth/text/acl", "username=go%7C1&clientid=c&topic=metrics%2Fgo%2FHumedad&acc=2")).ShouldBe((200, "ok"));
        (await FormAsync("/auth/text/acl", "username=go%7C1&clientid=c&topic=metrics%2Fgo%2FOtro&acc=2")).ShouldBe((200, "no-rule-allows"));
        (await FormAsync("/auth/status/acl", "username=go%7C1&clientid=c&topic=metrics%2Fgo%2FHumedad&acc=2")).ShouldBe((200, "ok"));
        (await FormAsync("/auth/status/acl", "username=go%7C1&clientid=c&topic=metrics%2Fgo%2FOtro&acc=2")).ShouldBe((403, "no-rule-allows"));
    }

    [Theory]
    [InlineData("application/json", "")]
    [InlineData("application/json", "{\"username\":\"go\"")]
    [InlineData("application/json", "{\"username\":\"go\",\"username\":\"door-1\",\"topic\":\"signet/door-1/receipt\",\"acc\":2}")]
    [InlineData("application/json", "[]")]
    [InlineData("application/json", "{\"username\":\"\\ud800\",\"topic\":\"x\",\"acc\":2}")]
    [InlineData("application/x-www-form-urlencoded", "username=x&username=door-1&topic=signet/door-1/receipt&acc=2")]
    [InlineData("application/x-www-form-urlencoded", "username=%ff&topic=signet/door-1/receipt&acc=2")]
    [InlineData("application/x-www-form-urlencoded", "username=%4&topic=x&acc=2")]
    [InlineData("text/xml", "<username>door-1</username>")]
    public async Task A_question_that_cannot_be_read_is_denied(string type, string body)
        => (await PostAsync("/auth/acl", new StringContent(body, Encoding.UTF8, type))).ShouldBe((200, """{"Ok":false,"Error":"malformed"}"""));

    [Fact]
    public async Task Ten_megabytes_a_wrong_path_and_a_wrong_method_get_nothing()
    {
        // Not HttpClient: it gives up when the server answers before the body was sent.
        var large = Path.Combine(Path.GetDirectoryName(house.Data)!, "large");
        await File.WriteAllBytesAsync(large, new byte[10_000_000]);
        var sent = await Peer.RunAsync("curl", ["-s", "-H", "Content-Type: application/json", "--data-binary", "@" + large, (string)house.Signet.Ready["auth"]! + "/auth/acl"]);
        sent.Output.ShouldBe("""{"Ok":false,"Error":"malformed"}""");
        (await PostAsync("/auth/other", new StringContent("{}", Encoding.UTF8, "application/json"))).Status.ShouldBe(404);
        (await PostAsync("/api/v1/devices", new StringContent("{}", Encoding.UTF8, "application/json"))).Status.ShouldBe(404);
        using var got = await Http.GetAsync(new Uri((string)house.Signet.Ready["auth"]! + "/auth/acl"));
        got.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
    }

    [Fact]
    [Trait("row", "S1-14"), Trait("row", "S1-12")]
    public async Task A_users_table_is_taken_over_with_its_bcrypt_hashes_and_secrets()
    {
        var csv = Path.Combine(Path.GetDirectoryName(house.Data)!, "users.csv");
        await File.WriteAllTextAsync(csv, """
            id,username,password,totp_secret
            1,"old01","$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW","WS4CXP7MUNHEHQK2CZYMR65Z5KWTCM3G"
            2,old02,not-a-hash,WS4CXP7MUNHEHQK2CZYMR65Z5KWTCM3G

            """);
        var imported = await house.RunAsync("device", "import", "--mysql-csv", csv, "--json");
        imported.ExitCode.ShouldBe(1, "one row was refused");
        imported.Json["imported"]!.AsArray().Select(n => (string)n!).ShouldBe(["old01"]);
        imported.Error.ShouldContain("row 2: the password of old02 is no bcrypt hash");
        (await AskAsync("/auth/user", new() { ["username"] = $"old01|{Code("WS4CXP7MUNHEHQK2CZYMR65Z5KWTCM3G")}", ["password"] = "U*U" })).Body.ShouldContain("\"Ok\":true");

        (await house.RunAsync("device", "list")).Output.ShouldContain("old01");
        (await house.RunAsync("device", "remove", "old01", "--yes")).ExitCode.ShouldBe(0);
        (await AskAsync("/auth/acl", new() { ["username"] = "old01|1", ["topic"] = "metrics/old01/Humedad", ["acc"] = 2 })).Body.ShouldContain("not-admitted");
    }

    [Fact]
    [Trait("row", "S1-21")]
    public async Task What_is_wrong_with_a_config_is_said_in_one_line()
    {
        (await house.RunAsync("metrics", "push", "--config", "nowhere.ini", "--value", "a=1")).Error.ShouldContain("There is no file");
        var config = await ConfigAsync("x", "WS4CXP7MUNHEHQK2CZYMR65Z5KWTCM3G", PasswordPort, "/nowhere/ca.crt");
        (await house.RunAsync("metrics", "push", "--config", config, "--value", "Temperatura=1")).Error.ShouldContain("/nowhere/ca.crt (ca_certs) cannot be read");
        (await house.RunAsync("metrics", "push", "--config", config, "--value", "Presion=1")).Error.ShouldContain("names no topic for Presion");
        (await house.RunAsync("metrics", "push", "--config", config)).Error.ShouldContain("Standard input held no readings");
        await File.WriteAllTextAsync(config, "[mqtt]\nuser = %(nobody)s\n[tls]\nca_certs=x\n");
        (await house.RunAsync("metrics", "push", "--config", config, "--value", "a=1")).Error.ShouldContain("after % comes another % or (key)s");
    }

    private int PasswordPort => new Uri(((string)house.Signet.Ready["mqttPassword"]!).Replace("mqtts:", "https:", StringComparison.Ordinal)).Port;

    private async Task<string> AddAsync(string name)
    {
        var added = await house.RunAsync("device", "add", name, "--totp", "--password", "12qwert5", "--json");
        added.ExitCode.ShouldBe(0, added.Error);
        added.Error.ShouldContain("warning: --password can be read");
        return (string)added.Json["totpSecret"]!;
    }

    private async Task<string> ConfigAsync(string user, string secret, int port, string ca)
    {
        var file = Path.Combine(Path.GetDirectoryName(house.Data)!, user + ".ini");
        await File.WriteAllTextAsync(file, $"""
            [mqtt]
            user = {user}
            password = 12qwert5
            secret = {secret}
            broker = localhost
            port = {Text(port)}
            client_id = {user}-metric
            topic_temp = metrics/%(user)s/Temperatura
            topic_hum  = metrics/%(user)s/Humedad

            [tls]
            ca_certs = {ca}

            """);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return file;
    }

    private async Task SessionAsync(string identity)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        while (waited.Elapsed < TimeSpan.FromSeconds(6))
        {
            var sessions = (await house.RunAsync("broker", "sessions", "--json")).Json["sessions"]!.AsArray();
            if (sessions.Any(s => (string)s!["identity"]! == identity && (int)s["subscriptions"]! == 1))
                return;
        }
    }

    private Task<(int Status, string Body)> AskAsync(string path, JsonObject question) => PostAsync(path, new StringContent(question.ToJsonString(), Encoding.UTF8, "application/json"));

    private Task<(int Status, string Body)> FormAsync(string path, string form) => PostAsync(path, new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded"));

    private async Task<(int Status, string Body)> PostAsync(string path, HttpContent content)
    {
        using var answer = await Http.PostAsync(new Uri((string)house.Signet.Ready["auth"]! + path), content);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private static string Code(string secret, int steps = 0)
    {
        Base32.TryDecode(secret, out var bytes).ShouldBeTrue();
        return OneTimeCode.At(bytes, OneTimeCode.StepAt(TimeProvider.System.GetUtcNow()) + steps);
    }

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
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
    }
}
