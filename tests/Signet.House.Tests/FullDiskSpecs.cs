using System.Text.Json.Nodes;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>A house whose disk is full: a small file system in memory that is filled to its last page.</summary>
public sealed class FullDiskSpecs : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-full-").FullName;
    private string? _mounted;

    private string Data => Path.Combine(_folder, "data");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_mounted is not null) await SystemAsync("umount", "-l", _mounted);
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    [Trait("row", "S0-26")]
    public async Task While_the_disk_is_full_only_cutting_off_and_an_administrators_sign_in_work_everybody_is_told_and_it_recovers_by_itself()
    {
        await MountAsync(_folder, "64m");
        await using var signet = await SignetProcess.UpAsync(Data, "--demo");
        var console = (string)signet.Ready["console"]!;
        Fill(_folder);

        // Refused, and said by every mouth.
        var spare = 0;
        await UntilAsync(async () => (await Run("device", "add", $"lamp-{spare++}", "--kind", "valve")).Error.Contains("(audit-unavailable)", StringComparison.Ordinal));
        (await Run("command", "send", "valve-1", "check-status")).ExitCode.ShouldBe(1);
        await SaidAsync(console, "");

        // Quarantine, sign-in and revocation go on and are on the record.
        var token = (string)signet.Ready["token"]!;
        (await CurlAsync("-X", "PATCH", "-H", $"Authorization: Bearer {token}", "-H", "Content-Type: application/json", "-d", "{\"enabled\":false}", $"{console}/api/v1/devices/thermostat-1")).ShouldContain("\"enabled\":false");
        var page = await SignInAsync(signet, console);
        page.ShouldContain("Only emergencies are recorded.");
        (await Run("cert", "revoke", "--device", "door-1", "--reason", "key-compromise", "--yes")).ExitCode.ShouldBe(0);
        await SaidAsync(console, "only emergencies are recorded");
        (await Run("device", "add", "lamp-x", "--kind", "valve")).Error.ShouldContain("(audit-unavailable)");

        File.Delete(Path.Combine(_folder, "filler"));
        await UntilAsync(async () => (await Run("status")).ExitCode == 0);
        await UntilAsync(async () => (await Run("command", "send", "valve-1", "check-status", "--wait")).ExitCode == 0);
        var entries = (await Run("audit", "list", "--limit", "200", "--json")).Json["entries"]!.AsArray().Select(entry => $"{entry!["actor"]} {entry["action"]} {entry["outcome"]}").ToList();
        string[] recorded = ["local-operator certificate-revoked success", "admin sign-in success", "signet log-recovered success"];
        recorded.ShouldBeSubsetOf(entries);
        entries.ShouldContain(entry => entry.EndsWith(" device-disabled success", StringComparison.Ordinal));
        (await Run("audit", "verify")).ExitCode.ShouldBe(0);
        new FileInfo(Path.Combine(Data, "audit", "reserve")).Length.ShouldBe(8 << 20);
    }

    [Fact]
    [Trait("row", "S0-13")]
    public async Task The_terminal_says_once_that_the_log_takes_nothing_however_much_is_refused_and_once_that_it_takes_entries_again()
    {
        await MountAsync(_folder, "64m");
        await using var signet = await SignetProcess.OnTerminalAsync(Data, "--demo");
        var (console, password) = (Told(signet, "console"), Told(signet, "password"));
        var jar = Path.Combine(Path.GetTempPath(), Path.GetFileName(_folder) + ".jar");
        try
        {
            await SignInAsync(jar, console, password);
            Fill(_folder);

            var refused = 0;
            await UntilAsync(async () => (refused += (await Run("device", "add", $"lamp-{refused}", "--kind", "valve")).Error.Contains("(audit-unavailable)", StringComparison.Ordinal) ? 1 : 0) == 8);
            await UntilAsync(() => Task.FromResult(Said(signet.Terminal.Output, Stops) > 0 && Said(signet.Terminal.Errors, "THE AUDIT LOG") > 0));
            (await CurlAsync("-b", jar, "-c", jar, $"{console}/audit")).ShouldContain("The log takes no entries, so commands and administration are refused.");
            await SaidAsync(console, "disk full");
            // It is tried with every act and once a second, by people, devices and itself: on each stream one line, in the first try's words.
            var (output, errors) = signet.Terminal;
            (Said(output, Stops), Said(errors, "THE AUDIT LOG"), Said(output, GoesOn) + Said(errors, GoesOn)).ShouldBe((1, 1, 0), string.Join('\n', [.. output, .. errors]));
            output.Single(line => line.Contains(Stops, StringComparison.Ordinal)).ShouldMatch(@"^THE AUDIT LOG TAKES NOTHING, commands and administration are refused: \S*: disk full\. Free some space; nothing that was acknowledged is lost\.$");

            File.Delete(Path.Combine(_folder, "filler"));
            await UntilAsync(async () => (await Run("status")).ExitCode == 0);
            await UntilAsync(async () => (await Run("audit", "list", "--action", "log-recovered", "--json")).Json["entries"]!.AsArray().Count == 1);
            await UntilAsync(() => Task.FromResult(Said(signet.Terminal.Output, GoesOn) > 0 && Said(signet.Terminal.Errors, GoesOn) > 0));
            (output, errors) = signet.Terminal;
            (Said(output, Stops), Said(errors, "THE AUDIT LOG"), Said(output, GoesOn), Said(errors, GoesOn)).ShouldBe((1, 1, 1, 1), string.Join('\n', [.. output, .. errors]));
        }
        finally
        {
            File.Delete(jar);
        }
    }

    private const string Stops = "THE AUDIT LOG TAKES", GoesOn = "audit log takes entries again";

    private static int Said(IReadOnlyList<string> lines, string words) => lines.Count(line => line.Contains(words, StringComparison.Ordinal));

    // "  password   k3J...   (shown this once)"
    private static string Told(SignetProcess signet, string name) => signet.Terminal.Output.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).First(words => words is [var first, _, ..] && first == name)[1];

    [Fact]
    public async Task With_whenUnavailable_continue_acts_go_on_and_their_entries_follow_marked_late()
    {
        (await Run("init")).ExitCode.ShouldBe(0);
        // Only the log's own directory is on the small disk.
        var audit = Path.Combine(Data, "audit");
        Directory.Move(audit, audit + ".kept");
        Directory.CreateDirectory(audit, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await MountAsync(audit, "16m");
        await SystemAsync("cp", "-a", audit + ".kept/.", audit);
        await using (await SignetProcess.UpAsync(Data, new Dictionary<string, string> { ["SIGNET__Audit__WhenUnavailable"] = "continue" }))
        {
            Fill(audit);
            var added = 0;
            await UntilAsync(async () =>
            {
                (await Run("device", "add", $"lamp-{added++}", "--kind", "valve")).ExitCode.ShouldBe(0);
                return (await Run("status")).Output.Contains("CANNOT BE WRITTEN", StringComparison.Ordinal);
            });
            File.Delete(Path.Combine(audit, "filler"));
            JsonNode? late = null;
            await UntilAsync(async () => (late = (await Run("audit", "list", "--action", "device-added", "--json")).Json["entries"]!.AsArray().FirstOrDefault(entry => (string)entry!["subject"]! == $"lamp-{added - 1}")) is not null);
            ((string?)late!["details"]!["late"]).ShouldNotBeNull();
            (await Run("audit", "verify")).ExitCode.ShouldBe(0);
        }
    }

    private async Task SaidAsync(string console, string words)
    {
        var status = await Run("status");
        (status.ExitCode, status.Output.Contains("CANNOT BE WRITTEN", StringComparison.Ordinal)).ShouldBe((1, true), status.Output);
        status.Output.ShouldContain(words);
        var ready = await CurlAsync("-w", " %{http_code}", $"{console}/healthz/ready");
        ready.ShouldContain("\"audit\"");
        ready.ShouldEndWith(" 503");
    }

    private async Task<string> SignInAsync(SignetProcess signet, string console)
    {
        var jar = Path.Combine(Path.GetTempPath(), Path.GetFileName(_folder) + ".jar");
        try
        {
            await SignInAsync(jar, console, (string)signet.Ready["admin"]!["password"]!);
            return await CurlAsync("-b", jar, $"{console}/audit");
        }
        finally
        {
            File.Delete(jar);
        }
    }

    private static async Task SignInAsync(string jar, string console, string password)
    {
        var form = await CurlAsync("-c", jar, $"{console}/login");
        var mark = "name=\"__RequestVerificationToken\" type=\"hidden\" value=\"";
        var at = form.IndexOf(mark, StringComparison.Ordinal) + mark.Length;
        at.ShouldBeGreaterThan(mark.Length);
        (await CurlAsync("-b", jar, "-c", jar, "-w", "%{http_code}", "--data-urlencode", $"__RequestVerificationToken={form[at..form.IndexOf('"', at)]}", "--data-urlencode", "Name=admin", "--data-urlencode", $"Password={password}", $"{console}/login"))
            .ShouldEndWith("302");
    }

    private async Task MountAsync(string at, string size)
    {
        await SystemAsync("mount", "-t", "tmpfs", "-o", $"size={size},mode=700", "tmpfs", at);
        _mounted = at;
    }

    private static void Fill(string folder)
    {
        using var file = new FileStream(Path.Combine(folder, "filler"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true) file.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // full
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (!await isSo()) watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(60));
    }

    private static async Task<string> CurlAsync(params string[] arguments) => (await Peer.RunAsync("curl", ["-sk", "--max-time", "20", .. arguments])).Output;

    private static async Task SystemAsync(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(program, arguments) { UseShellExecute = false })!;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.ShouldBe(0, $"{program} needs the right to mount: run the tests as root or in a container that may");
    }

    private Task<Outcome> Run(params string[] arguments) => SignetProcess.RunAsync(Data, arguments);
}
