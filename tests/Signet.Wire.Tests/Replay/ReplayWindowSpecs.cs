using FsCheck;
using FsCheck.Fluent;

namespace Signet.Wire.Tests;

public sealed class ReplayWindowSpecs
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_000);

    [Fact]
    public void It_agrees_with_a_set_that_forgets_nothing_inside_the_window()
    {
        var arrivals = (from epoch in Gen.Frequency((20, Gen.Constant(500)), (1, Gen.Choose(498, 503)))
                        from step in Gen.Frequency((10, Gen.Choose(1, 40)), (5, Gen.Choose(1, 2_000)), (1, Gen.Choose(1, 200_000)))
                        select ((long)epoch, (long)step)).ListOf(400);
        var accepted = 0;
        Prop.ForAll(arrivals.ToArbitrary(), list =>
        {
            var window = new ReplayWindow();
            var (at, highest, seen) = (0L, 0L, new HashSet<long>());
            foreach (var (epoch, sequence) in list)
            {
                var model = epoch < at ? RejectReason.StaleEpoch
                    : epoch == at && (seen.Contains(sequence) || highest - sequence >= 1_024) ? RejectReason.Replayed : RejectReason.None;
                window.Check(epoch, sequence, Now, out var why).ShouldBe(model == RejectReason.None);
                why.Reason.ShouldBe(model, $"{epoch}/{sequence} after {at}/{highest}");
                if (model != RejectReason.None) continue;
                if (epoch > at) (at, highest, seen) = (epoch, 0, []);
                highest = Math.Max(highest, sequence);
                seen.Add(sequence);
                window.Commit(epoch, sequence);
                if (++accepted % 3 == 0) window = ReplayWindow.Restore(window.Export());
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200));
        accepted.ShouldBeGreaterThan(1_000);
    }

    [Fact]
    public void Checking_changes_nothing_and_committing_twice_is_the_callers_mistake()
    {
        var window = new ReplayWindow();
        window.Check(1, 1, Now, out _).ShouldBeTrue();
        window.Check(1, 1, Now, out _).ShouldBeTrue();
        window.Commit(1, 1);
        Should.Throw<ArgumentException>(() => window.Commit(1, 1));
        window.Check(1, 1, Now, out var why).ShouldBeFalse();
        why.Reason.ShouldBe(RejectReason.Replayed);
    }

    [Fact]
    public void One_epoch_from_the_future_does_not_lock_the_sender_out()
    {
        var window = new ReplayWindow();
        window.Commit(900, 5);
        window.Check(2_000_000, 1, Now, out var why).ShouldBeFalse();
        why.Reason.ShouldBe(RejectReason.IssuedInFuture);
        window.Check(900, 6, Now, out _).ShouldBeTrue();
    }

    [Fact]
    public void A_state_that_is_not_one_of_ours_is_refused()
    {
        Should.Throw<ArgumentException>(() => ReplayWindow.Restore(new(1, 1, new ulong[3])));
        Should.Throw<ArgumentException>(() => ReplayWindow.Restore(new(-1, 1, new ulong[16])));
    }

    [Theory]
    [InlineData(0, 1_000)]
    [InlineData(500, 1_000)]
    [InlineData(1_000, 1_001)]
    [InlineData(5_000, 5_001)] // the clock went back
    public void An_epoch_is_above_the_last_one_and_not_behind_the_clock(long stored, long epoch)
    {
        var outgoing = OutgoingSequence.Start(stored, new ClockAt(Now));
        outgoing.Epoch.ShouldBe(epoch);
        outgoing.Next().ShouldBe(1);
        outgoing.Next().ShouldBe(2);
    }

    [Fact]
    public void Starts_whose_numbers_stand_apart_share_none_within_the_hour_and_a_window_takes_them()
    {
        var window = new ReplayWindow();
        var (first, epoch) = (new HashSet<long>(), 0L);
        for (var start = 0; start < WireLimits.StartsApart; start++)
        {
            var outgoing = OutgoingSequence.StartApart(epoch, new ClockAt(Now));
            outgoing.Epoch.ShouldBeGreaterThan(epoch);
            epoch = outgoing.Epoch;
            var number = outgoing.Next();
            first.Add(number).ShouldBeTrue($"start {start} begins with the number {number} of another one");
            number.ShouldBeInRange(1, WireLimits.Integer - (1L << 32));
            outgoing.Next().ShouldBe(number + 1);
            window.Check(epoch, number, DateTimeOffset.FromUnixTimeSeconds(epoch), out var why).ShouldBeTrue(why.ToString());
            window.Commit(epoch, number);
            window.Check(epoch, number, DateTimeOffset.FromUnixTimeSeconds(epoch), out _).ShouldBeFalse();
        }
    }

    private sealed class ClockAt(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
