using System.Text.Json.Nodes;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>The audit log from the command line: as an operator, as an auditor who has only files, and as somebody who changes what happened.</summary>
public sealed class AuditSpecs : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-audit-").FullName;

    private string Data => Path.Combine(_folder, "data");

    private string At(string name) => Path.Combine(_folder, name);

    public async ValueTask InitializeAsync() => (await Run("init", "--audit-key-out", At("audit.key"))).ExitCode.ShouldBe(0);

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    [Trait("row", "S0-25")]
    [Trait("row", "S0-26")]
    public async Task An_operator_exports_and_an_auditor_verifies_without_server_and_finds_the_entry_that_was_changed()
    {
        await using (var up = await SignetProcess.UpAsync(Data))
        {
            (await Run("device", "add", "lamp-1", "--kind", "device", "--allow", "check-status")).ExitCode.ShouldBe(0);
            (await Run("command", "send", "lamp-1", "check-status")).ExitCode.ShouldBe(1);
            (await Run("audit", "checkpoint", "--out", At("note"))).Output.ShouldContain("signet/audit/");
            var live = await Run("audit", "verify");
            live.ExitCode.ShouldBe(0, live.Error);
            live.Output.ShouldStartWith("intact: ");
            (await Run("audit", "export", "--out", At("log.ndjson"), "--trust-out", At("trust.pem"))).ExitCode.ShouldBe(0);
            (await Run("audit", "export", "--out", At("devices.ndjson"), "--type", "device")).ExitCode.ShouldBe(0);
            (await Run("audit", "export", "--out", At("log.csv"), "--form", "csv")).ExitCode.ShouldBe(0);
            (await Run("audit", "export", "--out", At("log.txt"), "--form", "syslog")).ExitCode.ShouldBe(0);
            var wrong = await Run("audit", "list", "--type", "nonsense");
            (wrong.ExitCode, wrong.Error.Contains("Types: auth, ", StringComparison.Ordinal)).ShouldBe((1, true));
            // Every act so far has a meaning in the catalogue, and personal data are there until they are erased.
            foreach (var entry in (await Run("audit", "list", "--limit", "500", "--json")).Json["entries"]!.AsArray())
                ((string)entry!["meaning"]!).ShouldNotBeEmpty(entry.ToJsonString());
            var token = (await Run("audit", "list", "--type", "device", "--action", "device-added", "--json")).Json["entries"]![0]!;
            ((string?)token["personal"]?["from"]).ShouldNotBeNull();
            var erased = await Run("audit", "erase", "--actor", (string)token["actor"]!, "--reason", "asked for it", "--yes", "--json");
            ((long)erased.Json["erased"]!).ShouldBeGreaterThan(0);
            (await Run("audit", "list", "--type", "device", "--action", "device-added", "--json")).Json["entries"]![0]!["personal"].ShouldBeNull();
            (await Run("audit", "verify")).Output.ShouldContain("personal data of ");
        }

        var text = await File.ReadAllTextAsync(At("log.ndjson"), TestContext.Current.CancellationToken);
        text.ShouldNotContain("127.0.0.1\"}");
        File.ReadAllLines(At("log.csv"))[0].ShouldBe("seq,time,type,actor,subject,action,outcome,reason,details");
        File.ReadAllLines(At("log.txt"))[0].ShouldContain("[entry@32473 seq=\"1\"");

        foreach (var file in new[] { "log.ndjson", "devices.ndjson" })
            await ShouldVerifyAsync("--file", At(file), "--trust", At("trust.pem"));
        await ShouldVerifyAsync("--file", At("log.ndjson"), "--trust", At("trust.pem"), "--hmac-key", At("audit.key"));
        await ShouldVerifyAsync("--offline", "--known", At("note"), "--hmac-key", At("audit.key"), "--resume", At("mark"));
        File.Exists(At("mark")).ShouldBeFalse();

        var at = text.IndexOf("\"subject\":\"lamp-1\"", StringComparison.Ordinal);
        await File.WriteAllTextAsync(At("forged.ndjson"), text[..at] + "\"subject\":\"lamp-2\"" + text[(at + 18)..], TestContext.Current.CancellationToken);
        var forged = await Run("audit", "verify", "--file", At("forged.ndjson"), "--trust", At("trust.pem"), "--json");
        var first = (await Run("audit", "verify", "--file", At("forged.ndjson"), "--trust", At("trust.pem"))).Error;
        forged.ExitCode.ShouldBe(4);
        ((string)forged.Json["kind"]!).ShouldBe("Edited");
        text.Split('\n').First(line => line.Contains("\"subject\":\"lamp-1\"", StringComparison.Ordinal)).ShouldContain($"\"seq\":{(long)forged.Json["firstBad"]!}");
        first.ShouldContain($"NOT intact: entry {(long)forged.Json["firstBad"]!}: ");

        // another installation's key is not this one's
        var other = At("other");
        (await SignetProcess.RunAsync(other, "init")).ExitCode.ShouldBe(0);
        var stranger = await Run("audit", "verify", "--file", At("log.ndjson"), "--trust", Path.Combine(other, "audit", "checkpoint.pub"), "--json");
        (stranger.ExitCode, (string)stranger.Json["kind"]!).ShouldBe((4, "WrongKey"));
        foreach (var (arguments, says) in new[]
        {
            (new[] { "--file", At("log.ndjson") }, "--trust"), (["--file", At("nothing"), "--trust", At("trust.pem")], "no file"), (["--offline", "--hmac-key", At("log.csv")], "holds no audit key"), (["--hmac-key", At("audit.key")], "--offline or --file"),
        })
        {
            var refused = await Run(["audit", "verify", .. arguments]);
            (refused.ExitCode, refused.Error.Contains(says, StringComparison.Ordinal)).ShouldBe((2, true), refused.Error);
        }
    }

    [Fact]
    public async Task A_follower_sees_each_entry_as_it_is_written()
    {
        await using var up = await SignetProcess.UpAsync(Data);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var following = SignetProcess.LinesAsync(Data, stop.Token, "audit", "list", "--follow", "--action", "device-added", "--json");
        await using var lines = following.GetAsyncEnumerator(stop.Token);
        var next = lines.MoveNextAsync();
        for (var i = 0; !next.IsCompleted; i++)
        {
            (await Run("device", "add", $"lamp-{i}", "--allow", "check-status")).ExitCode.ShouldBe(0);   // the first ones may come before the feed is open
        }
        (await next).ShouldBeTrue();
        ((string)JsonNode.Parse(lines.Current)!["action"]!).ShouldBe("device-added");
        await stop.CancelAsync();
    }

    [Fact]
    [Trait("row", "S0-25")]
    public async Task The_collector_and_the_webhook_of_the_settings_get_what_happens()
    {
        (await Peer.RunAsync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", At("peer.key"), "-out", At("peer.crt"), "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"])).ExitCode.ShouldBe(0);
        await File.WriteAllTextAsync(At("hook.key"), "a shared secret", TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(At("hook.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        using var collector = Peer.Begin("openssl", ["s_server", "-accept", "127.0.0.1:0", "-cert", At("peer.crt"), "-key", At("peer.key")]);
        using var hook = Peer.Begin("python3", ["-u", "-c", Hook, At("peer.crt"), At("peer.key")]);
        try
        {
            var (toCollector, toHook) = (Heard(collector), Heard(hook));
            await UntilAsync(() => Port(toCollector()) is not null && Port(toHook()) is not null);
            await using var up = await SignetProcess.UpAsync(Data, new Dictionary<string, string>
            {
                ["SIGNET__Audit__Syslog"] = $"localhost:{Port(toCollector())}", ["SIGNET__Audit__Webhook"] = $"https://localhost:{Port(toHook())}/hook", ["SIGNET__Audit__WebhookSecretFile"] = At("hook.key"), ["SIGNET__Audit__ForwardRoot"] = At("peer.crt"),
            });
            (await Run("device", "add", "lamp-1", "--allow", "check-status")).ExitCode.ShouldBe(0);
            await UntilAsync(() => toCollector().Contains("action=\"device-added\"", StringComparison.Ordinal) && toHook().Contains("True device-added lamp-1", StringComparison.Ordinal));
        }
        finally
        {
            collector.Kill();
            hook.Kill();
        }
    }

    private const string Hook = """
        import http.server, ssl, sys, json, hmac, hashlib
        class Hook(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers['Content-Length']))
                good = hmac.compare_digest(self.headers['X-Signet-Signature'], 'sha256=' + hmac.new(b'a shared secret', body, hashlib.sha256).hexdigest())
                for entry in json.loads(body)['entries']: print(good, entry['action'], entry['subject'], flush=True)
                self.send_response(204); self.end_headers()
            def log_message(self, *args): pass
        server = http.server.HTTPServer(('127.0.0.1', 0), Hook)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(sys.argv[1], sys.argv[2])
        print('ACCEPT 127.0.0.1:%d' % server.server_port, flush=True)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.serve_forever()
        """;

    // "ACCEPT 127.0.0.1:43199"
    private static string? Port(string said) => said.Split('\n')[..^1].FirstOrDefault(line => line.StartsWith("ACCEPT ", StringComparison.Ordinal))?.Split(':')[^1].Trim();

    private static Func<string> Heard(System.Diagnostics.Process process)
    {
        var text = new System.Text.StringBuilder();
        _ = process.StandardError.ReadToEndAsync(CancellationToken.None);
        _ = Task.Run(async () =>
        {
            var buffer = new char[4096];
            for (int read; (read = await process.StandardOutput.ReadAsync(buffer)) > 0;)
                lock (text) text.Append(buffer, 0, read);
        });
        return () => { lock (text) return text.ToString(); };
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (!isSo())
        {
            watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(60));
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    private async Task ShouldVerifyAsync(params string[] arguments)
    {
        var verified = await Run(["audit", "verify", .. arguments]);
        verified.ExitCode.ShouldBe(0, verified.Error);
        verified.Output.ShouldStartWith("intact: ");
    }

    private Task<Outcome> Run(params string[] arguments) => SignetProcess.RunAsync(Data, arguments);
}
