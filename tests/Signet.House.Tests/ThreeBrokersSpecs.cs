using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>
/// One story over three brokers, the real ones: commands, presence, telemetry, replay, policy and revocation, as the program is used. What a broker cannot do stands in docs/brokers.md.
/// </summary>
public sealed class ThreeBrokersSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-brokers-").FullName;
    private string _data = "";

    [Theory]
    [InlineData("embedded")]
    [InlineData("mosquitto")]
    [InlineData("rabbitmq")]
    [Trait("row", "S0-7"), Trait("row", "S2-2"), Trait("row", "S2-3"), Trait("row", "S3-5")]
    public async Task Commands_presence_telemetry_replay_policy_and_revocation_hold_on(string broker)
    {
        _data = Path.Combine(_folder, "data");
        await using var rabbit = broker == "rabbitmq" ? await RabbitAsync() : null;
        await using var signet = await UpAsync(broker);
        var port = new Uri(((string)signet.Ready["mqtt"]!).Replace("mqtts:", "https:", StringComparison.Ordinal)).Port.ToString(CultureInfo.InvariantCulture);
        var version = broker == "rabbitmq" ? "mqttv311" : "mqttv5";

        // Command: out, carried out once, back with a signed receipt.
        var sent = await RunAsync("command", "send", "thermostat-1", "read-temperature", "--wait", "--json");
        sent.ExitCode.ShouldBe(0, sent.Error);
        ((string)sent.Json["state"]!).ShouldBe("executed");
        var id = (string)sent.Json["id"]!;

        // Telemetry: signed readings arrive.
        await UntilAsync(async () => (await ReadingsAsync(signet, "thermostat-1")).Count > 0, "no reading of thermostat-1 came");

        // Presence: the line of a device breaks without a word; its last will says so, and it is seen again when it comes back.
        (await PresenceAsync("valve-1")).ShouldBe("online");
        Process.GetProcessById(ChildOf(signet, "valve-1")).Kill();
        await UntilAsync(async () => await PresenceAsync("valve-1") == "offline", "valve-1 was not seen to leave");
        using (var back = Peer.Begin("dotnet", [SignetProcess.Dll, "device", "run", "--home", Path.Combine(_data, "device", "valve-1"), "--until-stdin-closes"]))
        {
            _ = back.StandardOutput.ReadToEndAsync();
            _ = back.StandardError.ReadToEndAsync();
            await UntilAsync(async () => await PresenceAsync("valve-1") == "online", "valve-1 was not seen to come back");
            back.StandardInput.Close();
            await back.WaitForExitAsync();
            await UntilAsync(async () => await PresenceAsync("valve-1") == "offline", "valve-1 was not seen to say goodbye");
        }

        // Replay: the very bytes of the command once more, by somebody who may publish there. The device says no.
        var receipt = Path.Combine(_folder, "receipt.json");
        (await RunAsync("receipt", "export", id, "--out", receipt)).ExitCode.ShouldBe(0);
        var command = (string)JsonNode.Parse(await File.ReadAllTextAsync(receipt))!["command"]!;
        var pki = Path.Combine(_data, "pki");
        var again = await Peer.RunAsync("mosquitto_pub", ["-h", "localhost", "-p", port, "--cafile", pki + "/root.crt", "--cert", pki + "/command_center.crt", "--key", pki + "/command_center.key",
            "-i", "command_center-again", "-V", version, "-q", "1", "-t", "signet/thermostat-1/command", "-m", command]);
        again.ExitCode.ShouldBe(0, again.Error);
        await UntilAsync(async () => (await AuditAsync("--type", "replay")).Any(e => (string)e!["actor"]! == "thermostat-1"), "nobody heard of the replay");
        ((string)(await RunAsync("command", "show", id, "--json")).Json["state"]!).ShouldBe("executed", "the first receipt stands");

        // Policy: a device has its own branch and no other, and what is applied acts on the next message.
        var lamp = Path.Combine(_folder, "issued");
        (await RunAsync("cert", "issue", "--profile", "device", "--name", "lantern", "--out", lamp)).ExitCode.ShouldBe(0);
        await UntilAsync(async () => (await PublishAsync(lamp, "signet/lantern/telemetry/light", port, version)), "lantern cannot speak in its own branch");
        (await PublishAsync(lamp, "signet/thermostat-1/receipt", port, version)).ShouldBeFalse("nobody speaks for another");
        (await PublishAsync(lamp, "plant/lantern", port, version)).ShouldBeFalse("no rule allows it yet");
        var policy = Path.Combine(_folder, "policy.json");
        (await RunAsync("policy", "export", "--out", policy)).ExitCode.ShouldBe(0);
        await File.WriteAllTextAsync(policy, (await File.ReadAllTextAsync(policy)).Replace("\"signet/{device}/telemetry/+\",", "\"signet/{device}/telemetry/+\", \"plant/{device}\",", StringComparison.Ordinal));
        (await RunAsync("policy", "apply", policy, "--yes")).ExitCode.ShouldBe(0);
        (await PublishAsync(lamp, "plant/lantern", port, version)).ShouldBeTrue("applied means in force");
        if (broker == "rabbitmq") await PasswordsAreRefusedAsync(lamp, port);

        // Revocation: the open session is cut, and nobody comes back with that certificate.
        await UntilAsync(async () => await PresenceAsync("door-1") == "online", "door-1 is not there");
        // stdbuf: else it keeps to itself what it says to a pipe.
        using var reader = Peer.Begin("stdbuf", ["-oL", "mosquitto_sub", .. Tls(lamp, "lantern", port), "-i", "lantern-reader", "-V", version, "-q", "1", "-t", "signet/lantern/command", "-d", "-W", "100"]);
        reader.StandardInput.Close();
        _ = reader.StandardError.ReadToEndAsync();
        (await LineAsync(reader, "SUBACK")).ShouldBeTrue("it is not subscribed");
        (await RunAsync("cert", "revoke", "lantern", "--yes")).ExitCode.ShouldBe(0);
        await LineAsync(reader, "CONNECT"); // its line was cut: DISCONNECT, or it tries again
        (await PublishAsync(lamp, "signet/lantern/telemetry/light", port, version)).ShouldBeFalse("its certificate is revoked");
        reader.Kill();
        (await RunAsync("cert", "revoke", "door-1", "--yes")).ExitCode.ShouldBe(0);
        await UntilAsync(async () => await PresenceAsync("door-1") == "offline", "door-1 was not cut");
        (await RunAsync("command", "send", "door-1", "open", "--json")).ExitCode.ShouldNotBe(0);
    }

    [Fact]
    [Trait("row", "S0-7")]
    public async Task A_node_of_RabbitMQ_is_killed_while_commands_are_under_way_and_each_is_carried_out_once()
    {
        _data = Path.Combine(_folder, "data");
        var isFull = Environment.GetEnvironmentVariable("SIGNET_FULL") == "1";
        await using var rabbit = await RabbitAsync(nodes: isFull ? 3 : 1);
        await using var signet = await UpAsync("rabbitmq");
        var ids = new List<string>();
        Task? killed = null;
        for (var i = 0; i < 12; i++)
        {
            if (i == 4) killed = rabbit.KillOneAsync();
            // What the broker cannot take now waits for it, unsigned.
            var sent = await RunAsync("command", "send", "valve-1", "check-status", "--queue", "2m", "--json");
            sent.ExitCode.ShouldBe(0, sent.Error);
            ids.Add((string)sent.Json["id"]!);
        }

        await killed!;
        await UntilAsync(async () =>
        {
            foreach (var id in ids)
                if ((string)(await RunAsync("command", "show", id, "--json")).Json["state"]! != "executed") return false;
            return true;
        }, "a command was lost", seconds: 100);
        var journal = await File.ReadAllTextAsync(Path.Combine(_data, "device", "valve-1", "state", "journal"));
        foreach (var id in ids) journal.Split('\n').Count(line => line.Contains($"\"{id}\"", StringComparison.Ordinal) && line.Contains("\"begun\"", StringComparison.Ordinal)).ShouldBeLessThanOrEqualTo(1, "nothing is begun twice");
        (await AuditAsync("--action", "command-executed", "--limit", "500")).Count(e => ids.Contains((string?)e!["details"]?["id"] ?? "")).ShouldBeLessThanOrEqualTo(ids.Count);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>RabbitMQ would let a name and a password win over the certificate.</summary>
    private static async Task PasswordsAreRefusedAsync(string lamp, string port)
    {
        var guess = await Peer.RunAsync("mosquitto_pub", [.. Tls(lamp, "lantern", port), "-u", "command_center", "-P", "guess", "-V", "mqttv311", "-q", "1", "-t", "signet/door-1/command", "-m", "x"]);
        guess.ExitCode.ShouldNotBe(0, "a password stands beside the certificate");
        var own = await Peer.RunAsync("mosquitto_pub", [.. Tls(lamp, "lantern", port), "-u", "lantern", "-P", "anything", "-V", "mqttv311", "-q", "1", "-t", "signet/lantern/telemetry/light", "-m", "x"]);
        own.ExitCode.ShouldNotBe(0);
    }

    private async Task<SignetProcess> UpAsync(string broker)
    {
        if (broker == "embedded") return await SignetProcess.UpAsync(_data, "--demo");
        if (broker == "rabbitmq") return await SignetProcess.ReadyAsync(_data, "up", "--json", "--demo", "--port-console", "0", "--port-pki", "0", "--port-auth", _auth, "--config", Path.Combine(_folder, "rabbit", "signet.json"));
        return await SignetProcess.UpAsync(_data, new Dictionary<string, string> { ["SIGNET__Broker__Plugin"] = Path.Combine(await MosquittoPlugin.FolderAsync(), "signet_mosquitto.so") }, "--demo", "--broker", "mosquitto");
    }

    private string _auth = "";

    private async Task<RabbitCluster> RabbitAsync(int nodes = 1)
    {
        _auth = RealRabbit.FreePort().ToString(CultureInfo.InvariantCulture);
        var cluster = new RabbitCluster(_folder);
        await using (await SignetProcess.UpAsync(_data, "--demo"))
        {
            for (var node = 0; node < nodes; node++)
            {
                var port = RealRabbit.FreePort();
                var folder = Path.Combine(_folder, node == 0 ? "rabbit" : $"rabbit{node}");
                // One password for all: the first node's user is the cluster's.
                if (node > 0) File.Copy(Path.Combine(_folder, "rabbit", "management.password"), Path.Combine(Directory.CreateDirectory(folder).FullName, "management.password"));
                var written = await RunAsync("broker", "config", "rabbitmq", folder, "--port", port.ToString(CultureInfo.InvariantCulture), "--auth-port", _auth, "--management-port", RealRabbit.FreePort().ToString(CultureInfo.InvariantCulture));
                written.ExitCode.ShouldBe(0, written.Error);
                cluster.Add(folder, port);
            }
        }

        await cluster.StartAsync();
        return cluster;
    }

    private Task<Outcome> RunAsync(params string[] arguments) => SignetProcess.RunAsync(_data, arguments);

    private async Task<string> PresenceAsync(string device) => (string)(await RunAsync("device", "list", "--json")).Json["devices"]!.AsArray().First(d => (string)d!["name"]! == device)!["state"]!;

    private async Task<JsonArray> AuditAsync(params string[] filter) => (await RunAsync(["audit", "list", "--json", .. filter])).Json["entries"]!.AsArray();

    private static async Task<JsonArray> ReadingsAsync(SignetProcess signet, string device)
    {
        var answer = await Peer.RunAsync("curl", ["-s", "--cacert", (string)signet.Ready["rootCertificate"]!, "-H", $"Authorization: Bearer {(string)signet.Ready["token"]!}", $"{(string)signet.Ready["console"]!}/api/v1/devices/{device}/readings"]);
        return JsonNode.Parse(answer.Output)!["readings"]!.AsArray();
    }

    private int ChildOf(SignetProcess signet, string device) => SignetProcess.ChildrenOf(signet.Id).First(child => File.ReadAllText($"/proc/{child.ToString(CultureInfo.InvariantCulture)}/cmdline").Contains(Path.Combine(_data, "device", device), StringComparison.Ordinal));

    /// <summary>Whether the broker took it: with MQTT 5 it says so, with 3.1.1 it can only close the connection.</summary>
    private static async Task<bool> PublishAsync(string folder, string topic, string port, string version)
    {
        var sent = await Peer.RunAsync("mosquitto_pub", [.. Tls(folder, "lantern", port), "-i", "lantern", "-V", version, "-q", "1", "-d", "-t", topic, "-m", "on"], seconds: 10);
        return sent.ExitCode == 0 && !(sent.Output + sent.Error).Contains("RC:135", StringComparison.Ordinal);
    }

    private static string[] Tls(string folder, string name, string port) =>
        ["-h", "localhost", "-p", port, "--cafile", Path.Combine(folder, "root.crt"), "--cert", Path.Combine(folder, name + ".crt"), "--key", Path.Combine(folder, name + ".key")];

    /// <summary>False: it ended without saying so.</summary>
    private static async Task<bool> LineAsync(Process process, string word)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(40));
        while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
            if (line.Contains(word, StringComparison.Ordinal)) return true;
        return false;
    }

    private static async Task UntilAsync(Func<Task<bool>> holds, string otherwise, int seconds = 40)
    {
        for (var waited = Stopwatch.StartNew(); !await holds(); await Task.Delay(100))
            if (waited.Elapsed > TimeSpan.FromSeconds(seconds)) throw new TimeoutException(otherwise);
    }
}
