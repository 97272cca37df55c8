using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>Starting, stopping and starting again, as a person does it.</summary>
public sealed class UpSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-up-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    [Trait("row", "S0-10")]
    public async Task The_first_start_makes_everything_and_the_second_finds_it_again()
    {
        string fingerprint;
        await using (var first = await SignetProcess.UpAsync(Data, "--demo"))
        {
            var ready = first.Ready;
            ((string)ready["console"]!).ShouldStartWith("https://localhost:");
            ((string)ready["mqtt"]!).ShouldStartWith("mqtts://localhost:");
            ((string)ready["pki"]!).ShouldStartWith("http://localhost:");
            ((string)ready["data"]!).ShouldBe(Data);
            ((string)ready["admin"]!["user"]!).ShouldBe("admin");
            ((string)ready["admin"]!["password"]!).Length.ShouldBeGreaterThanOrEqualTo(12);
            ((string)ready["token"]!).Length.ShouldBeGreaterThanOrEqualTo(32);
            ready.ContainsKey("mqttPassword").ShouldBeTrue();
            ready.ContainsKey("auth").ShouldBeTrue();
            fingerprint = await File.ReadAllTextAsync((string)ready["rootCertificate"]!);
            var (code, error) = await first.InterruptAsync();
            code.ShouldBe(0, error);
        }

        await using var second = await SignetProcess.UpAsync(Data, "--demo");
        second.Ready["admin"]!["password"].ShouldBeNull("a password is shown once");
        ((string)second.Ready["token"]!).Length.ShouldBeGreaterThanOrEqualTo(32);
        (await File.ReadAllTextAsync((string)second.Ready["rootCertificate"]!)).ShouldBe(fingerprint);
        (await second.InterruptAsync()).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task A_start_writes_nothing_outside_its_data_directory_and_warns_of_nothing()
    {
        var home = Directory.CreateDirectory(Path.Combine(_folder, "home")).FullName;
        await using var signet = await SignetProcess.UpAsync(Data, new Dictionary<string, string> { ["HOME"] = home, ["DOTNET_CLI_HOME"] = home }, "--demo");
        var page = await Peer.RunAsync("curl", ["-sf", "--cacert", (string)signet.Ready["rootCertificate"]!, $"{signet.Ready["console"]}/login"]);
        page.Output.ShouldContain("</form>", customMessage: page.Error);
        var (code, error) = await signet.InterruptAsync();
        code.ShouldBe(0, error);
        Directory.EnumerateFileSystemEntries(home).ShouldBeEmpty();
        error.ShouldNotContain("warn:");
    }

    [Fact]
    [Trait("row", "S0-13")]
    public async Task What_is_written_to_the_audit_log_is_shown_on_the_terminal_too()
    {
        await using var signet = await SignetProcess.UpAsync(Data, "--demo");
        var shown = signet.Events.Where(happening => (string?)happening["event"] == "audit").ToDictionary(happening => (long)happening["seq"]!);
        shown.Values.ShouldContain(happening => (string)happening["action"]! == "connected" && (string)happening["actor"]! == "door-1");
        var stored = (await SignetProcess.RunAsync(Data, "audit", "list", "--json", "--limit", "100")).Json["entries"]!.AsArray().ToDictionary(entry => (long)entry!["seq"]!);
        foreach (var (number, happening) in shown)
            ((string)stored[number]!["action"]!).ShouldBe((string)happening["action"]!);
    }

    [Fact]
    public async Task Ctrl_C_ends_the_children_too_within_ten_seconds()
    {
        await using var signet = await SignetProcess.UpAsync(Data, "--demo");
        var children = SignetProcess.ChildrenOf(signet.Id);
        children.Count.ShouldBe(3);
        var watch = Stopwatch.StartNew();
        (await signet.InterruptAsync()).ExitCode.ShouldBe(0);
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        await GoneAsync(children);
    }

    [Fact]
    public async Task Kill_9_leaves_no_children_and_the_next_start_works_and_the_log_verifies()
    {
        var signet = await SignetProcess.UpAsync(Data, "--demo");
        var children = SignetProcess.ChildrenOf(signet.Id);
        await signet.KillAsync();
        await GoneAsync(children);
        await signet.DisposeAsync();

        await using var again = await SignetProcess.UpAsync(Data, "--demo");
        var verified = await SignetProcess.RunAsync(Data, "audit", "verify");
        verified.ExitCode.ShouldBe(0, verified.Error);
        (await SignetProcess.RunAsync(Data, "command", "send", "thermostat-1", "read-temperature", "--wait")).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task A_second_up_on_the_same_directory_is_refused_in_one_line()
    {
        await using var signet = await SignetProcess.UpAsync(Data, "--demo");
        var second = await SignetProcess.RunAsync(Data, "up", "--demo", "--port-console", "0", "--port-mqtt", "0", "--port-pki", "0");
        second.ExitCode.ShouldBe(1);
        OneLine(second.Error).ShouldContain(signet.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }

    [Theory]
    [InlineData("--port-console")]
    [InlineData("--port-mqtt")]
    [InlineData("--port-pki")]
    public async Task A_port_that_is_taken_is_named(string flag)
    {
        using var taker = new TcpListener(IPAddress.Loopback, 0);
        taker.Start();
        var port = ((IPEndPoint)taker.LocalEndpoint).Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        string[] ports = [.. new[] { "--port-console", "--port-mqtt", "--port-pki" }.SelectMany(name => new[] { name, name == flag ? port : "0" })];
        var refused = await SignetProcess.RunAsync(Data, ["up", .. ports]);
        refused.ExitCode.ShouldBe(1);
        OneLine(refused.Error).ShouldContain(port);
    }

    [Fact]
    public async Task A_key_that_others_can_read_stops_the_start_and_says_how_to_mend_it()
    {
        (await SignetProcess.RunAsync(Data, "init")).ExitCode.ShouldBe(0);
        var key = Path.Combine(Data, "pki", "intermediate.key");
        File.SetUnixFileMode(key, File.GetUnixFileMode(key) | UnixFileMode.OtherRead);
        var refused = await SignetProcess.RunAsync(Data, "up", "--port-console", "0", "--port-mqtt", "0", "--port-pki", "0");
        refused.ExitCode.ShouldBe(1);
        OneLine(refused.Error).ShouldContain("chmod 600 " + key);
    }

    [Fact]
    public async Task Half_of_a_data_directory_is_refused_in_one_line()
    {
        (await SignetProcess.RunAsync(Data, "init")).ExitCode.ShouldBe(0);
        File.Delete(Path.Combine(Data, "pki", "intermediate.crt"));
        var refused = await SignetProcess.RunAsync(Data, "up", "--port-console", "0", "--port-mqtt", "0", "--port-pki", "0");
        refused.ExitCode.ShouldBe(1);
        OneLine(refused.Error).ShouldContain("intermediate.crt");
    }

    [Fact]
    public async Task A_wrong_key_in_the_settings_is_named_with_the_right_one()
    {
        var file = Path.Combine(_folder, "signet.json");
        await File.WriteAllTextAsync(file, """{"port":{"mqtt":1}}""");
        var refused = await SignetProcess.RunAsync(Data, "up", "--config", file);
        refused.ExitCode.ShouldBe(2);
        OneLine(refused.Error).ShouldContain("unknown key \"port:mqtt\" (did you mean \"ports:mqtt\"?)");
        Directory.Exists(Data).ShouldBeFalse("nothing is made before the settings are good");
    }

    [Fact]
    public async Task Settings_come_from_the_file_then_the_environment_then_flags_and_their_origin_is_shown()
    {
        var file = Path.Combine(_folder, "signet.json");
        await File.WriteAllTextAsync(file, """{"ports":{"mqtt":1111,"pki":2222}}""");
        var printed = await SignetProcess.RunAsync(Data, "up", "--config", file, "--port-pki", "3333", "--print-config", "--json");
        var settings = printed.Json["settings"]!.AsArray();
        settings.Single(row => (string)row!["key"]! == "ports:mqtt")!["value"]!.GetValue<string>().ShouldBe("1111");
        var pki = settings.Single(row => (string)row!["key"]! == "ports:pki")!;
        ((string)pki["value"]!, (string)pki["origin"]!).ShouldBe(("3333", "--port-pki"));
    }

    [Theory]
    [InlineData("""{"oidc":{"issuer":"http://id.example.org","clientId":"c"}}""", "oidc:issuer must be an https:// address")]
    [InlineData("""{"oidc":{"clientId":"c"}}""", "oidc:issuer is not")]
    [InlineData("""{"oidc":{"issuer":"https://id.example.org"}}""", "oidc:clientId is empty")]
    [InlineData("""{"oidc":{"issuer":"https://id.example.org","clientId":"c","roleClaim":"groups"}}""", "belong together")]
    [InlineData("""{"oidc":{"issuer":"https://id.example.org","clientId":"c","roleClaim":"groups","adminValues":"a","viewerValues":"b, a"}}""", "means two roles")]
    [InlineData("""{"oidc":{"issuer":"https://id.example.org","clientId":"c","clientSecretFile":"/etc/hostname"}}""", "/etc/hostname")]
    public async Task A_sign_in_provider_that_is_set_half_stops_the_start_and_says_what_is_missing(string settings, string words)
    {
        var file = Path.Combine(_folder, "signet.json");
        await File.WriteAllTextAsync(file, settings);
        var refused = await SignetProcess.RunAsync(Data, "up", "--config", file, "--port-console", "0", "--port-mqtt", "0", "--port-pki", "0");
        refused.ExitCode.ShouldNotBe(0);
        OneLine(refused.Error).ShouldContain(words);
        Directory.Exists(Data).ShouldBeFalse("nothing is made before the settings are good");
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("192.0.2.1")]
    public async Task The_demo_listens_on_loopback_only(string address)
    {
        var refused = await SignetProcess.RunAsync(Data, "up", "--demo", "--listen", address);
        refused.ExitCode.ShouldBe(2);
        OneLine(refused.Error).ShouldContain("loopback");
    }

    [Fact]
    public async Task A_real_installation_is_not_turned_into_a_demonstration()
    {
        (await SignetProcess.RunAsync(Data, "init")).ExitCode.ShouldBe(0);
        var refused = await SignetProcess.RunAsync(Data, "up", "--demo", "--port-console", "0", "--port-mqtt", "0", "--port-pki", "0");
        refused.ExitCode.ShouldBe(1);
        OneLine(refused.Error).ShouldContain("real installation");
    }

    [Fact]
    public async Task Without_a_running_center_commands_end_with_not_reachable()
    {
        var refused = await SignetProcess.RunAsync(Data, "device", "list");
        refused.ExitCode.ShouldBe(3);
        OneLine(refused.Error).ShouldContain("signet up");
    }

    [Fact]
    public async Task Wrong_usage_ends_with_two_and_points_to_help()
    {
        var refused = await SignetProcess.RunAsync(Data, "device", "frobnicate");
        refused.ExitCode.ShouldBe(2);
        OneLine(refused.Error).ShouldContain("--help");
    }

    [Fact]
    [Trait("row", "S0-9")]
    public async Task Init_exports_the_first_audit_key_once_and_does_not_keep_it()
    {
        var keyFile = Path.Combine(_folder, "audit.key");
        (await SignetProcess.RunAsync(Data, "init", "--audit-key-out", keyFile)).ExitCode.ShouldBe(0);
        File.GetUnixFileMode(keyFile).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var line = (await File.ReadAllTextAsync(keyFile)).Trim();
        line.ShouldStartWith("signet-audit-first-key-v1 ");
        var key = Convert.FromBase64String(line.Split(' ')[1]);
        key.Length.ShouldBe(32);
        foreach (var file in Directory.EnumerateFiles(Data, "*", SearchOption.AllDirectories))
            (await File.ReadAllBytesAsync(file)).AsSpan().IndexOf(key).ShouldBe(-1, file);
        File.Exists(Path.Combine(Data, "audit", "first.key")).ShouldBeFalse();
    }

    private static string OneLine(string error)
    {
        error.TrimEnd('\n').Split('\n').Length.ShouldBe(1, error);
        return error;
    }

    private static async Task GoneAsync(IReadOnlyList<int> processes)
    {
        var watch = Stopwatch.StartNew();
        while (processes.Any(id => Directory.Exists($"/proc/{id}") && !File.ReadAllText($"/proc/{id}/stat").Contains(") Z ", StringComparison.Ordinal)))
        {
            watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10), "the children of a program that is gone end by themselves");
            await Task.Delay(50);
        }
    }
}
