using Signet.Access;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Control.Tests;

/// <summary>What has changed between asking and sending, and what a stop between two steps leaves behind.</summary>
public sealed class AfterwardsSpecs
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private static async Task<(string Id, NewApiToken Token)> QueuedByTokenAsync(TestHouse house, params string[] groups)
    {
        var token = (await house.Center.Tokens.CreateAsync("ci", Role.Operator, groups, Hour, TestHouse.Admin)).Value;
        var actor = (await house.Center.Tokens.FindActorAsync(token.Secret, "local"))!;
        var queued = await house.Center.Commands.SendAsync(new("door-1", "open", Wait: Hour), actor);
        return (queued.Value.Id, token);
    }

    private static Task<CommandView> SettledAsync(TestHouse house, string id)
        => Eventually.Some(async () => await house.Center.Commands.FindAsync(id) is { IsSettled: true } view ? view : null, $"{id} is settled");

    [Fact]
    public async Task A_token_that_lives_has_its_waiting_command_sent()
    {
        await using var house = await TestHouse.StartAsync();
        var (id, _) = await QueuedByTokenAsync(house);
        await house.StartDeviceAsync("door-1");
        (await SettledAsync(house, id)).State.ShouldBe("executed");
    }

    [Fact]
    public async Task A_token_revoked_meanwhile_has_nothing_sent_in_its_name_even_when_another_one_is_named_like_it()
    {
        await using var house = await TestHouse.StartAsync();
        var (id, token) = await QueuedByTokenAsync(house);
        (await house.Center.Tokens.CreateAsync("ci", Role.Operator, Hour, TestHouse.Admin)).Refusal!.Name.ShouldBe("conflict");
        (await house.Center.Tokens.RevokeAsync(token.Token.Id, TestHouse.Admin)).Refusal.ShouldBeNull();
        await Task.Delay(5); // a millisecond later, or it could be the same one
        (await house.Center.Tokens.CreateAsync("ci", Role.Operator, Hour, TestHouse.Admin)).Refusal.ShouldBeNull();

        await house.StartDeviceAsync("door-1");

        var after = await SettledAsync(house, id);
        (after.State, after.Reason, after.Attempts).ShouldBe(("cancelled", "not-allowed", 0));
        (await house.AuditedAsync(new() { Action = "command-sent", Outcome = "refused" })).Subject.ShouldBe("door-1");
    }

    [Fact]
    public async Task A_token_of_other_groups_than_the_device_has_now_has_nothing_sent()
    {
        await using var house = await TestHouse.StartAsync();
        (await house.Center.Fleet.SetLabelsAsync("door-1", ["doors"], null, TestHouse.Admin)).Refusal.ShouldBeNull();
        var (id, _) = await QueuedByTokenAsync(house, "doors");
        (await house.Center.Fleet.SetLabelsAsync("door-1", [], null, TestHouse.Admin)).Refusal.ShouldBeNull();

        await house.StartDeviceAsync("door-1");

        (await SettledAsync(house, id)).State.ShouldBe("cancelled");
    }

    [Fact]
    public async Task A_stop_between_the_log_and_the_state_writes_the_receipt_down_once()
    {
        await using var house = await TestHouse.StartAsync();
        await using var device = await HandDevice.StartAsync(house, "door-1");
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is online");
        var sent = (await house.Center.Commands.SendAsync(new("door-1", "open"), TestHouse.Operator)).Value;
        var (bytes, _) = await device.NextAsync();
        var delivered = device.NextAsync(TimeSpan.FromSeconds(1)); // acknowledges; nothing else comes
        await Eventually.Some(async () => (await house.Center.Commands.FindAsync(sent.Id))!.State is "delivered" ? "" : null, "delivered");
        using (AuditRival.OfCommands(house))
        {
            var answering = device.AnswerAsync(bytes, sent.Id, ReceiptState.Executed);
            await house.AuditedAsync(new() { Action = "receipt", Actor = "door-1" });
            await house.StopCenterAsync(); // the log has it, the state cannot be written
            await Task.WhenAny(answering); // acknowledged or not, the center is gone
        }

        await house.StartCenterAsync();

        var settled = await SettledAsync(house, sent.Id);
        settled.State.ShouldBe("executed", string.Join('\n', (await house.Center.Audit.QueryAsync(new())).Entries.Select(e => $"{e.Sequence} {e.Time:O} {e.Type} {e.Actor} {e.Action} {e.Reason} {e.Details.ToJsonString()}")));
        var entries = (await house.Center.Audit.QueryAsync(new() { Action = "receipt", Actor = "door-1" })).Entries;
        entries.Count.ShouldBe(1);
        (await house.Center.Commands.ExportReceiptAsync(sent.Id, TestHouse.Admin)).Refusal.ShouldBeNull(); // the state names that entry
        await Task.WhenAny(delivered);
        await house.AssertAuditIntactAsync();
    }
}
