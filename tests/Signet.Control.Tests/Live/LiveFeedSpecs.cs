using Signet.Testing;

namespace Signet.Control.Tests;

public sealed class LiveFeedSpecs
{
    private readonly LiveFeed _feed = new(new ManualTimeProvider());

    private void Publish(int count)
    {
        for (var i = 0; i < count; i++) _feed.Publish(FeedKind.Device, $"e{i}", "door-1", []);
    }

    private static async Task<List<FeedEvent>> TakeAsync(IAsyncEnumerable<FeedEvent> events, int count)
    {
        using var patience = new CancellationTokenSource(Eventually.Patience);
        var taken = new List<FeedEvent>();
        await foreach (var next in events.WithCancellation(patience.Token))
        {
            taken.Add(next);
            if (taken.Count == count) break;
        }

        return taken;
    }

    [Fact]
    public async Task A_reader_goes_on_behind_the_last_event_it_has()
    {
        Publish(5);
        var all = await TakeAsync(_feed.ReadAsync(_feed.Latest - 5), 5);
        all.Select(e => e.Name).ShouldBe(["e0", "e1", "e2", "e3", "e4"]);
        (await TakeAsync(_feed.ReadAsync(all[2].Id), 2)).Select(e => e.Name).ShouldBe(["e3", "e4"]);
    }

    [Fact]
    public async Task A_reader_that_fell_behind_or_comes_from_another_life_is_told_of_the_gap_and_goes_on_with_the_newest()
    {
        Publish(3);
        var old = _feed.Latest;
        Publish(ControlLimits.FeedEvents + 10);
        foreach (var from in new[] { old, old - 1_000_000, _feed.Latest + 50 })
        {
            var reading = TakeAsync(_feed.ReadAsync(from), 2);
            await Task.Delay(50);
            Publish(1);
            (await reading).Select(e => e.Kind).ShouldBe([FeedKind.Gap, FeedKind.Device]);
        }
    }

    [Fact]
    public async Task Publishing_never_waits_for_readers_and_every_reader_sees_the_same()
    {
        var readers = Enumerable.Range(0, 20).Select(_ => TakeAsync(_feed.ReadAsync(_feed.Latest), 100)).ToList();
        Publish(100);
        foreach (var reader in readers) (await reader).Select(e => e.Name).ShouldBe(Enumerable.Range(0, 100).Select(i => $"e{i}"));
    }
}
