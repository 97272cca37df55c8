using System.Diagnostics;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>The demonstration's three devices, each a process of its own, as witnesses of the audit log.</summary>
public sealed class WitnessSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-witness-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    [Trait("row", "S0-26")]
    public async Task The_fleet_confirms_the_log_and_notices_when_all_of_it_is_put_back_to_an_earlier_day()
    {
        await using (await SignetProcess.UpAsync(Data, "--demo"))
        {
            // The devices have cosigned a checkpoint, and the log contains what they hold.
            await UntilAsync("--quorum", "3", 0);
            (await Run("device", "witness", "door-1")).ExitCode.ShouldBe(0);
            (await Run("audit", "witnesses", "--out", Path.Combine(_folder, "notes"))).ExitCode.ShouldBe(0);
            (await Run("audit", "export", "--out", Path.Combine(_folder, "log.ndjson"), "--trust-out", Path.Combine(_folder, "trust.pem"))).ExitCode.ShouldBe(0);
        }

        await ShouldCountWithoutTheCenterAsync();
        CopyOf("audit", "earlier");
        await using (await SignetProcess.UpAsync(Data, "--demo"))
        {
            for (var i = 0; i < 3; i++) (await Run("command", "send", "thermostat-1", "self-destruct")).ExitCode.ShouldBe(1);
            (await Run("audit", "checkpoint")).ExitCode.ShouldBe(0);
            await UntilAsync("--quorum", "3", 0);
        }

        // Database, keys, checkpoint, segments: everything of the log's directory is from before. Alone it looks right.
        Directory.Delete(Path.Combine(Data, "audit"), recursive: true);
        CopyOf("earlier", "audit");
        (await Run("audit", "verify", "--offline")).ExitCode.ShouldBe(0);
        var known = await Run("audit", "verify", "--offline", "--known", Path.Combine(Data, "device", "door-1", "state", "checkpoint"), "--json");
        (known.ExitCode, (string)known.Json["kind"]!).ShouldBe((4, "RolledBack"));

        await using (await SignetProcess.UpAsync(Data, "--demo"))
        {
            var watch = Stopwatch.StartNew();
            var alarms = 0;
            while (alarms < 3)
            {
                watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(45));
                alarms = (await Run("audit", "list", "--action", "witness-alarm", "--json")).Json["entries"]!.AsArray().Where(entry => (string)entry!["reason"]! != "unconfirmed").Select(entry => (string)entry!["actor"]!).Distinct().Count();
            }
            var count = await Run("audit", "verify", "--witnesses", "--json");
            (count.ExitCode, count.Json["witnesses"]!["alarms"]!.AsArray().Count).ShouldBe((4, 3));
            var onTheDevice = await Run("device", "witness", "door-1");
            (onTheDevice.ExitCode, onTheDevice.Error.Contains("ALARM", StringComparison.Ordinal)).ShouldBe((4, true));
            var settled = await Run("audit", "witnesses", "--settle", "door-1", "--reason", "a backup was restored", "--json");
            settled.ExitCode.ShouldBe(0, settled.Error);
        }

        (await Run("device", "witness", "door-1", "--forget")).ExitCode.ShouldBe(2);
        (await Run("device", "witness", "door-1", "--forget", "--yes")).ExitCode.ShouldBe(0);
        (await Run("device", "witness", "door-1")).ExitCode.ShouldBe(0);
    }

    // From the stopped center's rows, and as an auditor who holds the export, the keys of the witnesses and what they signed.
    private async Task ShouldCountWithoutTheCenterAsync()
    {
        var stopped = await Run("audit", "verify", "--offline", "--witnesses", "--quorum", "3");
        (stopped.ExitCode, stopped.Output.Contains("3 of 3 witnesses confirm entries 1 to ", StringComparison.Ordinal)).ShouldBe((0, true), stopped.Error);
        (await Run("audit", "verify", "--offline", "--witnesses", "--quorum", "4")).ExitCode.ShouldBe(4);
        string[] known = [.. Directory.GetFiles(Path.Combine(_folder, "notes")).SelectMany(note => new[] { "--known", note })];
        string[] export = ["audit", "verify", "--file", Path.Combine(_folder, "log.ndjson"), "--trust", Path.Combine(_folder, "trust.pem"), "--witnesses"];
        string[] keys = ["--witness-keys", Path.Combine(Data, "device", "door-1", "witnesses.json")];
        var auditor = await SignetProcess.RunAsync(null, [.. export, .. keys, .. known]);
        (auditor.ExitCode, auditor.Output.Contains("witnesses confirm entries 1 to ", StringComparison.Ordinal)).ShouldBe((0, true), auditor.Error);
        (await SignetProcess.RunAsync(null, [.. export, .. keys])).Error.ShouldContain("the quorum is not reached");
        (await SignetProcess.RunAsync(null, export)).ExitCode.ShouldBe(2);
        // A note whose cosignature was taken from another one counts for nothing.
        var lines = File.ReadAllLines(known[1]);
        File.WriteAllText(known[1], string.Join('\n', [.. lines[..^1], lines[^1].Replace(Path.GetFileNameWithoutExtension(known[1]), Path.GetFileNameWithoutExtension(known[3]), StringComparison.Ordinal)]) + "\n");
        (await SignetProcess.RunAsync(null, [.. export, .. keys, "--quorum", "3", .. known])).Error.ShouldContain("the quorum is not reached");
    }

    private async Task UntilAsync(string option, string value, int exit)
    {
        var watch = Stopwatch.StartNew();
        Outcome last;
        do
        {
            watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(45));
            last = await Run("audit", "verify", "--witnesses", option, value);
        }
        while (last.ExitCode != exit);
        last.Output.ShouldContain("3 of 3 witnesses confirm entries 1 to ");
    }

    private void CopyOf(string from, string to)
    {
        var target = Directory.CreateDirectory(Path.Combine(from == "audit" ? _folder : Data, to)).FullName;
        foreach (var file in Directory.GetFiles(Path.Combine(from == "audit" ? Data : _folder, from))) File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
    }

    private Task<Outcome> Run(params string[] arguments) => SignetProcess.RunAsync(Data, arguments);
}
