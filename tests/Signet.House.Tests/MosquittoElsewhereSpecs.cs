using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>A Mosquitto that somebody else starts and stops, with the files of <c>signet broker config mosquitto DIR --plugin</c>; the center drives it and ends nothing of it.</summary>
public sealed class MosquittoElsewhereSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-elsewhere-").FullName;
    private string _port = "";

    private string Data => Path.Combine(_folder, "data");

    private string Files => Path.Combine(_folder, "mosquitto");

    [Fact]
    [Trait("row", "S1-5"), Trait("row", "S2-3"), Trait("row", "S3-2"), Trait("row", "S3-5"), Trait("row", "S3-6"), Trait("row", "S3-7")]
    public async Task The_center_drives_it_publishes_lists_and_rules_cuts_and_sounds_the_alarm_while_it_is_away()
    {
        _port = RealRabbit.FreePort().ToString(CultureInfo.InvariantCulture);
        var plugin = Path.Combine(await MosquittoPlugin.FolderAsync(), "signet_mosquitto.so");
        await using (await SignetProcess.UpAsync(Data, "--demo"))
        {
            var written = await RunAsync("broker", "config", "mosquitto", Files, "--port", _port, "--plugin", plugin);
            written.ExitCode.ShouldBe(0, written.Error);
            (await RunAsync("cert", "issue", "--profile", "device", "--name", "lantern", "--out", _folder + "/issued")).ExitCode.ShouldBe(0);
            (await RunAsync("cert", "issue", "--profile", "device", "--name", "candle", "--out", _folder + "/issued")).ExitCode.ShouldBe(0);
        }

        await File.AppendAllTextAsync(Files + "/mosquitto.conf", "user root\n");
        var mosquitto = await StartAsync();
        try
        {
            (await PublishAsync("lantern", "signet/lantern/telemetry/light")).ShouldBeFalse("before the center has come nobody is let in");
            await using var signet = await SignetProcess.UpAsync(Data, "--demo", "--config", Files + "/signet.json");
            ((string)signet.Ready["mqtt"]!).ShouldBe("mqtts://localhost:" + _port);
            SignetProcess.ChildrenOf(signet.Id).ShouldNotContain(child => File.ReadAllText($"/proc/{child.ToString(CultureInfo.InvariantCulture)}/comm").Trim() == "mosquitto", "it starts none of its own");

            // Commands and readings pass over it, and the readings reach the page of the device.
            (await RunAsync("command", "send", "thermostat-1", "read-temperature", "--wait", "--json")).ExitCode.ShouldBe(0);
            await UntilAsync(async () => (await PageAsync(signet, "/api/v1/devices/thermostat-1/readings")).Contains("\"value\"", StringComparison.Ordinal), "no reading came");

            // Policy: what is applied acts on the next message.
            (await PublishAsync("lantern", "signet/lantern/telemetry/light")).ShouldBeTrue();
            (await PublishAsync("lantern", "signet/candle/telemetry/light")).ShouldBeFalse("another's branch");
            (await PublishAsync("lantern", "plant/lantern")).ShouldBeFalse();
            var policy = Path.Combine(_folder, "policy.json");
            (await RunAsync("policy", "export", "--out", policy)).ExitCode.ShouldBe(0);
            await File.WriteAllTextAsync(policy, (await File.ReadAllTextAsync(policy)).Replace("\"signet/{device}/telemetry/+\",", "\"signet/{device}/telemetry/+\", \"plant/{device}\",", StringComparison.Ordinal));
            (await RunAsync("policy", "apply", policy, "--yes")).ExitCode.ShouldBe(0);
            (await PublishAsync("lantern", "plant/lantern")).ShouldBeTrue();

            // Kicked: both sessions of a name, and the number is true.
            using var one = await ReaderAsync("candle", "candle-1");
            using var two = await ReaderAsync("candle", "candle-2");
            var kicked = await RunAsync("broker", "kick", "candle", "--json");
            (kicked.ExitCode, (int?)kicked.Json["closed"]).ShouldBe((0, 2), kicked.Error);
            (await RunAsync("broker", "kick", "nobody")).Error.ShouldContain("no session of nobody");

            // Denied: a disabled device is cut and stays out. Revoked: its serial stands in the list that Mosquitto's TLS reads.
            using var reader = await ReaderAsync("lantern", "lantern-1");
            (await RunAsync("cert", "revoke", "lantern", "--yes")).ExitCode.ShouldBe(0);
            (await LineAsync(reader, "CONNECT")).ShouldNotBeEmpty("cut");
            (await PublishAsync("lantern", "signet/lantern/telemetry/light")).ShouldBeFalse();
            var serial = (await Peer.RunAsync("openssl", ["x509", "-in", _folder + "/issued/lantern.crt", "-noout", "-serial"])).Output.Trim().Split('=')[1];
            (await ListedAsync()).ShouldContain(serial, Case.Insensitive);
            (await AuditAsync("broker-fails-open")).ShouldBeEmpty("the revoked certificate that knocks was refused by TLS itself");

            // Away: the change is not in force, and that is said; it comes into force when Mosquitto is there again.
            await StopAsync(mosquitto);
            (await RunAsync("cert", "revoke", "candle", "--yes")).ExitCode.ShouldBe(0);
            await UntilAsync(async () => (await AuditAsync("broker-not-in-step")).Count > 0, "no alarm");
            var alarm = (await AuditAsync("broker-not-in-step"))[0]!;
            ((string)alarm["type"]!, (string)alarm["subject"]!).ShouldBe(("security", "localhost:" + _port));
            ((string)alarm["details"]!["words"]!).ShouldContain("is it running, with Signet's plugin?");
            (await PageAsync(signet, "/healthz/ready")).ShouldContain("not-ready");
            (await RunAsync("broker", "kick", "door-1")).Error.ShouldContain("does not do what it is told");
            mosquitto = await StartAsync();
            await UntilAsync(async () => (await AuditAsync("broker-in-step")).Count > 0, "it is not in step again");
            (await PublishAsync("candle", "signet/candle/telemetry/light")).ShouldBeFalse("revoked while Mosquitto was away");
            await UntilAsync(async () => (await PageAsync(signet, "/healthz/ready")).Contains("\"ready\"", StringComparison.Ordinal), "not ready again");
        }
        finally
        {
            await StopAsync(mosquitto);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Task<Outcome> RunAsync(params string[] arguments) => SignetProcess.RunAsync(Data, arguments);

    private async Task<JsonArray> AuditAsync(string action) => (await RunAsync("audit", "list", "--json", "--action", action)).Json["entries"]!.AsArray();

    private async Task<string> ListedAsync()
    {
        // Two lists in one file: openssl reads the first only.
        var lists = (await File.ReadAllTextAsync(Files + "/crl.pem")).Split("-----END X509 CRL-----", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var all = "";
        foreach (var list in lists.Where(l => l.Length > 0)) all += (await Peer.RunAsync("openssl", ["crl", "-noout", "-text"], list + "\n-----END X509 CRL-----\n")).Output;
        return all;
    }

    private static async Task<string> PageAsync(SignetProcess signet, string path)
        => (await Peer.RunAsync("curl", ["-s", "--cacert", (string)signet.Ready["rootCertificate"]!, "-H", $"Authorization: Bearer {(string)signet.Ready["token"]!}", (string)signet.Ready["console"]! + path])).Output;

    private async Task<Process> ReaderAsync(string name, string client)
    {
        var reader = Peer.Begin("stdbuf", ["-oL", "mosquitto_sub", .. Tls(name), "-i", client, "-V", "mqttv5", "-q", "1", "-t", $"signet/{name}/command", "-d", "-W", "100"]);
        reader.StandardInput.Close();
        _ = reader.StandardError.ReadToEndAsync();
        (await LineAsync(reader, "SUBACK")).ShouldNotBeEmpty($"{client} is not subscribed");
        return reader;
    }

    private async Task<bool> PublishAsync(string name, string topic)
    {
        var sent = await Peer.RunAsync("mosquitto_pub", [.. Tls(name), "-i", name, "-V", "mqttv5", "-q", "1", "-d", "-t", topic, "-m", "on"], seconds: 10);
        return sent.ExitCode == 0 && !(sent.Output + sent.Error).Contains("RC:135", StringComparison.Ordinal);
    }

    private string[] Tls(string name) => ["-h", "localhost", "-p", _port, "--cafile", _folder + "/issued/root.crt", "--cert", $"{_folder}/issued/{name}.crt", "--key", $"{_folder}/issued/{name}.key"];

    private async Task<Process> StartAsync()
    {
        var mosquitto = Peer.Begin("/usr/sbin/mosquitto", ["-c", Files + "/mosquitto.conf"]);
        mosquitto.StandardInput.Close();
        var words = mosquitto.StandardError.ReadToEndAsync();
        _ = mosquitto.StandardOutput.ReadToEndAsync();
        for (var waited = Stopwatch.StartNew(); !File.Exists(Files + "/mosquitto.pid") || (await Peer.RunAsync("openssl", ["s_client", "-connect", "localhost:" + _port], "")).Output.Contains("CONNECTED", StringComparison.Ordinal) == false; await Task.Delay(50))
            if (mosquitto.HasExited || waited.Elapsed > TimeSpan.FromSeconds(60)) throw new InvalidOperationException("mosquitto does not start: " + (mosquitto.HasExited ? await words : ""));
        return mosquitto;
    }

    private static async Task StopAsync(Process process)
    {
        if (process.HasExited) return;
        process.Kill();
        await process.WaitForExitAsync();
    }

    private static async Task<string> LineAsync(Process process, string word)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(40));
        while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
            if (line.Contains(word, StringComparison.Ordinal)) return line;
        return "";
    }

    private static async Task UntilAsync(Func<Task<bool>> holds, string otherwise)
    {
        for (var waited = Stopwatch.StartNew(); !await holds(); await Task.Delay(100))
            if (waited.Elapsed > TimeSpan.FromSeconds(40)) throw new TimeoutException(otherwise);
    }
}
