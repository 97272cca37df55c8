using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace Signet.Audit.Tests;

/// <summary>A child process appends from sixteen callers, says each entry it was promised, and is killed without warning; again and again on one log.</summary>
public class KilledWriterSpecs
{
    private const string Variable = "SIGNET_TEST_AUDIT_WRITER", ServerVariable = "SIGNET_TEST_AUDIT_SERVER";

    // Ten; two hundred with SIGNET_FULL=1, or as many as are wanted.
    private static readonly int Kills = int.TryParse(Environment.GetEnvironmentVariable("SIGNET_KILLS"), CultureInfo.InvariantCulture, out var wanted) ? wanted : Environment.GetEnvironmentVariable("SIGNET_FULL") == "1" ? 200 : 10;

    [Fact]
    public async Task No_acknowledged_entry_is_lost_when_the_writer_is_killed_again_and_again()
    {
        using var home = new AuditHome();
        var random = new Random(9);
        var acknowledged = new Dictionary<long, string>();
        for (var round = 0; round < Kills; round++)
        {
            foreach (var (sequence, mac) in await RunAndKillAsync(home, TimeSpan.FromMilliseconds(random.Next(30, 400)))) acknowledged.Add(sequence, mac);
            home.Verify().Summary.ShouldStartWith("intact");
        }
        acknowledged.Count.ShouldBeGreaterThan(1_000);
        await using var log = await home.OpenAsync(home.Options with { ExportFirstKey = null });
        foreach (var (sequence, mac) in acknowledged)
            Convert.ToHexString((await log.FindAsync(sequence))!.Mac).ShouldBe(mac, $"entry {sequence}");
        (await log.VerifyAsync()).IsIntact.ShouldBeTrue();
    }

    private static async Task<List<(long, string)>> RunAndKillAsync(AuditHome home, TimeSpan after)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet") start.ArgumentList.Add(typeof(KilledWriterSpecs).Assembly.Location);
        foreach (var argument in new[] { "-explicit", "only", "-method", $"{typeof(KilledWriterSpecs).FullName}.{nameof(The_writer_that_is_killed)}", "-noColor", "-noLogo" }) start.ArgumentList.Add(argument);
        start.Environment[Variable] = home.Folder;
        start.Environment[ServerVariable] = home.Connection;
        using var child = Process.Start(start)!;
        var lines = new List<(long, string)>();
        using var limit = new Timer(_ => child.Kill(), null, TimeSpan.FromSeconds(30), Timeout.InfiniteTimeSpan);   // should it never get ready
        while (await child.StandardOutput.ReadLineAsync() is { } line && line != "ready") { }
        using var deadline = new Timer(_ => child.Kill(), null, after, Timeout.InfiniteTimeSpan);   // SIGKILL
        var rest = await child.StandardOutput.ReadToEndAsync();
        await child.WaitForExitAsync();
        child.ExitCode.ShouldBe(137);
        foreach (var line in rest.Split('\n')[..^1])   // what stands behind the last newline was cut off in the middle
        {
            var parts = line.Split(' ');
            if (parts[0] != "ack") continue;   // the runner's own words
            lines.Add((long.Parse(parts[1], CultureInfo.InvariantCulture), parts[2]));
        }
        return lines;
    }

    /// <summary>Not a test: the child. The runner starts it only when asked by name.</summary>
    [Fact(Explicit = true)]
    public Task The_writer_that_is_killed() => WriteAsync(Environment.GetEnvironmentVariable(Variable)!);

    private static async Task WriteAsync(string folder)
    {
        // Checkpoints every 20 ms, so that some kills fall between commit, key and note.
        var log = await AuditLog.OpenAsync(new AuditOptions { Directory = folder, Database = AuditHome.SourceOf(Environment.GetEnvironmentVariable(ServerVariable)), CheckpointInterval = TimeSpan.FromMilliseconds(20), ReserveBytes = 0 }, TimeProvider.System, RandomNumberGenerator.Create());
        using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        output.WriteLine("ready");
        await Task.WhenAll(Enumerable.Range(0, 16).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; i < 1_000_000; i++)
            {
                var entry = await log.AppendAsync(AuditHome.Record(caller * 1000 + i));
                lock (output) output.WriteLine($"ack {entry.Sequence} {Convert.ToHexString(entry.Mac)}");
            }
        })));
    }
}
