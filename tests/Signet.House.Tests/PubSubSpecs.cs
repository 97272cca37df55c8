using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary><c>signet pub</c> and <c>signet sub</c> over a real Mosquitto with client certificates and passwords: plain, with HMAC, signed, and sealed.</summary>
public sealed class PubSubSpecs(PubSubHouse house) : IClassFixture<PubSubHouse>
{
    private const string Topic = "plant/hall-2/temperature";

    [Fact]
    [Trait("row", "S2-7"), Trait("row", "S3-4")]
    public async Task A_message_travels_to_our_reader_and_to_Mosquittos()
    {
        using var theirs = Peer.Begin("mosquitto_sub", ["-h", "localhost", "-p", house.Port, "--cafile", house.File("ca.pem"), "--cert", house.File("reader.crt"), "--key", house.File("reader.key"),
            "-u", RealMosquitto.User, "-P", RealMosquitto.Password, "-t", "plant/#", "-C", "1", "-W", "20"]);
        await using var ours = await house.SubscribeAsync("-t", "plant/#", "-C", "1");

        (await house.PublishAsync("-t", Topic, "-m", "21.5")).ExitCode.ShouldBe(0);

        (await ours.EndAsync()).ShouldContain(line => (string)line["payload"]! == "21.5" && !(bool)line["verified"]!);
        (await Peer.EndAsync(theirs)).Output.Trim().ShouldBe("21.5");
    }

    [Fact]
    [Trait("row", "S3-3")]
    public async Task With_a_shared_key_only_what_its_holder_sent_is_shown_and_once()
    {
        await using var ours = await house.SubscribeAsync("-t", Topic, "-C", "2", "--hmac-key", house.Hmac);
        var captured = await house.CaptureAsync(Topic, 2);

        (await house.PublishAsync("-t", Topic, "-m", "unsigned")).ExitCode.ShouldBe(0);
        (await house.PublishAsync("-t", Topic, "-m", "21.5", "--hmac-key", house.Hmac)).ExitCode.ShouldBe(0);
        var bytes = await captured;
        await house.ReplayAsync(Topic, bytes);
        await house.ReplayAsync(Topic, bytes[..^2] + (bytes[^2] == 'A' ? "B" : "A") + bytes[^1]);
        await house.ReplayAsync("plant/hall-3/temperature", bytes);
        (await house.PublishAsync("-t", Topic, "-m", "21.6", "--hmac-key", house.Hmac)).ExitCode.ShouldBe(0);

        var lines = await ours.EndAsync();
        lines.Select(line => (string)line["payload"]!).ShouldBe(["21.5", "21.6"]);
        lines.ShouldAllBe(line => (string)line["suite"]! == "signet-hs256-1" && (bool)line["verified"]!);
        ours.Refused.ShouldBe(["malformed", "replayed", "bad-signature"]);
    }

    [Fact]
    public async Task Signed_and_sealed_it_is_read_by_its_receiver_alone()
    {
        await using var ours = await house.SubscribeAsync("-t", Topic, "-C", "1", "--signed-by", house.File("writer.crt"), "--open-cert", house.File("seal/vault.crt"), "--open-key", house.File("seal/vault.key"));
        await using var stranger = await house.SubscribeAsync("-t", Topic, "-C", "1", "-W", "6s", "--signed-by", house.File("writer.crt"));
        var captured = await house.CaptureAsync(Topic, 1);

        var sent = await house.PublishAsync("-t", Topic, "-m", "secret", "--sign", "--seal-to", house.File("seal/vault.crt"), "--json");

        sent.ExitCode.ShouldBe(0, sent.Error);
        ((string)sent.Json["sealedTo"]!).ShouldBe("vault");
        (await captured).Count(c => c == '.').ShouldBe(4);
        var line = (await ours.EndAsync()).Single();
        ((string)line["payload"]!, (string)line["from"]!, (string)line["suite"]!).ShouldBe(("secret", "writer", "signet-es256-1"));
        (await stranger.EndAsync(1)).ShouldBeEmpty();
        stranger.Refused.ShouldBe(["malformed"]);
    }

