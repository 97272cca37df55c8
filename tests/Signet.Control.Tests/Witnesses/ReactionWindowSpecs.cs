using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>How many devices are handed a checkpoint before the first of them has reacted.</summary>
public sealed class ReactionWindowSpecs
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private readonly ManualTimeProvider _clock = new();

    [Fact]
    public async Task No_more_than_so_many_are_waited_for_and_each_reaction_frees_one_place()
    {
        var window = new ReactionWindow(2, Patience, _clock);
        Enter(window, "a").IsCompletedSuccessfully.ShouldBeTrue();
        Enter(window, "b").IsCompletedSuccessfully.ShouldBeTrue();
        List<Task> waiting = [Enter(window, "c"), Enter(window, "d")];
        window.Leave("stranger");
        waiting.ShouldAllBe(one => !one.IsCompleted);

        window.Leave("a");
        waiting.Remove(await NextAsync(waiting));
        waiting.Add(Enter(window, "e"));
        waiting.ShouldAllBe(one => !one.IsCompleted, "the one place is taken again");
        window.Leave("b");
        await NextAsync(waiting);
    }

    [Fact]
    public async Task Whoever_does_not_react_is_waited_for_no_longer_than_the_patience()
    {
        var window = new ReactionWindow(1, Patience, _clock);
        await Enter(window, "silent");
        _clock.Advance(TimeSpan.FromSeconds(1.5));
        var next = Enter(window, "next");
        _clock.Advance(TimeSpan.FromSeconds(0.4));
        next.IsCompleted.ShouldBeFalse();
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        await next.WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken);
        window.Leave("silent");   // too late: it has no place any more
        Enter(window, "another").IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public void Who_is_handed_a_second_note_has_one_place_from_then_on()
    {
        var window = new ReactionWindow(2, Patience, _clock);
        Enter(window, "a").IsCompletedSuccessfully.ShouldBeTrue();
        _clock.Advance(TimeSpan.FromSeconds(1.5));
        Enter(window, "a").IsCompletedSuccessfully.ShouldBeTrue();
        Enter(window, "b").IsCompletedSuccessfully.ShouldBeTrue("a has one place and not two");
        _clock.Advance(TimeSpan.FromSeconds(1));
        Enter(window, "c").IsCompleted.ShouldBeFalse("a's patience began again");
    }

    [Fact]
    public async Task Nobody_waits_for_a_place_when_the_center_stops()
    {
        var window = new ReactionWindow(1, Patience, _clock);
        await Enter(window, "a");
        using var stop = new CancellationTokenSource();
        var waiting = window.EnterAsync("b", stop.Token);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(waiting.WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken));
    }

    private static async Task<Task> NextAsync(IEnumerable<Task> waiting)
    {
        var next = await Task.WhenAny(waiting).WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken);
        await next;
        return next;
    }

    private static Task Enter(ReactionWindow window, string device) => window.EnterAsync(device, TestContext.Current.CancellationToken);
}
