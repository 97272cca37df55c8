using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>RabbitMQ's management API, over which sessions are closed there: the number it closes is true, and while it hangs that is said, nobody waits for it, and nothing is forgotten.</summary>
public sealed class ManagementAwaySpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-management-").FullName;
    private string _port = "";

    private string Data => Path.Combine(_folder, "data");

    [Fact]
    [Trait("row", "S0-7")]
    public async Task While_it_hangs_the_alarm_sounds_nobody_waits_for_it_and_what_was_due_is_done_afterwards()
    {
        var (auth, management) = (RealRabbit.FreePort().ToString(CultureInfo.InvariantCulture), RealRabbit.FreePort());
        var (port, files) = (RealRabbit.FreePort(), Path.Combine(_folder, "rabbit"));
        _port = port.ToString(CultureInfo.InvariantCulture);
        await using (await SignetProcess.UpAsync(Data, "--demo"))
        {
            (await RunAsync("broker", "config", "rabbitmq", files, "--port", _port, "--auth-port", auth, "--management-port", management.ToString(CultureInfo.InvariantCulture))).ExitCode.ShouldBe(0);
            foreach (var name in new[] { "lantern", "candle" }) (await RunAsync("cert", "issue", "--profile", "device", "--name", name, "--out", _folder + "/issued")).ExitCode.ShouldBe(0);
        }

        await using var forwarder = new Forwarder(management);
        await File.WriteAllTextAsync(files + "/signet.json", (await File.ReadAllTextAsync(files + "/signet.json")).Replace($"127.0.0.1:{management.ToString(CultureInfo.InvariantCulture)}", $"127.0.0.1:{forwarder.Port.ToString(CultureInfo.InvariantCulture)}", StringComparison.Ordinal));
        await using var rabbit = new RabbitCluster(_folder);
        rabbit.Add(files, port);
        await rabbit.StartAsync();
        await using var signet = await SignetProcess.ReadyAsync(Data, "up", "--json", "--demo", "--port-console", "0", "--port-pki", "0", "--port-auth", auth, "--config", files + "/signet.json");

        using (var one = await ReaderAsync("candle", "candle-1"))
        using (var two = await ReaderAsync("candle", "candle-2"))
        {
            // Its own list of connections is some seconds behind.
            await UntilAsync(async () => (await RunAsync("broker", "kick", "candle", "--json")) is { ExitCode: 0 } kicked && (int)kicked.Json["closed"]! == 2, "not two sessions were closed");
            one.Kill();
            two.Kill();
        }

        using var reader = await ReaderAsync("lantern", "lantern-1");
        await Task.Delay(TimeSpan.FromSeconds(6)); // as above: it must be in that list, or nobody can close it
        forwarder.Hangs = true;
        (await RunAsync("cert", "revoke", "lantern", "--yes")).ExitCode.ShouldBe(0);
        await UntilAsync(async () => (await AuditAsync("broker-not-in-step")).Count > 0, "no alarm");
        ((string)(await AuditAsync("broker-not-in-step"))[0]!["details"]!["words"]!).ShouldContain("management API");
        (await PageAsync(signet, "/healthz/ready")).ShouldContain("not-ready");
        // After three failures nobody waits for a fourth.
        await Task.Delay(TimeSpan.FromSeconds(12));
        var began = Stopwatch.StartNew();
        var kickedNow = await RunAsync("broker", "kick", "candle");
        (kickedNow.ExitCode, kickedNow.Error.Contains("does not do what it is told", StringComparison.Ordinal)).ShouldBe((1, true), kickedNow.Error);
        for (var i = 0; i < 2; i++) await RunAsync("broker", "kick", "candle");
        began.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(3 * 2.9), "three commands, of which at most one was the trial that waits 3 s");

        forwarder.Hangs = false;
        await UntilAsync(async () => (await AuditAsync("broker-in-step")).Count > 0, "it is not in step again");
        (await LineAsync(reader, "CONNECT")).ShouldNotBeEmpty("the session of the device that was revoked meanwhile is cut");
        await UntilAsync(async () => (await PageAsync(signet, "/healthz/ready")).Contains("\"ready\"", StringComparison.Ordinal), "not ready again");
        reader.Kill();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Task<Outcome> RunAsync(params string[] arguments) => SignetProcess.RunAsync(Data, arguments);

    private async Task<JsonArray> AuditAsync(string action) => (await RunAsync("audit", "list", "--json", "--action", action)).Json["entries"]!.AsArray();

    private static async Task<string> PageAsync(SignetProcess signet, string path)
        => (await Peer.RunAsync("curl", ["-s", "--cacert", (string)signet.Ready["rootCertificate"]!, (string)signet.Ready["console"]! + path])).Output;

    private async Task<Process> ReaderAsync(string name, string client)
    {
        var reader = Peer.Begin("stdbuf", ["-oL", "mosquitto_sub", "-h", "localhost", "-p", _port, "--cafile", _folder + "/issued/root.crt", "--cert", $"{_folder}/issued/{name}.crt", "--key", $"{_folder}/issued/{name}.key",
            "-i", client, "-V", "mqttv311", "-q", "1", "-t", $"signet/{name}/command", "-d", "-W", "200"]);
        reader.StandardInput.Close();
        _ = reader.StandardError.ReadToEndAsync();
        (await LineAsync(reader, "SUBACK")).ShouldNotBeEmpty($"{client} is not subscribed");
        return reader;
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
        for (var waited = Stopwatch.StartNew(); !await holds(); await Task.Delay(500))
            if (waited.Elapsed > TimeSpan.FromSeconds(60)) throw new TimeoutException(otherwise);
    }
}