    [Fact]
    [Trait("row", "S2-6")]
    public async Task Behind_a_proxy_the_address_comes_from_the_environment()
    {
        await using var ours = await house.SubscribeAsync("-t", Topic, "-C", "1");

        var sent = await house.RunAsync(["pub", .. house.Tls("writer"), "-t", Topic, "-m", "outside"], new() { ["PUBLIC_IP"] = "localhost", ["EXTERNAL_PORT"] = house.Port });

        sent.ExitCode.ShouldBe(0, sent.Error);
        (await ours.EndAsync()).Single()["payload"]!.GetValue<string>().ShouldBe("outside");
    }

    [Fact]
    [Trait("row", "S2-1"), Trait("row", "S2-6"), Trait("row", "S2-7")]
    public async Task Through_nginx_publisher_and_reader_find_the_broker_by_PUBLIC_IP_and_with_retry_outlive_its_restart()
    {
        const string topic = "gate/temperature";   // one message stays there: nobody else reads it
        var (port, files) = (RealRabbit.FreePort().ToString(CultureInfo.InvariantCulture), house.File("nginx"));
        (await house.ControlAsync("broker", "config", "nginx", files, "--port", port, "--mqtt-port", house.Port)).ExitCode.ShouldBe(0);
        // As its comment says for a Mosquitto behind it.
        await File.WriteAllTextAsync(files + "/nginx.conf", (await File.ReadAllTextAsync(files + "/nginx.conf")).Replace("proxy_protocol on;", "", StringComparison.Ordinal));
        var outside = new Dictionary<string, string> { ["PUBLIC_IP"] = "localhost", ["EXTERNAL_PORT"] = port };

        var atOnce = await house.RunAsync(["pub", .. house.Tls("writer"), "-t", topic, "-m", "x"], outside);
        (atOnce.ExitCode, atOnce.Error.Contains($"localhost:{port} cannot be reached", StringComparison.Ordinal)).ShouldBe((3, true), atOnce.Error);
        var waited = Stopwatch.StartNew();
        (await house.RunAsync(["pub", .. house.Tls("writer"), "-t", topic, "-m", "x", "--retry", "3s"], outside)).ExitCode.ShouldBe(3);
        waited.Elapsed.ShouldBeGreaterThan(TimeSpan.FromSeconds(3));

        Process Nginx() => Peer.Begin("/usr/sbin/nginx", ["-c", files + "/nginx.conf", "-g", "daemon off;"]);
        static async Task EndAsync(Process nginx)
        {
            nginx.Kill(entireProcessTree: true); // the master alone would leave its workers
            await nginx.WaitForExitAsync();
            nginx.Dispose();
        }

        var front = Nginx();
        try
        {
            await using var reader = await house.SubscribeAsync(outside, "-t", topic, "-C", "2", "--retry", "20s");
            (await house.RunAsync(["pub", .. house.Tls("writer"), "-t", topic, "-m", "before", "--retry", "5s"], outside)).ExitCode.ShouldBe(0);
            await EndAsync(front);
            var late = house.RunAsync(["pub", .. house.Tls("writer"), "-t", topic, "-m", "after", "-r", "--retry", "20s"], outside);
            await Task.Delay(TimeSpan.FromSeconds(1.5));
            late.IsCompleted.ShouldBeFalse();
            front = Nginx();
            (await late).ExitCode.ShouldBe(0, (await late).Error);
            (await reader.EndAsync()).Select(line => (string)line["payload"]!).ShouldBe(["before", "after"]);

            // Longer away than it has patience: it says so and ends.
            await using var impatient = await house.SubscribeAsync(outside, "-t", "plant/none", "-C", "1", "--retry", "2s");
            await EndAsync(front);
            (await impatient.EndAsync(3)).ShouldBeEmpty();
        }
        finally
        {
            if (!HasEnded(front)) await EndAsync(front);
        }
    }

    private static bool HasEnded(Process process)
    {
        try
        {
            return process.HasExited;
        }
        catch (InvalidOperationException)
        {
            return true; // disposed
        }
    }

