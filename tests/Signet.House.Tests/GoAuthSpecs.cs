using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Signet.Control;
using Signet.House.Tests.Program;
using Signet.House.Tests.Rules;

namespace Signet.House.Tests;

/// <summary>
/// A Mosquitto that lets go-auth decide: the file that Signet writes for it, read by Mosquitto itself, and go-auth's own questions. go-auth cannot be built here; in its place stands
/// <c>tests/peers/go_auth.c</c>, which takes go-auth's options and asks exactly what its http backend asks.
/// </summary>
public sealed class GoAuthSpecs(RunningHouse house) : IClassFixture<RunningHouse>
{
    private const string Password = "12qwert5";

    // README of iegomez/mosquitto-go-auth, "General options", "HTTP"; what is not here go-auth passes over without a word.
    private static readonly HashSet<string> Documented = new(StringComparer.Ordinal)
    {
        "backends", "log_level", "cache", "disable_superuser", "http_host", "http_port", "http_getuser_uri", "http_superuser_uri", "http_aclcheck_uri", "http_params_mode", "http_response_mode", "http_timeout", "http_with_tls", "http_verify_peer",
    };

    private string Folder => Path.GetDirectoryName(house.Data)!;

    private string AuthPort => new Uri((string)house.Signet.Ready["auth"]!).Port.ToString(CultureInfo.InvariantCulture);

    [Fact]
    [Trait("row", "S1-6"), Trait("row", "S1-22")]
    public async Task The_file_for_go_auth_holds_only_options_it_knows_and_leads_to_questions_that_are_answered()
    {
        var token = Path.Combine(Folder, "token");
        await File.WriteAllTextAsync(token, "0123456789abcdef0123456789abcdef");
        var (here, there) = (Path.Combine(Folder, "goauth-here"), Path.Combine(Folder, "goauth-there"));
        (await house.RunAsync("broker", "config", "go-auth", here, "--auth-port", AuthPort)).ExitCode.ShouldBe(0);
        (await house.RunAsync("broker", "config", "go-auth", there, "--center", "center.example", "--auth-token-file", token)).ExitCode.ShouldBe(0);

        var far = await OptionsAsync(there);
        (far["http_getuser_uri"], far["http_with_tls"], far["http_verify_peer"], far["http_host"]).ShouldBe(("/auth/0123456789abcdef0123456789abcdef/user", "true", "true", "center.example"));
        File.GetUnixFileMode(there + "/auth.conf").ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite, "the path is a secret");

