using System.Text.Json.Nodes;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>
/// The center (with its broker) is killed between signing a command and publishing it: at the sync of the command's row in signet.db. SQLite has then handed the whole transaction to the system, which
/// outlives the process, so the next start finds a command that is signed, on the record, and that no device can have seen.
/// </summary>
public sealed class KillBeforePublishSpecs : IDisposable
{
    private const int Tries = 4;
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(13);
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-kill-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory, InlineData(false), InlineData(true)]
    public async Task The_same_bytes_go_out_after_the_start_and_the_device_executes_them_once(bool isIntent)
    {
        for (var attempt = 1; ; attempt++)
        {
            await using (var center = await SignetProcess.UpAsync(Data))
            {
                if (attempt == 1)
                {
                    (await SignetProcess.RunAsync(Data, "device", "add", "lamp-1", "--kind", "lamp", "--allow", "blink")).ExitCode.ShouldBe(0);
                    Quieten();
                }

                await using var device = await SignetProcess.RunningAsync(Data, "device", "run", "lamp-1", "--json");
                if (isIntent)
                {
                    // Its session stays at the broker, so what is published while it is away waits for it.
                    device.KillTree();
                    (await SignetProcess.RunAsync(Data, "command", "send", "lamp-1", "blink", "--queue", "1h")).ExitCode.ShouldBe(0);
                }

                await WhenQuietAsync();
                using var strace = await center.KillAtSyncAsync(1, Path.Combine(Data, "signet.db-wal"));
                await using var comes = isIntent ? SignetProcess.Begin(Data, "device", "run", "lamp-1") : null; // and the center sends what waited
                if (!isIntent) await SignetProcess.RunAsync(Data, "command", "send", "lamp-1", "blink");
                (await center.EndsWithinAsync(TimeSpan.FromSeconds(10))).ShouldBeTrue("nothing was written");
                await strace.WaitForExitAsync();
                device.KillTree();
                comes?.KillTree();
            }

            await using var again = await SignetProcess.UpAsync(Data);
            var newest = (await SignetProcess.RunAsync(Data, "command", "list", "--json")).Json["commands"]!.AsArray().FirstOrDefault() as JsonObject;
            if (newest is null || (int)newest["attempts"]! != 1 || (string)newest["state"]! is not ("draft" or "sent"))
            {
                // Another sync was met: of the device's presence.
                attempt.ShouldBeLessThan(Tries, $"the sync of the signed command's row was never met: {newest?.ToJsonString()}");
                if (newest is not null) await SignetProcess.RunAsync(Data, "command", "cancel", (string)newest["id"]!);
                continue;
            }

            var id = (string)newest["id"]!;
            Begun().ShouldNotContainKey(id, "killed before anything of it was published");
            await using var back = await SignetProcess.RunningAsync(Data, "device", "run", "lamp-1", "--json");
            var settled = await SettledAsync(id);
            ((string)settled["state"]!).ShouldBe("executed", settled.ToJsonString());
            ((int)settled["attempts"]!).ShouldBe(1, "signed once, before the kill");
            Begun()[id].ShouldBe(1);
            (await SignetProcess.RunAsync(Data, "audit", "verify")).ExitCode.ShouldBe(0);
            back.KillTree();
            return;
        }
    }

    // What coming and going left to be written has been written: a checkpoint comes at the latest 10 s after an entry, and with it the device's cosignature, which is a row too. Only heartbeats are left, every 30 s.
    private async Task WhenQuietAsync()
    {
        string[] logs = [Path.Combine(Data, "signet.db-wal"), Path.Combine(Data, "audit", "audit.db-wal")];
        for (var look = 0; look < 240 && DateTime.UtcNow - logs.Max(File.GetLastWriteTimeUtc) < Quiet; look++) await Task.Delay(500);
    }

    // Readings would be written beside the command, and a sync of theirs would be met first.
    private void Quieten()
    {
        var path = Path.Combine(Data, "device", "lamp-1", "device.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"version\": 1,", "\"version\": 1, \"telemetrySeconds\": 3600,", StringComparison.Ordinal));
    }

    private async Task<JsonObject> SettledAsync(string id)
    {
        for (var look = 0; look < 120; look++)
        {
            var shown = await SignetProcess.RunAsync(Data, "command", "show", id, "--json");
            if (shown.ExitCode == 0 && (string)shown.Json["state"]! is not ("draft" or "queued" or "sent" or "delivered")) return shown.Json;
            await Task.Delay(250);
        }

        throw new TimeoutException($"{id} did not end: {(await SignetProcess.RunAsync(Data, "command", "show", id)).Output}");
    }

    /// <summary>How often each command began, from the device's own journal (docs/spec/device-home.md).</summary>
    private Dictionary<string, int> Begun()
    {
        var journal = Path.Combine(Data, "device", "lamp-1", "state", "journal");
        return File.ReadLines(journal).Where(line => line.Contains("\"t\":\"begun\"", StringComparison.Ordinal))
            .CountBy(line => (string)JsonNode.Parse(line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..])!["id"]!).ToDictionary(pair => pair.Key, pair => pair.Value);
    }
}