    [Theory]
    [InlineData(2, "Which broker?", "pub", "-t", "a", "-m", "x")]
    [InlineData(2, "one of -m TEXT", "pub", "--broker", "localhost:1", "-t", "a")]
    [InlineData(2, "not a topic", "pub", "--broker", "localhost:1", "-t", "a/#", "-m", "x")]
    [InlineData(2, "add --sign or --hmac-key", "pub", "--broker", "localhost:1", "-t", "a", "-m", "x", "--seal-to", "none.crt")]
    [InlineData(2, "only for this machine", "sub", "--broker", "example.org", "--no-tls", "-t", "a")]
    [InlineData(2, "must be verified too", "sub", "--broker", "localhost:1", "-t", "a", "--open-cert", "a", "--open-key", "b")]
    [InlineData(2, "--retry takes a time", "sub", "--broker", "localhost:1", "--no-tls", "-t", "a", "--retry", "soon")]
    [InlineData(2, "belong together", "sub", "--broker", "localhost:1", "-t", "a", "--cert", "x.crt")]
    [InlineData(3, "cannot be reached", "sub", "--broker", "127.0.0.1:1", "-t", "a", "--no-tls")]
    public async Task What_does_not_fit_together_is_told_in_one_line(int exit, string words, params string[] arguments)
    {
        var refused = await house.RunAsync(arguments);

        refused.ExitCode.ShouldBe(exit, refused.Error);
        refused.Error.ShouldContain(words);
        refused.Error.Trim().Split('\n').Length.ShouldBe(1);
    }

    [Fact]
    public async Task A_readable_hmac_key_a_wrong_password_and_a_foreign_broker_are_refused()
    {
        var open = house.File("open.key");
        await File.WriteAllTextAsync(open, new string('a', 64));
        File.SetUnixFileMode(open, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);

        (await house.PublishAsync("-t", Topic, "-m", "x", "--hmac-key", open)).Error.ShouldContain("chmod 600");
        (await house.RunAsync(["pub", "--broker", $"localhost:{house.Port}", "--ca", house.File("root.crt"), "--cert", house.File("writer.crt"), "--key", house.File("writer.key"),
            "--user", RealMosquitto.User, "--password-stdin", "-t", Topic, "-m", "x"], null, "wrong\n")).ExitCode.ShouldBe(1);
        (await house.RunAsync(["pub", "--broker", $"localhost:{house.Port}", "-t", Topic, "-m", "x"])).ExitCode.ShouldBe(3); // the system trusts no such root
    }
}

