using System.Security.Cryptography;
using System.Text;
using Signet.Proof;
using Signet.Wire;

namespace Signet.Agent.Tests;

/// <summary>What stands on the terminal of <c>signet device run</c> when somebody shows the device a rewritten history, or an older manifest.</summary>
public sealed class AlarmLineSpecs(DeviceFleet fleet) : IClassFixture<DeviceFleet>
{
    /// <summary>The program itself, with its streams.</summary>
    private sealed class Terminal : IAsyncDisposable
    {
        private readonly LockedWriter _output = new(), _errors = new();
        private readonly CancellationTokenSource _stop = new();
        private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
        private readonly Task<int> _running;

        public Terminal(string home) => _running = AgentProgram.RunAsync(new(home), _output, _errors, TimeProvider.System, _random, _stop.Token);

        public async Task<string> LineAsync(string words)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while (true)
            {
                if ($"{_output}{_errors}".Split('\n').FirstOrDefault(line => line.Contains(words, StringComparison.Ordinal)) is { } line) return line;
                try
                {
                    await Task.Delay(10, limit.Token);
                }
                catch (OperationCanceledException)
                {
                    throw new TimeoutException($"no line with \"{words}\" in:\n{_output}{_errors}");
                }
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            (await _running).ShouldBe(0);
            _stop.Dispose();
            _random.Dispose();
        }
    }

    [Fact]
    public async Task A_rewritten_history_is_an_alarm_line_that_says_which_device_and_why_and_comes_again_at_the_next_start()
    {
        await using var house = new Loopback(fleet);
        using var logKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var home = fleet.Add("door-1", port: house.Port);
        using (var known = CheckpointKey.Of(logKey)) File.WriteAllText(Path.Combine(home, "checkpoint.pub"), known.ToPem());
        const string alarm = "ALARM of door-1, witness of the audit log: forked: the center signed two different histories of the same length";
        await using (var terminal = new Terminal(home))
        {
            await terminal.LineAsync("door-1 is online");
            await house.SayAsync(Topics.Checkpoint("door-1"), Encoding.UTF8.GetBytes(new WitnessSpecs.History(logKey).Sign(10)));
            await house.SayAsync(Topics.Checkpoint("door-1"), Encoding.UTF8.GetBytes(new WitnessSpecs.History(logKey, fork: 5).Sign(10)));
            await terminal.LineAsync(alarm);
        }

        await using var again = new Terminal(home);
        await again.LineAsync(alarm);
    }

    [Fact]
    public async Task An_older_manifest_is_refused_in_a_line_that_names_both_versions()
    {
        await using var house = new Loopback(fleet);
        var home = fleet.Add("door-2", port: house.Port);
        fleet.WriteManifest(home, "door-2", 2);
        await using var terminal = new Terminal(home);
        await terminal.LineAsync("door-2 is online");

        await house.SayAsync(Topics.Manifest("door-2"), fleet.Manifest("door-2", 1));

        await terminal.LineAsync("door-2 refused a manifest: replayed: version 1 is older than 2, which this device has obeyed");
    }
}
