using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>kill -9 at any moment, then <c>up</c> again. Ten kills; a hundred with SIGNET_FULL=1.</summary>
public sealed class KillSpecs : IDisposable
{
    private static readonly int Kills = Environment.GetEnvironmentVariable("SIGNET_FULL") == "1" ? 100 : 10;
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-kill-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task After_every_kill_the_house_starts_the_log_verifies_and_no_command_ran_twice()
    {
        var data = Path.Combine(_folder, "data");
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var kill = 0; kill < Kills; kill++)
        {
            var signet = await SignetProcess.UpAsync(data, "--demo");
            using var stop = new CancellationTokenSource();
            var sending = SendAsync(data, stop.Token);
            await Task.Delay(random.Next(0, 1500));
            await signet.KillAsync();
            await stop.CancelAsync();
            await sending;
            await signet.DisposeAsync();
        }

        await using var last = await SignetProcess.UpAsync(data, "--demo");
        var verified = await SignetProcess.RunAsync(data, "audit", "verify");
        verified.ExitCode.ShouldBe(0, $"seed {seed}: {verified.Error}");
        ExecutionsOf(Path.Combine(data, "device", "valve-1", "state", "journal")).Where(count => count.Value > 1).ShouldBeEmpty($"seed {seed}");
        (await SignetProcess.RunAsync(data, "command", "send", "valve-1", "check-status", "--wait")).ExitCode.ShouldBe(0);
    }

    private static async Task SendAsync(string data, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
            await SignetProcess.RunAsync(data, "command", "send", "valve-1", "check-status"); // refused or cut off as it may be
    }

    /// <summary>How often each command began on the device, from its own journal (docs/spec/device-home.md).</summary>
    private static Dictionary<string, int> ExecutionsOf(string journal)
    {
        var begun = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(journal).Where(line => line.Contains("\"t\":\"begun\"", StringComparison.Ordinal)))
        {
            var id = (string)System.Text.Json.Nodes.JsonNode.Parse(line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..])!["id"]!;
            begun[id] = begun.GetValueOrDefault(id) + 1;
        }

        return begun.Count > 0 ? begun : throw new InvalidOperationException("no command began at all: the test shows nothing");
    }
}
