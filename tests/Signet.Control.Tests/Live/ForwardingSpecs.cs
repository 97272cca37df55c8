using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Audit;
using Signet.Pki;

namespace Signet.Control.Tests;

/// <summary>Entries handed on to other people's programs: OpenSSL's server as a TLS collector, Python's as a webhook.</summary>
public sealed class ForwardingSpecs : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-forward-").FullName;
    private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
    private readonly CertificateAuthority _authority;
    private readonly List<Process> _peers = [];

    public ForwardingSpecs()
    {
        _authority = CertificateAuthority.Create(At("pki"), new AuthorityOptions(), TimeProvider.System, _random);
        using var issued = _authority.Issue(new(CertificateProfile.Broker, "mqtt_broker", ["localhost"]));
        issued.Save(At("peer"));
        PemFile.Write(At("root.pem"), PemFile.Encode(_authority.Root));
    }

    private string At(string name) => Path.Combine(_folder, name);

    [Fact]
    public async Task A_syslog_collector_gets_every_entry_over_tls_also_those_of_while_it_was_away()
    {
        await using var log = await OpenAsync();
        var port = FreePort();
        var settings = new AuditSettings { Syslog = new("localhost", port, At("root.pem")) };
        await using var forwarding = new AuditForwarding(log, settings, _folder, TimeProvider.System, NullLogger.Instance);
        await log.AppendAsync(Record("while-away"));
        await UntilAsync(() => forwarding.States[0].Trouble is not null);
        forwarding.States[0].Behind.ShouldBe(1);

        var received = Start("openssl", "s_server", "-accept", $"{port}", "-quiet", "-cert", At("peer/mqtt_broker.crt"), "-key", At("peer/mqtt_broker.key"), "-cert_chain", At("peer/mqtt_broker.crt"));
        await log.AppendAsync(Record("when-there"));
        await UntilAsync(() => forwarding.States[0] is { Behind: 0, Trouble: null });
        await UntilAsync(() => received().Contains("when-there", StringComparison.Ordinal));
        // RFC 5425: length, blank, message; the messages follow each other without anything between.
        var (text, messages) = (received(), new List<string>());
        for (var at = 0; at < text.Length;)
        {
            var blank = text.IndexOf(' ', at);
            var length = int.Parse(text[at..blank], System.Globalization.CultureInfo.InvariantCulture);
            messages.Add(text.Substring(blank + 1, length - 2));   // the byte order mark is three bytes and one character
            at = blank + 1 + length - 2;
        }
        messages.Count.ShouldBe(2);
        messages[0].ShouldStartWith("<110>1 ");
        messages[0].ShouldContain("action=\"while-away\"");
        messages[1].ShouldContain("seq=\"3\"");
    }

    [Fact]
    public async Task A_collector_whose_certificate_leads_elsewhere_gets_nothing()
    {
        await using var log = await OpenAsync();
        var port = FreePort();
        var received = Start("openssl", "s_server", "-accept", $"{port}", "-quiet", "-cert", At("peer/mqtt_broker.crt"), "-key", At("peer/mqtt_broker.key"));
        using var other = CertificateAuthority.Create(At("other"), new AuthorityOptions(), TimeProvider.System, _random);
        PemFile.Write(At("other.pem"), PemFile.Encode(other.Root));
        await using var forwarding = new AuditForwarding(log, new() { Syslog = new("localhost", port, At("other.pem")) }, _folder, TimeProvider.System, NullLogger.Instance);
        await log.AppendAsync(Record("secret"));
        await UntilAsync(() => forwarding.States[0].Trouble?.Contains("certificate", StringComparison.OrdinalIgnoreCase) == true);
        received().ShouldNotContain("secret");
    }

    [Fact]
    public async Task A_webhook_gets_batches_with_a_signature_and_a_restart_goes_on_behind_the_last_one()
    {
        await using var log = await OpenAsync();
        var port = FreePort();
        await File.WriteAllTextAsync(At("hook.key"), "a shared secret\n", TestContext.Current.CancellationToken);
        var received = Start("python3", "-u", "-c", """
            import http.server, ssl, sys, json, hmac, hashlib
            class Hook(http.server.BaseHTTPRequestHandler):
                def do_POST(self):
                    body = self.rfile.read(int(self.headers['Content-Length']))
                    good = hmac.compare_digest(self.headers['X-Signet-Signature'], 'sha256=' + hmac.new(b'a shared secret', body, hashlib.sha256).hexdigest())
                    for entry in json.loads(body)['entries']: print(good, entry['seq'], entry['action'], flush=True)
                    self.send_response(204); self.end_headers()
                def log_message(self, *args): pass
            server = http.server.HTTPServer(('localhost', int(sys.argv[1])), Hook)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(sys.argv[2], sys.argv[3])
            server.socket = context.wrap_socket(server.socket, server_side=True)
            server.serve_forever()
            """, $"{port}", At("peer/mqtt_broker.crt"), At("peer/mqtt_broker.key"));
        var settings = new AuditSettings { Webhook = new(new Uri($"https://localhost:{port}/hook"), At("hook.key"), At("root.pem")) };
        await using (var forwarding = new AuditForwarding(log, settings, _folder, TimeProvider.System, NullLogger.Instance))
        {
            await log.AppendAsync(Record("first"));
            await UntilAsync(() => forwarding.States[0] is { Behind: 0, Trouble: null });
        }
        await log.AppendAsync(Record("between"));
        await using (var forwarding = new AuditForwarding(log, settings, _folder, TimeProvider.System, NullLogger.Instance))
            await UntilAsync(() => forwarding.States[0] is { Behind: 0, Trouble: null });
        received().Split('\n', StringSplitOptions.RemoveEmptyEntries).ShouldBe(["True 2 first", "True 3 between"]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _peers)
        {
            peer.Kill();
            await peer.WaitForExitAsync();
            peer.Dispose();
        }
        _authority.Dispose();
        _random.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private Task<AuditLog> OpenAsync() => AuditLog.OpenAsync(new AuditOptions { Directory = At("log"), ReserveBytes = 0 }, TimeProvider.System, _random);

    private static AuditRecord Record(string action) => new(AuditTypes.System, "ana", "thing", action, "success", "", new JsonObject { ["n"] = 1 });

    private Func<string> Start(string program, params string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardInput = true, RedirectStandardError = true })!;
        _peers.Add(process);
        var text = new StringBuilder();
        _ = Task.Run(async () =>
        {
            var buffer = new char[4096];
            for (int read; (read = await process.StandardOutput.ReadAsync(buffer)) > 0;)
                lock (text) text.Append(buffer, 0, read);
        });
        return () => { lock (text) return text.ToString(); };
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(20));
            await Task.Delay(20);
        }
    }
}
