using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>What devices say while the center cannot work it through.</summary>
public sealed class IntakeSpecs
{
    [Fact]
    public async Task A_fault_of_the_database_holds_receipts_up_makes_the_center_unready_and_loses_nothing()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("door-1");
        (await house.SendAsync("door-1", "open")).State.ShouldBe("executed");
        house.Center.Status().IsReady.ShouldBeTrue();

        // No outage, which has a name of its own: a statement that fails.
        AuditRival.Execute(house, "ALTER TABLE replay_window RENAME TO replay_window_away");
        var held = await house.Center.Commands.SendAsync(new("door-1", "close"), TestHouse.Operator);
        await Eventually.True(() => house.Center.Status() is { IsReady: false, Intake: false, Database.IsReady: true }, "the center says that the intake stands still");
        (await house.Center.Commands.FindAsync(held.Value.Id))!.Receipt.ShouldBeNull();
        AuditRival.Execute(house, "ALTER TABLE replay_window_away RENAME TO replay_window");

        (await house.Center.Commands.WaitAsync(held.Value.Id, TimeSpan.FromSeconds(10)))!.State.ShouldBe("executed");
        await Eventually.True(() => house.Center.Status().IsReady, "the center is ready again");
        (await house.Center.Audit.QueryAsync(new() { Action = "receipt", Text = held.Value.Id })).Entries.Count.ShouldBe(1, "tried again, recorded once");
        (await house.SendAsync("door-1", "open")).State.ShouldBe("executed");
        (await house.Center.Audit.QueryAsync(new() { Action = "receipt-refused" })).Entries.ShouldBeEmpty();
        await house.AssertAuditIntactAsync();
    }
}
