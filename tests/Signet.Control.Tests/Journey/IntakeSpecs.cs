using System.Text;
using Signet.Audit;
using Signet.Mqtt;
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

    [Fact]
    public async Task Receipts_that_a_device_sends_again_after_its_restarts_change_nothing_and_are_no_news()
    {
        await using var house = await TestHouse.StartAsync();
        await using var observer = await house.ConnectAsCenterAsync();
        await observer.SubscribeAsync("signet/door-1/receipt");
        var first = await DoneAsync("open");
        var second = await DoneAsync("close");   // behind a copy of the first, whose epoch has ended with it
        var third = await DoneAsync("open");

        var seen = new List<string>();
        await foreach (var message in observer.ReadMessagesAsync())
        {
            seen.Add(Encoding.ASCII.GetString(message.Payload.Span));
            if (seen[^1] == third.Receipt) break;
        }

        seen.ShouldBe([first.Receipt!, first.Receipt!, second.Receipt!, first.Receipt!, second.Receipt!, third.Receipt!]);
        foreach (var command in new[] { first, second, third })
        {
            var after = (await house.Center.Commands.FindAsync(command.Id))!;
            (after.State, after.Receipt, after.Answered).ShouldBe((command.State, command.Receipt, command.Answered));
        }

        (await house.Center.Audit.QueryAsync(new() { Action = "receipt" })).Entries.Count.ShouldBe(3);
        (await house.Center.Audit.QueryAsync(new() { Type = AuditTypes.Replay })).Entries.ShouldBeEmpty();
        (await house.Center.Audit.QueryAsync(new() { Action = "receipt-refused" })).Entries.ShouldBeEmpty();
        await house.AssertAuditIntactAsync();

        async Task<CommandView> DoneAsync(string command)
        {
            await using var device = await house.StartDeviceAsync("door-1");
            var done = await house.SendAsync("door-1", command);
            done.State.ShouldBe("executed");
            return done;
        }
    }

    [Fact]
    public async Task What_a_whole_fleet_says_at_once_waits_for_the_center_however_much_it_is()
    {
        await using var house = await TestHouse.StartAsync();
        await house.StartDeviceAsync("door-1");
        AuditRival.Execute(house, "ALTER TABLE replay_window RENAME TO replay_window_away");
        var held = await house.Center.Commands.SendAsync(new("door-1", "open"), TestHouse.Operator);
        await Eventually.True(() => !house.Center.Status().Intake, "the intake stands still");

        // More than a queue of an identity without a right of its own, what is on its way to it included.
        const int Devices = 60, Each = 220;
        await Parallel.ForEachAsync(Enumerable.Range(0, Devices), async (i, cancellation) =>
        {
            var name = $"speaker-{i}";
            (await house.Center.Fleet.AddAsync(new(name, "thermostat"), Actor.Terminal, cancellation)).Refusal.ShouldBeNull();
            await using var client = await house.ConnectAsync(name);
            var message = new MqttMessage { Topic = $"signet/{name}/telemetry/noise", Payload = new byte[8], QoS = QoS.AtLeastOnce };
            (await Task.WhenAll(Enumerable.Range(0, Each).Select(_ => client.PublishAsync(message, cancellation)))).ShouldAllBe(said => said.IsAccepted);
        });
        house.Center.Broker.Sessions().Single(s => s.Identity == Actor.Center.Name).ShouldSatisfyAllConditions(s => s.Queued.ShouldBeGreaterThan(10_000), s => s.Dropped.ShouldBe(0));
        AuditRival.Execute(house, "ALTER TABLE replay_window_away RENAME TO replay_window");

        await Eventually.True(() => house.Center.Commands.FindAsync(held.Value.Id).GetAwaiter().GetResult()!.Receipt is not null, "the receipt behind which all waited was taken");
        await Eventually.True(() => house.Center.Broker.Sessions().Single(s => s.Identity == Actor.Center.Name).Queued == 0, "all of it was heard", TimeSpan.FromSeconds(60));
    }
}
