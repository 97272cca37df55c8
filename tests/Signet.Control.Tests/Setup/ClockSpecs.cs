using Signet.Audit;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>The center's clock goes wrong by a year and right again, while its devices' clocks are right.</summary>
public sealed class ClockSpecs
{
    private static readonly TimeSpan Year = TimeSpan.FromDays(365), Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task A_clock_that_jumps_a_year_does_no_harm_and_everything_works_again_when_it_is_right(int direction)
    {
        var clock = new ShiftedTime();
        await using var house = await TestHouse.StartAsync(new()
        {
            Time = clock, Center = o => o with { Audit = o.Audit with { SegmentEntries = 1_000, RetainFor = TimeSpan.FromDays(30) }, CheckpointInterval = TimeSpan.FromMilliseconds(200) },
        });
        await house.StartDeviceAsync("thermostat-1");
        (await house.SendAsync("thermostat-1", "check-status")).State.ShouldBe("executed");
        for (var i = 0; i < 1_100; i++) await house.Center.Audit.AppendAsync(new(AuditTypes.System, "test", "test", "filling", "success"));
        await Eventually.True(() => house.Center.Audit.Segments.Count == 1, "a segment is sealed", Patience);

        clock.Shift = Year * direction;
        var told = await house.AuditedAsync(new() { Action = "clock-jumped" });
        told.Outcome.ShouldBe(direction > 0 ? "went forward" : "went back");
        // The device's clock is right: it takes no command of another year, and says why.
        var sent = await house.Center.Commands.SendAsync(new("thermostat-1", "check-status"), TestHouse.Operator);
        if (sent.TryGet(out var view, out var refusal))
        {
            var refused = (await house.Center.Commands.WaitAsync(view.Id, TimeSpan.FromSeconds(10)))!;
            refused.State.ShouldNotBe("executed");
            if (refused.State == "rejected") refused.Reason.ShouldBe(direction > 0 ? "issued-in-future" : "expired");
        }
        else refusal.Code.ShouldBe(RefusalCode.NoActiveConnection);   // its certificate has ended, or not begun, by that clock: it was cut
        for (var i = 0; i < 10; i++) await house.Center.Audit.CheckpointAsync();
        house.Center.Audit.Retired.ShouldBe(0, "a jump makes nothing old");

        clock.Shift = TimeSpan.Zero;
        await Eventually.Some(async () => (await house.Center.Audit.QueryAsync(new() { Action = "clock-jumped" })).Entries.Count == 2 ? "yes" : null, "the way back is on the record", Patience);
        // By itself: certificates and lists are of this year, the device is there and obeys.
        await Eventually.True(() => house.Center.ServerCertificates.Broker.TargetCertificate.NotBefore.ToUniversalTime() <= DateTime.UtcNow && house.Center.Authorities.Lists().All(l => l.List.ThisUpdate <= clock.GetUtcNow() && l.List.NextUpdate > clock.GetUtcNow()),
            "certificates and lists are of today", Patience);
        await Eventually.True(() => house.Center.Fleet.Find("thermostat-1")!.CanReceive, "the device is there", Patience);
        (await house.SendAsync("thermostat-1", "check-status")).State.ShouldBe("executed");
        await house.AssertAuditIntactAsync();
    }

    /// <summary>The machine's clock, set wrong by somebody; monotonic time goes on.</summary>
    private sealed class ShiftedTime : TimeProvider
    {
        private long _shift;

        public TimeSpan Shift
        {
            set => Volatile.Write(ref _shift, value.Ticks);
        }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow().AddTicks(Volatile.Read(ref _shift));
    }
}