/// <summary>Certificates of <c>signet init</c>, and a Mosquitto that uses them.</summary>
public sealed class PubSubHouse : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-pubsub-").FullName;
    private RunningHouse? _house;
    private RealMosquitto? _broker;

    public string Port => _broker!.Port.ToString(CultureInfo.InvariantCulture);

    /// <summary>A key file that both sides share.</summary>
    public string Hmac => File("shared.key");

    public string File(string name) => Path.Combine(_folder, name);

    public async ValueTask InitializeAsync()
    {
        _house = new();
        await _house.InitializeAsync();
        foreach (var (profile, name, folder) in new[] { ("broker", "mosquitto", _folder), ("device", "writer", _folder), ("device", "reader", _folder), ("device-sealing", "vault", File("seal")) })
        {
            string[] hosts = profile == "broker" ? ["--host", "localhost"] : [];
            var issued = await _house.RunAsync(["cert", "issue", "--profile", profile, "--name", name, "--out", folder, .. hosts]);
            issued.ExitCode.ShouldBe(0, issued.Error);
        }

        await System.IO.File.WriteAllTextAsync(Hmac, Convert.ToHexStringLower(Guid.NewGuid().ToByteArray()) + Convert.ToHexStringLower(Guid.NewGuid().ToByteArray()));
        System.IO.File.SetUnixFileMode(Hmac, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        _broker = await RealMosquitto.StartAsync(_folder, "mosquitto");
    }

    public string[] Tls(string name) => ["--ca", File("root.crt"), "--cert", File(name + ".crt"), "--key", File(name + ".key"), "--user", RealMosquitto.User, "--password-stdin"];

    /// <summary>A command to the center.</summary>
    public Task<Outcome> ControlAsync(params string[] arguments) => _house!.RunAsync(arguments);

    public Task<Outcome> PublishAsync(params string[] more) => RunAsync(["pub", "--broker", $"localhost:{Port}", .. Tls("writer"), .. more]);

    public async Task<Outcome> RunAsync(string[] arguments, Dictionary<string, string>? environment = null, string? input = null)
    {
        using var process = Begin(arguments, environment);
        await process.StandardInput.WriteAsync(input ?? RealMosquitto.Password + "\n");
        process.StandardInput.Close();
        return await Peer.EndAsync(process, 30);
    }

    /// <summary>A subscriber that has subscribed.</summary>
    public Task<Subscriber> SubscribeAsync(params string[] more) => SubscribeAsync(null, ["--broker", $"localhost:{Port}", .. more]);

    /// <summary>One that takes the broker's address from its environment.</summary>
    public async Task<Subscriber> SubscribeAsync(Dictionary<string, string>? environment, params string[] more)
    {
        var process = Begin(["sub", .. Tls("reader"), "--json", .. more], environment);
        await process.StandardInput.WriteAsync(RealMosquitto.Password + "\n");
        process.StandardInput.Close();
        var subscriber = new Subscriber(process);
        await subscriber.ReadyAsync();
        return subscriber;
    }

    /// <summary>The first signed or sealed payload among the next ones on a topic, as somebody at the broker sees it. Returns when it is subscribed, with the payload to wait for.</summary>
    public async Task<Task<string>> CaptureAsync(string topic, int count)
    {
        // By the line: what it says of itself would else stay in its buffer until it ends.
        var theirs = Peer.Begin("stdbuf", ["-oL", "mosquitto_sub", "-d", .. Theirs(), "-t", topic, "-C", count.ToString(CultureInfo.InvariantCulture), "-W", "15"]);
        while (await theirs.StandardOutput.ReadLineAsync() is { } line && !line.StartsWith("Subscribed", StringComparison.Ordinal)) { }
        return FirstAsync(theirs);
    }

    private static async Task<string> FirstAsync(Process theirs)
    {
        using (theirs) return (await Peer.EndAsync(theirs)).Output.Split('\n').First(line => line.StartsWith("eyJ", StringComparison.Ordinal));
    }

    /// <summary>Published by somebody who holds no key.</summary>
    public async Task ReplayAsync(string topic, string payload)
        => (await Peer.RunAsync("mosquitto_pub", [.. Theirs(), "-q", "1", "-t", topic, "-m", payload])).ExitCode.ShouldBe(0);

    private string[] Theirs() => ["-h", "localhost", "-p", Port, "--cafile", File("ca.pem"), "--cert", File("reader.crt"), "--key", File("reader.key"), "-u", RealMosquitto.User, "-P", RealMosquitto.Password];

    private Process Begin(string[] arguments, Dictionary<string, string>? environment)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(SignetProcess.Dll);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        foreach (var name in new[] { "PUBLIC_IP", "EXTERNAL_PORT" }) start.Environment.Remove(name);
        foreach (var (name, value) in environment ?? []) start.Environment[name] = value;
        start.Environment["XDG_STATE_HOME"] = File("state");
        return Process.Start(start)!;
    }

    public async ValueTask DisposeAsync()
    {
        if (_broker is not null) await _broker.DisposeAsync();
        if (_house is not null) await _house.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>A running <c>signet sub --json</c>.</summary>
public sealed class Subscriber : IAsyncDisposable
{
    private readonly Process _process;
    private readonly List<JsonObject> _lines = [];
    private readonly List<string> _errors = [];
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Subscriber(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, e) =>
        {
            if (e.Data is not { Length: > 0 } text) return;
            var line = JsonNode.Parse(text)!.AsObject();
            if ((string?)line["event"] == "subscribed") _ready.TrySetResult();
            else lock (_lines) _lines.Add(line);
        };
        process.ErrorDataReceived += (_, e) => { if (e.Data is { Length: > 0 } text) lock (_errors) _errors.Add(text); };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Reasons of what was not shown, in order.</summary>
    public IReadOnlyList<string> Refused { get { lock (_errors) return [.. _errors.Where(e => e.StartsWith('{')).Select(e => (string)JsonNode.Parse(e)!["refused"]!)]; } }

    public Task ReadyAsync() => _ready.Task.WaitAsync(TimeSpan.FromSeconds(60));

    public async Task<IReadOnlyList<JsonObject>> EndAsync(int exit = 0)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await _process.WaitForExitAsync(patience.Token);
        _process.ExitCode.ShouldBe(exit, string.Join('\n', _errors));
        lock (_lines) return [.. _lines];
    }

    public ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
        return ValueTask.CompletedTask;
    }
}
