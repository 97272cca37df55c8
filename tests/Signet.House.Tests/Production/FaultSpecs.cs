using System.Globalization;
using System.Text.Json.Nodes;
using Signet.House.Tests.Program;
using Signet.Testing;

namespace Signet.House.Tests.Production;

/// <summary>What goes wrong below a running center: clear words, a safe state, and recovery without anybody's help.</summary>
public sealed class FaultSpecs : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-faults-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task On_a_full_disk_of_the_server_nothing_is_done_and_it_goes_on_when_there_is_space()
    {
        var small = Path.Combine(_folder, "small");
        Directory.CreateDirectory(small);
        await RunAsync("mount", "-t", "tmpfs", "-o", "size=48m,mode=0700,uid=postgres,gid=postgres", "tmpfs", small);
        try
        {
            // postgres must be able to walk to it.
            File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);
            await using var server = await PostgresServer.StartAsync();
            server.Execute("postgres", $"CREATE TABLESPACE small LOCATION '{small}'");
            server.Execute("postgres", "CREATE DATABASE small TEMPLATE template0 ENCODING 'UTF8' TABLESPACE small");
            await using var signet = await SignetProcess.UpAsync(Data, On(server.ConnectionString("small")), "--demo");
            (await SendAsync()).ExitCode.ShouldBe(0);

            var filler = Path.Combine(small, "filler");
            await RunAsync("sh", "-c", $"dd if=/dev/zero of={filler} bs=64k 2>/dev/null || true; dd if=/dev/zero bs=512 >>{filler} 2>/dev/null || true");
            // Some rows find room in pages that are there already.
            await Eventually.Some(async () => await SendAsync() is { ExitCode: not 0 } no && (no.Error + no.Output).Contains("disk is full", StringComparison.Ordinal) ? no : null,
                "a command is refused because the disk is full: what cannot be recorded is not done", Patience);
            var (code, body) = await HealthAsync(signet);
            code.ShouldBe("503");
            JsonNode.Parse(body)!["waiting"]!.AsArray().Select(w => (string)w!).ShouldContain("audit");

            File.Delete(filler);
            await RecoversAsync(signet);
        }
        finally
        {
            await RunAsync("umount", "-l", small);
        }
    }

    [Fact]
    public async Task On_a_server_that_becomes_read_only_nothing_is_done_and_it_goes_on_when_it_can_be_written()
    {
        var server = await PostgresServer.SharedAsync();
        var connection = server.NewDatabase();
        var name = new Npgsql.NpgsqlConnectionStringBuilder(connection).Database!;
        await using var signet = await SignetProcess.UpAsync(Data, On(connection), "--demo");
        Become("on");
        var refused = await Eventually.Some(async () => await SendAsync() is { ExitCode: not 0 } no ? no : null, "a command is refused", Patience);
        (refused.Error + refused.Output).ShouldContain("read-only");
        await Eventually.Some(async () => (await HealthAsync(signet)).Code == "503" ? "yes" : null, "it says that it is not ready", Patience);
        Become("off");
        await RecoversAsync(signet);

        // Sessions keep what held when they began: they are ended, as a change of roles between servers ends them.
        void Become(string state)
        {
            server.Execute("postgres", $"ALTER DATABASE {name} SET default_transaction_read_only = {state}");
            server.Execute("postgres", $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        }
    }

    [Fact]
    public async Task A_server_with_a_certificate_of_somebody_else_is_not_spoken_to()
    {
        const string make = "for n in server other; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $n.key -out $n.crt -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null; chmod 600 $n.key; done";
        (await BoundedProcess.RunAsync("sh", ["-ec", make], directory: _folder)).ExitCode.ShouldBe(0);
        await using var server = await PostgresServer.StartAsync(["ssl = on", "ssl_cert_file = 'server.crt'", "ssl_key_file = 'server.key'"], data =>
        {
            foreach (var file in new[] { "server.crt", "server.key" }) File.Copy(Path.Combine(_folder, file), Path.Combine(data, file));
            File.SetUnixFileMode(Path.Combine(data, "server.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        });
        server.Execute("postgres", "CREATE DATABASE signet TEMPLATE template0 ENCODING 'UTF8'");
        string Way(string root) => string.Create(CultureInfo.InvariantCulture, $"Host=localhost;Port={server.Port};Database=signet;Username=signet;SSL Mode=VerifyFull;Root Certificate={Path.Combine(_folder, root)}");

        var refused = await SignetProcess.RunAsync(Data, On(Way("other.crt")), "", "init");
        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain("the TLS connection is refused");
        refused.Error.ShouldContain("Check Root Certificate");
        Directory.Exists(Path.Combine(Data, "pki")).ShouldBeFalse("a refused start leaves nothing");
        (await SignetProcess.RunAsync(Data, On(Way("server.crt")), "", "init")).ExitCode.ShouldBe(0);
        (await SignetProcess.RunAsync(Data, On(Way("other.crt")), "", "up")).Error.ShouldContain("the TLS connection is refused");
    }

    [Fact]
    public async Task Rows_of_a_newer_version_are_refused_and_left_alone()
    {
        (await SignetProcess.RunAsync(Data, "init")).ExitCode.ShouldBe(0);
        var database = Path.Combine(Data, "signet.db");
        (await BoundedProcess.RunAsync("sqlite3", [database, "PRAGMA user_version = 999"])).ExitCode.ShouldBe(0);
        foreach (var verb in new[] { new[] { "up", "--port-console", "0", "--port-mqtt", "0", "--port-pki", "0" }, ["migrate", "--preview"], ["backup", "--passphrase-stdin", "--out", Path.Combine(_folder, "b")] })
        {
            var refused = await SignetProcess.RunAsync(Data, new Dictionary<string, string>(), "correct horse battery staple\n", verb);
            refused.ExitCode.ShouldBe(1, verb[0]);
            refused.Error.ShouldContain("newer", customMessage: verb[0]);
        }
        (await SignetProcess.RunAsync(Data, "doctor")).Output.ShouldContain("newer");
        (await BoundedProcess.RunAsync("sqlite3", [database, "PRAGMA user_version"])).Output.Trim().ShouldBe("999");
    }

    private static Dictionary<string, string> On(string connection) => new() { ["SIGNET__Database__Kind"] = "postgres", ["SIGNET__Database__Connection"] = connection };

    private Task<Outcome> SendAsync() => SignetProcess.RunAsync(Data, "command", "send", "door-1", "open", "--wait=3s");

    /// <summary>Nobody restarts anything.</summary>
    private async Task RecoversAsync(SignetProcess signet)
    {
        await Eventually.Some(async () => (await HealthAsync(signet)).Code == "200" ? "yes" : null, "ready again", Patience);
        await Eventually.Some(async () => (await SendAsync()).ExitCode == 0 ? "yes" : null, "commands are executed again", Patience);
        var verified = await SignetProcess.RunAsync(Data, "audit", "verify");
        verified.ExitCode.ShouldBe(0, verified.Output + verified.Error);
    }

    private static async Task<(string Code, string Body)> HealthAsync(SignetProcess signet)
    {
        var answer = await BoundedProcess.RunAsync("curl", ["--silent", "--cacert", (string)signet.Ready["rootCertificate"]!, "--write-out", "\n%{http_code}", $"{(string)signet.Ready["console"]!}/healthz/ready"]);
        var end = answer.Output.LastIndexOf('\n');
        return (answer.Output[(end + 1)..], answer.Output[..end]);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var done = await BoundedProcess.RunAsync(program, arguments, directory: "/");
        done.ExitCode.ShouldBe(0, $"{program} {string.Join(' ', arguments)} (mounting needs root, or a container that may): {done.Errors}");
    }
}
