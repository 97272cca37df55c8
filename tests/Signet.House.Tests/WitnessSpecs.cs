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
        }

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
                alarms = (await Run("audit", "list", "--action", "witness-alarm", "--json")).Json["entries"]!.AsArray().Select(entry => (string)entry!["actor"]!).Distinct().Count();
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
