using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Control;
using Signet.House.Tests.Program;
using Signet.Testing;

namespace Signet.House.Tests.Production;

/// <summary>The day-to-day of a running center: doctor, health, reload, logs, telemetry.</summary>
public sealed class OperationsSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-operations-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_doctor_finds_an_open_key_and_a_tampered_log()
    {
        (await SignetProcess.RunAsync(Data, "init")).ExitCode.ShouldBe(0);
        var well = await SignetProcess.RunAsync(Data, FreePorts, "", "doctor", "--json");
        well.ExitCode.ShouldBe(0, well.Output);
        var checks = well.Json["checks"]!.AsArray().Select(c => (string)c!["check"]!).ToHashSet();
        foreach (var check in new[] { "versions", "disk", "open files", "keys", "certificates", "revocation lists", "database", "clock", "audit log" }) checks.ShouldContain(check);
        var versions = (string)well.Json["checks"]!.AsArray().First(c => (string)c!["check"]! == "versions")!["says"]!;
        versions.ShouldMatch(@"Signet \d.*, \.NET 10.*OpenSSL 3\..*SQLite 3\.");

        var key = Path.Combine(Data, "pki", "center_sign.key");
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        var ill = await SignetProcess.RunAsync(Data, FreePorts, "", "doctor");
        ill.ExitCode.ShouldBe(1);
        ill.Output.ShouldContain($"chmod 600 {key}");
        File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite);

        var tampered = await BoundedProcess.RunAsync("sqlite3", [Path.Combine(Data, "audit", "audit.db"), "UPDATE entries SET body = replace(body, 'installation-made', 'installation-mede')"]);
        tampered.ExitCode.ShouldBe(0, tampered.Errors);
        (await SignetProcess.RunAsync(Data, FreePorts, "", "doctor")).Output.ShouldContain("NOT intact");
        (await SignetProcess.RunAsync(Path.Combine(_folder, "nothing"), FreePorts, "", "doctor")).Output.ShouldContain("there is no installation");
    }

    private static readonly Dictionary<string, string> FreePorts = new()
    {
        ["SIGNET__Ports__Console"] = "0", ["SIGNET__Ports__Mqtt"] = "0", ["SIGNET__Ports__Pki"] = "0", ["SIGNET__Ports__MqttPassword"] = "0", ["SIGNET__Ports__Auth"] = "0",
    };

    [Fact]
    public async Task When_the_database_goes_the_center_says_so_and_is_ready_again_when_it_is_back()
    {
        await using var server = await PostgresServer.StartAsync();
        Dictionary<string, string> there = new() { ["SIGNET__Database__Kind"] = "postgres", ["SIGNET__Database__Connection"] = server.NewDatabase() };
        await using var signet = await SignetProcess.UpAsync(Data, there, "--demo");
        (await HealthAsync(signet, "ready")).Code.ShouldBe("200");
        await server.StopAsync();
        var (code, body) = await HealthAsync(signet, "ready");
        code.ShouldBe("503");
        JsonNode.Parse(body)!["waiting"]!.AsArray().Select(w => (string)w!).ShouldContain("database");
        (await HealthAsync(signet, "live")).Code.ShouldBe("200", "restarting it would not bring the database back");
        (await SignetProcess.RunAsync(Data, "command", "send", "door-1", "open", "--wait=3s")).ExitCode.ShouldNotBe(0, "what cannot be recorded is not done");
        // The long form keeps it away for the whole minute.
        if (Environment.GetEnvironmentVariable("SIGNET_FULL") == "1") await Task.Delay(TimeSpan.FromMinutes(1));
        await server.ResumeAsync();
        await Eventually.Some(async () => (await HealthAsync(signet, "ready")).Code == "200" ? "yes" : null, "ready again", TimeSpan.FromSeconds(30));
        var sent = await SignetProcess.RunAsync(Data, "command", "send", "door-1", "open", "--wait");
        sent.ExitCode.ShouldBe(0, $"nobody restarted anything: {sent.Output}{sent.Error}");
        var verified = await SignetProcess.RunAsync(Data, "audit", "verify");
        verified.ExitCode.ShouldBe(0, verified.Output + verified.Error);
    }

    private static async Task<(string Code, string Body)> HealthAsync(SignetProcess signet, string what)
    {
        var answer = await BoundedProcess.RunAsync("curl", ["--silent", "--cacert", (string)signet.Ready["rootCertificate"]!, "--write-out", "\n%{http_code}", $"{(string)signet.Ready["console"]!}/healthz/{what}"]);
        var end = answer.Output.LastIndexOf('\n');
        return (answer.Output[(end + 1)..], answer.Output[..end]);
    }

    [Fact]
    public async Task Settings_are_read_again_without_a_session_being_dropped_and_logs_are_JSON_when_asked()
    {
        var file = Path.Combine(_folder, "signet.json");
        await File.WriteAllTextAsync(file, """{ "log": { "level": "error", "format": "json" } }""");
        await using var signet = await SignetProcess.UpAsync(Data, "--demo", "--config", file);
        var sessions = await SinceAsync();
        await File.WriteAllTextAsync(file, """{ "log": { "level": "debug", "format": "json" }, "commands": { "receiptDeadline": 30 } }""");
        await HangUpAsync(signet);
        var reloaded = await Eventually.Some(async () => (await SignetProcess.RunAsync(Data, "audit", "list", "--json", "--action", "settings-reloaded")).Json["entries"]!.AsArray() is { Count: > 0 } found ? found : null, "the reload is on the record");
        reloaded[0]!["details"]!["changed"]!.AsArray().Select(k => (string)k!).ShouldBe(["commands:receiptDeadline", "log:level"], ignoreOrder: true);
        reloaded[0]!["details"]!["needRestart"]!.AsArray().Select(k => (string)k!).ShouldBe(["commands:receiptDeadline"]);

        await File.WriteAllTextAsync(file, """{ "log": { "level": "loud" } }""");
        await HangUpAsync(signet);
        await Eventually.Some(async () => (await SignetProcess.RunAsync(Data, "audit", "list", "--json", "--action", "settings-reloaded", "--outcome", "failed")).Json["entries"]!.AsArray() is { Count: > 0 } found ? found : null, "the mistake is on the record");
        (await SinceAsync()).ShouldBe(sessions, "the same connections as before");
        (await SignetProcess.RunAsync(Data, "command", "send", "door-1", "open", "--wait")).ExitCode.ShouldBe(0);
        var (code, log) = await signet.InterruptAsync();
        code.ShouldBe(0);
        var lines = log.Split('\n').Where(l => l.StartsWith('{')).Select(l => JsonNode.Parse(l)!).ToList();
        lines.ShouldContain(l => (string)l["LogLevel"]! == "Debug" || (string)l["LogLevel"]! == "Information", "the level changed while it ran");
        lines.ShouldAllBe(l => l["Timestamp"] != null && l["Category"] != null && l["Message"] != null);

        async Task<string> SinceAsync() => string.Join(' ', (await SignetProcess.RunAsync(Data, "broker", "sessions", "--json")).Json["sessions"]!.AsArray().Select(s => $"{s!["client"]} {s["since"]}").Order(StringComparer.Ordinal));
    }

    private static async Task HangUpAsync(SignetProcess signet) => await BoundedProcess.RunAsync("kill", ["-HUP", signet.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);

    [Fact]
    public async Task JSON_logs_are_all_there_is_on_stdout()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var lines = new List<JsonNode>();
        var file = Path.Combine(_folder, "signet.json");
        await File.WriteAllTextAsync(file, """{ "log": { "format": "json", "level": "debug" } }""");
        await foreach (var line in SignetProcess.LinesAsync(Data, patience.Token, "up", "--demo", "--config", file, "--port-console", "0", "--port-mqtt", "0", "--port-pki", "0", "--port-mqtt-password", "0", "--port-auth", "0"))
        {
            lines.Add(JsonNode.Parse(line)!);
            if (lines.Count >= 8) break;
        }
        lines.ShouldAllBe(l => l["Timestamp"] != null && l["LogLevel"] != null && l["Category"] != null && l["Message"] != null);
    }

    [Fact]
    public async Task A_stop_says_not_ready_first_finishes_what_was_begun_and_loses_nothing()
    {
        var ids = new List<string>();
        await using (var signet = await SignetProcess.UpAsync(Data, new Dictionary<string, string> { ["SIGNET__Shutdown__Drain"] = "5" }, "--demo"))
        {
            await BoundedProcess.RunAsync("kill", ["-TERM", signet.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
            // What comes at the same moment, while it says that it goes.
            var sending = Enumerable.Range(0, 5).Select(i => PostAsync(signet, i % 2 == 0 ? "door-1" : "valve-1")).ToList();
            var drained = await Eventually.Some(async () => await HealthAsync(signet, "ready") is { Code: "503" } no ? no.Body : null, "it says that it is not ready", TimeSpan.FromSeconds(20));
            JsonNode.Parse(drained)!["waiting"]!.AsArray().Select(w => (string)w!).ShouldBe(["draining"]);
            foreach (var answer in await Task.WhenAll(sending))
                if (answer is { Code: "201" }) ids.Add((string)JsonNode.Parse(answer.Body)!["id"]!);
            ids.ShouldNotBeEmpty("it works until it stops");
            (await signet.EndAsync()).ExitCode.ShouldBe(0);
        }
        await using var again = await SignetProcess.UpAsync(Data, "--demo");
        foreach (var id in ids)
            await Eventually.Some(async () => (string?)(await SignetProcess.RunAsync(Data, "command", "show", id, "--json")).Json["state"] == "executed" ? "yes" : null, $"{id}, which was taken, is executed", TimeSpan.FromSeconds(30));
        (await SignetProcess.RunAsync(Data, "audit", "verify")).ExitCode.ShouldBe(0);
    }

    private static async Task<(string Code, string Body)> PostAsync(SignetProcess signet, string device)
    {
        var answer = await BoundedProcess.RunAsync("curl", ["--silent", "--cacert", (string)signet.Ready["rootCertificate"]!, "--header", "@-", "--header", "Content-Type: application/json",
            "--data", $$"""{"device":"{{device}}","command":"open"}""", "--write-out", "\n%{http_code}", $"{(string)signet.Ready["console"]!}/api/v1/commands"], input: $"Authorization: Bearer {(string)signet.Ready["token"]!}\n");
        var end = answer.Output.LastIndexOf('\n');
        return (answer.Output[(end + 1)..], answer.Output[..end]);
    }

    [Fact]
    public async Task One_trace_leads_from_the_request_to_the_receipt_and_every_metric_is_exported()
    {
        await using var collector = new Collector();
        Dictionary<string, string> otlp = new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address, ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf", ["OTEL_METRIC_EXPORT_INTERVAL"] = "500", ["OTEL_BSP_SCHEDULE_DELAY"] = "200",
        };
        await using var signet = await SignetProcess.UpAsync(Data, otlp, "--demo");
        (await SignetProcess.RunAsync(Data, "command", "send", "door-1", "open", "--wait")).ExitCode.ShouldBe(0);
        await Eventually.True(() => collector.TracesOf("signet.receipt").Count > 0, "the receipt's span is exported");
        var trace = collector.TracesOf("signet.receipt").First();
        foreach (var span in new[] { "signet.command", "signet.device.command" })
            await Eventually.True(() => collector.TracesOf(span).Contains(trace), $"{span} is in the same trace");
        var expected = MetricCatalogue.Rows.Where(r => r.Name is not ("signet.revocations" or "signet.revocation.duration" or "signet.denials" or "signet.broker.refused")).Select(r => r.Name).ToList();
        await Eventually.True(() => expected.TrueForAll(collector.HasMetric), "every metric that has a value is exported");
        await signet.InterruptAsync();
    }

    /// <summary>Takes OTLP over HTTP and keeps the bytes. Spans are found by their protobuf shape: 0A 10 trace id, 12 08 span id ... 2A length name.</summary>
    private sealed class Collector : IAsyncDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly List<byte[]> _bodies = [];

        public Collector()
        {
            using (var free = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0))
            {
                free.Start();
                Address = $"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}/";
            }
            _listener.Prefixes.Add(Address);
            _listener.Start();
            _ = Task.Run(TakeAsync);
        }

        public string Address { get; }

        public bool HasMetric(string name) => Has(name);

        public HashSet<string> TracesOf(string span)
        {
            var found = new HashSet<string>(StringComparer.Ordinal);
            byte[] named = [0x2A, (byte)span.Length, .. Encoding.ASCII.GetBytes(span)];
            lock (_bodies)
                foreach (var body in _bodies)
                    for (var at = body.AsSpan().IndexOf(named); at >= 0;)
                    {
                        var start = body.AsSpan(0, at).LastIndexOf((ReadOnlySpan<byte>)[0x0A, 0x10]);
                        if (start >= 0) found.Add(Convert.ToHexString(body, start + 2, 16));
                        var next = body.AsSpan(at + 1).IndexOf(named);
                        at = next < 0 ? -1 : at + 1 + next;
                    }
            return found;
        }

        private bool Has(string name)
        {
            byte[] named = [0x0A, (byte)name.Length, .. Encoding.ASCII.GetBytes(name)];
            lock (_bodies) return _bodies.Exists(b => b.AsSpan().IndexOf(named) >= 0);
        }

        private async Task TakeAsync()
        {
            try
            {
                while (true)
                {
                    var context = await _listener.GetContextAsync();
                    using var body = new MemoryStream();
                    await context.Request.InputStream.CopyToAsync(body);
                    lock (_bodies) _bodies.Add(body.ToArray());
                    context.Response.Close();
                }
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                // the end
            }
        }

        public ValueTask DisposeAsync()
        {
            _listener.Close();
            return ValueTask.CompletedTask;
        }
    }
}
