using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>The loops that carry commands: what fails for a reason nobody thought of is told and tried again, and holds up nobody else.</summary>
public sealed class DispatchSpecs
{
    [Fact]
    public async Task A_dispatch_that_throws_is_told_and_tried_again_and_ends_no_worker()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        var (sent, told) = (new ConcurrentQueue<string>(), new ConcurrentQueue<string>());
        var broken = 1;
        var queue = new CommandQueue(new(clock), clock, (id, _) =>
        {
            if (id.StartsWith("bad", StringComparison.Ordinal) && Volatile.Read(ref broken) == 1) throw new InvalidOperationException(id);
            sent.Enqueue(id);
            return Task.FromResult(true);
        }, e => told.Enqueue(e.Message));
        using var stop = new CancellationTokenSource();
        var running = queue.RunAsync(stop.Token);

        // Twice as many as there are workers: each of them meets one.
        var bad = Enumerable.Range(0, 2 * ControlLimits.DispatchesAtOnce).Select(i => $"bad-{i}").ToList();
        queue.Add(bad.Select(id => new PendingCommand(id, "device-" + id, 0)));
        await Eventually.True(() => told.Distinct().Count() == bad.Count, "each was told");
        queue.Add([new("good", "door-1", 0)]);
        await Eventually.True(() => sent.Contains("good"), "another device's command is sent");
        sent.ToList().ShouldBe(["good"]);
        await Eventually.True(() => queue.Count == bad.Count, "they wait again");

        Volatile.Write(ref broken, 0);
        clock.Advance(ControlLimits.DispatchRetry);
        queue.Tick();
        await Eventually.True(() => sent.Count == bad.Count + 1, "all are sent when it works again");
        queue.Count.ShouldBe(0);
        running.IsCompleted.ShouldBeFalse();
        await stop.CancelAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_round_that_fails_is_told_and_the_next_one_comes()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        var come = 0;
        await using var rounds = new Rounds(clock, NullLogger.Instance);
        rounds.Every(TimeSpan.FromSeconds(1), "test", _ => throw new InvalidOperationException($"round {Interlocked.Increment(ref come)}"));
        await Eventually.True(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            return Volatile.Read(ref come) >= 3;
        }, "three rounds come");
    }

    [Fact]
    public async Task Work_of_the_center_that_fails_is_begun_again()
    {
        var clock = new ManualTimeProvider(DateTimeOffset.UtcNow);
        var begun = 0;
        var done = new TaskCompletionSource();
        await using var rounds = new Rounds(clock, NullLogger.Instance);
        rounds.Run("test", async stop =>
        {
            if (Interlocked.Increment(ref begun) < 3) throw new InvalidOperationException("not yet");
            done.SetResult();
            await Task.Delay(Timeout.Infinite, stop);
        });

        await Eventually.True(() =>
        {
            clock.Advance(ControlLimits.AuditRetry);
            return done.Task.IsCompleted;
        }, "it runs");
        begun.ShouldBe(3);
    }
}
