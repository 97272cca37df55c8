using System.Text.Json.Nodes;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>
/// kill -9 at the very moment a step is to become durable, on the device and in the center (with its broker): strace kills at the n-th sync of a thread. Six kills; sixty with SIGNET_FULL=1. The
/// command is of a kind that must not run twice (its handler is not idempotent), so the device's own journal tells how often it began.
/// </summary>
public sealed class KillAtSyncSpecs : IDisposable
{
    private static readonly int Steps = Environment.GetEnvironmentVariable("SIGNET_FULL") == "1" ? 30 : 3;
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-kill-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_device_killed_at_each_sync_begins_each_command_once_and_every_command_ends_with_evidence()
    {
        await using var center = await SignetProcess.UpAsync(Data);
        (await SignetProcess.RunAsync(Data, "device", "add", "lamp-1", "--kind", "lamp", "--allow", "blink")).ExitCode.ShouldBe(0);
        var killed = 0;
        for (var step = 1; step <= Steps; step++)
        {
            var id = await QueueAsync();
            await using (var device = SignetProcess.KilledAtSync(step, Data, "device", "run", "lamp-1"))
            {
                // A thread that syncs less often than that is not killed by strace: then by us, at whatever it does.
                if (await device.EndsWithinAsync(TimeSpan.FromSeconds(8))) killed++;
                device.KillTree();
                await device.EndAsync();
            }

            await using var again = await SignetProcess.RunningAsync(Data, "device", "run", "lamp-1", "--json");
            (await SettledAsync(id)).ShouldBeOneOf("executed", "interrupted");
            again.KillTree();
        }

        killed.ShouldBeGreaterThan(0, "no sync was met: the test shows nothing");
        Begun().Values.ShouldAllBe(count => count == 1);
        (await SignetProcess.RunAsync(Data, "audit", "verify")).ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task A_center_killed_at_each_sync_sends_each_command_once_and_every_command_ends_with_evidence()
    {
        var ids = new List<string>();
        var killed = 0;
        for (var step = 0; step <= Steps; step++)
        {
            // Each start takes a free port and writes it into the device's home, so the device starts with it.
            await using var center = await SignetProcess.UpAsync(Data);
            if (step == 0) (await SignetProcess.RunAsync(Data, "device", "add", "lamp-1", "--kind", "lamp", "--allow", "blink")).ExitCode.ShouldBe(0);
            ids.Add(await QueueAsync()); // waits for the device
            using var strace = step == Steps ? null : await center.KillAtSyncAsync(step + 1);
            await using var device = SignetProcess.Begin(Data, "device", "run", "lamp-1");
            if (strace is null)
            {
                foreach (var id in ids) (await SettledAsync(id)).ShouldBeOneOf("executed", "interrupted");
                (await SignetProcess.RunAsync(Data, "audit", "verify")).ExitCode.ShouldBe(0);
                device.KillTree();
                continue;
            }

            if (await center.EndsWithinAsync(TimeSpan.FromSeconds(6))) killed++;
            center.KillTree();
            await strace.WaitForExitAsync();
            device.KillTree();
        }

        killed.ShouldBeGreaterThan(0, "no sync was met: the test shows nothing");
        Begun().Values.ShouldAllBe(count => count == 1);
    }

    private async Task<string> QueueAsync()
    {
        var queued = await SignetProcess.RunAsync(Data, "command", "send", "lamp-1", "blink", "--queue", "1h", "--json");
        queued.ExitCode.ShouldBe(0, queued.Error);
        return (string)queued.Json["id"]!;
    }

    private async Task<string> SettledAsync(string id)
    {
        for (var look = 0; look < 120; look++)
        {
            var shown = await SignetProcess.RunAsync(Data, "command", "show", id, "--json");
            if (shown.ExitCode == 0 && (string)shown.Json["state"]! is ("executed" or "interrupted" or "failed" or "rejected") and var state) return state;
            await Task.Delay(250);
        }

        throw new TimeoutException($"{id} did not end");
    }

    /// <summary>How often each command began, from the device's own journal (docs/spec/device-home.md).</summary>
    private Dictionary<string, int> Begun()
    {
        var begun = File.ReadLines(Path.Combine(Data, "device", "lamp-1", "state", "journal")).Where(line => line.Contains("\"t\":\"begun\"", StringComparison.Ordinal))
            .CountBy(line => (string)JsonNode.Parse(line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..])!["id"]!).ToDictionary(pair => pair.Key, pair => pair.Value);
        begun.ShouldNotBeEmpty("no command began at all: the test shows nothing");
        return begun;
    }
}
