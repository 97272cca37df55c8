using System.Diagnostics;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>What must hold over a kill -9 although the database never heard of it, and what must not be done twice.</summary>
public sealed class CutOffSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-cutoff-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_quarantine_holds_over_a_kill_while_the_database_takes_nothing_and_a_key_over_both()
    {
        string bulk;
        var signet = await SignetProcess.UpAsync(Data, "--demo");
        await using (signet)
        {
            var changed = await RunAsync("device", "change", "all", "add-tag", "winter", "--idempotency-key", "night-1", "--json");
            changed.ExitCode.ShouldBe(0, changed.Error);
            bulk = (string)changed.Json["id"]!;
            // Another program has the database to itself.
            using var rival = Process.Start(new ProcessStartInfo("sqlite3", [Path.Combine(Data, "signet.db")]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
            await rival.StandardInput.WriteLineAsync("BEGIN IMMEDIATE; SELECT 'held';");
            (await rival.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60))).ShouldBe("held");
            var refused = await RunAsync("device", "change", "door-1", "quarantine", "--json");
            (refused.ExitCode, refused.Output.Contains("door-1 is cut off, and stays so", StringComparison.Ordinal)).ShouldBe((1, true), refused.Output + refused.Error);
            await signet.KillAsync();
            rival.Kill();
            await rival.WaitForExitAsync();
        }

        await using var again = await SignetProcess.UpAsync(Data, "--demo");
        (await IsEnabledAsync("door-1")).ShouldBeFalse();
        (await IsEnabledAsync("valve-1")).ShouldBeTrue();
        var repeated = await RunAsync("device", "change", "all", "add-tag", "winter", "--idempotency-key", "night-1", "--json");
        ((string)repeated.Json["id"]!).ShouldBe(bulk, "the report of before");
        var other = await RunAsync("device", "change", "all", "add-tag", "summer", "--idempotency-key", "night-1");
        (other.ExitCode, other.Error.Contains("was used for another change", StringComparison.Ordinal)).ShouldBe((1, true), other.Error);
        (await RunAsync("audit", "list", "--action", "devices-changed", "--json")).Json["entries"]!.AsArray().Select(entry => (string)entry!["details"]!["change"]!).ShouldBe(["quarantine", "add-tag"], "each once");
    }

    private async Task<bool> IsEnabledAsync(string name) => (bool)(await RunAsync("device", "list", "--json")).Json["devices"]!.AsArray().Single(device => (string)device!["name"]! == name)!["enabled"]!;

    private Task<Outcome> RunAsync(params string[] arguments) => SignetProcess.RunAsync(Data, arguments);
}