        var options = await OptionsAsync(here);
        options.Keys.ShouldBeSubsetOf(Documented);
        (options["backends"], options["cache"], options["disable_superuser"], options["http_params_mode"], options["http_response_mode"]).ShouldBe(("http", "false", "true", "json", "json"));
        int.Parse(options["http_timeout"], CultureInfo.InvariantCulture).ShouldBeGreaterThan(4, "the center answers a log-in within 4 s");
        var secret = await AddAsync("contract");
        (await AskAsync(options, "http_getuser_uri", $$"""{"clientid":"c","password":"{{Password}}","username":"contract|{{Code(secret)}}"}""")).ShouldBeTrue();
        (await AskAsync(options, "http_getuser_uri", $$"""{"clientid":"c","password":"{{Password}}","username":"contract|{{Code(secret)}}"}""")).ShouldBeFalse("the code was used");
        (await AskAsync(options, "http_superuser_uri", """{"username":"contract|1"}""")).ShouldBeFalse();
        foreach (var (access, topic, allowed) in new[] { (2, "metrics/contract/Humedad", true), (2, "metrics/other/Humedad", false), (1, "metrics/contract/Humedad", true), (4, "metrics/contract/#", true), (4, "#", false), (8, "metrics/contract/#", true) })
            (await AskAsync(options, "http_aclcheck_uri", $$"""{"acc":{{access}},"clientid":"c","topic":"{{topic}}","username":"contract|1"}""")).ShouldBe(allowed, $"{access} {topic}");
        (await AskAsync(options, "http_aclcheck_uri", """{"acc":8,"clientid":"c","topic":"a","username":"nobody|1"}""")).ShouldBeFalse();
    }

    [Fact]
    [Trait("row", "S1-1"), Trait("row", "S1-3"), Trait("row", "S1-6"), Trait("row", "S1-traps")]
    public async Task A_client_with_a_one_time_code_goes_through_TLS_Mosquitto_the_endpoints_and_the_database_as_in_that_system()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Folder, "goauth-run")).FullName;
        var plugin = Path.Combine(folder, "go-auth.so");
        var built = await Peer.RunAsync("gcc", ["-std=c11", "-Wall", "-Werror", "-fPIC", "-shared", "-o", plugin, Repository.PathOf("tests", "peers", "go_auth.c")]);
        built.ExitCode.ShouldBe(0, built.Error);
        // Root and server certificate by openssl, as that system makes them; its clients hold the root and nothing else.
        await OpensslAsync("req", "-x509", "-newkey", "rsa:4096", "-nodes", "-keyout", folder + "/ca.key", "-out", folder + "/ca.crt", "-days", "3650", "-subj", "/CN=old root");
        await OpensslAsync("req", "-newkey", "rsa:2048", "-nodes", "-keyout", folder + "/server.key", "-out", folder + "/server.csr", "-subj", "/CN=localhost");
        await File.WriteAllTextAsync(folder + "/san", "subjectAltName=DNS:localhost");
        await OpensslAsync("x509", "-req", "-in", folder + "/server.csr", "-CA", folder + "/ca.crt", "-CAkey", folder + "/ca.key", "-CAcreateserial", "-out", folder + "/server.crt", "-days", "365", "-extfile", folder + "/san");
        (await house.RunAsync("broker", "config", "go-auth", folder + "/conf.d", "--auth-port", AuthPort, "--plugin", plugin)).ExitCode.ShouldBe(0);
        var port = RealRabbit.FreePort();
        var text = port.ToString(CultureInfo.InvariantCulture);
        await File.WriteAllTextAsync(folder + "/mosquitto.conf", $"listener {text} 127.0.0.1\ncafile {folder}/ca.crt\ncertfile {folder}/server.crt\nkeyfile {folder}/server.key\nlog_dest stderr\nuser root\ninclude_dir {folder}/conf.d\n");
        using var mosquitto = Peer.Begin("/usr/sbin/mosquitto", ["-c", folder + "/mosquitto.conf"]);
        var words = mosquitto.StandardError.ReadToEndAsync();
        try
        {
            for (var waited = Stopwatch.StartNew(); (await Peer.RunAsync("openssl", ["s_client", "-connect", "localhost:" + text, "-CAfile", folder + "/ca.crt", "-verify_return_error"], "")).ExitCode != 0; await Task.Delay(50))
                if (mosquitto.HasExited || waited.Elapsed > TimeSpan.FromSeconds(60)) throw new InvalidOperationException("mosquitto does not start: " + (mosquitto.HasExited ? await words : ""));
            string[] tls = ["-h", "localhost", "-p", text, "--cafile", folder + "/ca.crt", "-V", "mqttv5", "-q", "1"];

            // The very client of that system, with its own file.
            var secret = await AddAsync("sonda");
            var config = Path.Combine(folder, "config.ini");
            await File.WriteAllTextAsync(config, $"[mqtt]\nuser = sonda\npassword = {Password}\nsecret = {secret}\nbroker = localhost\nport = {text}\nclient_id = sonda-metric\ntopic_temp = metrics/%(user)s/Temperatura\n\n[tls]\nca_certs = {folder}/ca.crt\n");
            File.SetUnixFileMode(config, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            using (var reader = Peer.Begin("stdbuf", ["-oL", "mosquitto_sub", .. tls, "-u", $"sonda|{Code(secret, -1)}", "-P", Password, "-t", "metrics/sonda/#", "-d", "-C", "1", "-W", "20"]))
            {
                reader.StandardInput.Close();
                await LineAsync(reader, "Subscribed (mid: 1): 1");
                var pushed = await house.RunAsync("metrics", "push", "--config", config, "--value", "Temperatura=21.5");
                pushed.ExitCode.ShouldBe(0, pushed.Error);
                (await Peer.EndAsync(reader)).Output.ShouldContain("21.5");
            }

            // Its code was used: whoever listened to it comes too late, and what nobody may read stays unread.
            var late = await Peer.RunAsync("mosquitto_pub", [.. tls, "-u", $"sonda|{Code(secret)}", "-P", Password, "-t", "metrics/sonda/Humedad", "-m", "1"]);
            late.ExitCode.ShouldNotBe(0);
            (await house.AuditAsync("--type", "auth_fail", "--actor", "sonda"))[0]["reason"]!.ToString().ShouldBe("totp-used");
            var other = await AddAsync("otra");
            var foreign = await Peer.RunAsync("mosquitto_sub", [.. tls, "-u", $"otra|{Code(other)}", "-P", Password, "-t", "metrics/sonda/#", "-t", "$SYS/#", "-t", "metrics/otra/#", "-d", "-W", "2"]);
            foreign.Output.ShouldContain("Subscribed (mid: 1): 135, 135, 1", Case.Sensitive, foreign.Output + foreign.Error);

            // Nothing is remembered of a yes: a disabled account writes no more on a session that is open.
            using var writer = Peer.Begin("stdbuf", ["-oL", "mosquitto_pub", .. tls, "-u", $"otra|{Code(other, +1)}", "-P", Password, "-t", "metrics/otra/Humedad", "-l", "-d"]);
            await writer.StandardInput.WriteLineAsync("41");
            await writer.StandardInput.FlushAsync();
            (await LineAsync(writer, "PUBACK")).ShouldContain("RC:16", Case.Sensitive, "taken, and nobody reads it");
            (await ApiAsync("PATCH", "/api/v1/totp-accounts/otra", """{"enabled":false}""")).ShouldContain("\"enabled\":false");
            await writer.StandardInput.WriteLineAsync("42");
            await writer.StandardInput.FlushAsync();
            (await LineAsync(writer, "PUBACK")).ShouldContain("RC:135");
            writer.StandardInput.Close();
            await Peer.EndAsync(writer);
        }
        finally
        {
            mosquitto.Kill();
            await mosquitto.WaitForExitAsync();
        }
    }

    private static async Task<string> LineAsync(Process process, string word)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
            if (line.Contains(word, StringComparison.Ordinal)) return line;
        return "";
    }

    // As Mosquitto reads it: a name, one blank, the rest of the line; auth_opt_ is cut off.
    private static async Task<Dictionary<string, string>> OptionsAsync(string folder)
        => (await File.ReadAllLinesAsync(folder + "/auth.conf")).Where(line => line.StartsWith("auth_opt_", StringComparison.Ordinal)).Select(line => line["auth_opt_".Length..].Split(' ', 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);

    // As go-auth's http backend does in params mode and response mode json.
    private static async Task<bool> AskAsync(Dictionary<string, string> options, string uri, string body)
    {
        using var client = new HttpClient();
        using var content = new StringContent(body, Encoding.UTF8);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var answer = await client.PostAsync(new Uri($"{(options["http_with_tls"] == "true" ? "https" : "http")}://{options["http_host"]}:{options["http_port"]}{options[uri]}"), content);
        ((int)answer.StatusCode).ShouldBe(200);
        return (bool)System.Text.Json.Nodes.JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["Ok"]!;
    }

    private async Task<string> ApiAsync(string method, string path, string body) => (await Peer.RunAsync("curl", ["-s", "-X", method, "--cacert", (string)house.Signet.Ready["rootCertificate"]!,
        "-H", $"Authorization: Bearer {(string)house.Signet.Ready["token"]!}", "-H", "Content-Type: application/json", "-d", body, (string)house.Signet.Ready["console"]! + path])).Output;

    private static async Task OpensslAsync(params string[] arguments)
    {
        var ended = await Peer.RunAsync("openssl", arguments, seconds: 60);
        ended.ExitCode.ShouldBe(0, ended.Error);
    }

    private async Task<string> AddAsync(string name)
    {
        var added = await house.RunAsync("device", "add", name, "--totp", "--password", Password, "--json");
        added.ExitCode.ShouldBe(0, added.Error);
        return (string)added.Json["totpSecret"]!;
    }

    private static string Code(string secret, int steps = 0)
    {
        Base32.TryDecode(secret, out var bytes).ShouldBeTrue();
        return OneTimeCode.At(bytes, OneTimeCode.StepAt(TimeProvider.System.GetUtcNow()) + steps);
    }
}
