using System.Text;
using Signet.Proof;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Control.Tests;

/// <summary>Whose cosignatures a fleet larger than the list of witnesses is handed.</summary>
public sealed class WitnessListSpecs
{
    [Fact]
    [Trait("row", "S0-26")]
    public async Task The_newest_checkpoint_travels_with_every_command()
    {
        await using var house = await TestHouse.StartAsync();
        await using var device = await HandDevice.StartAsync(house, "door-1");
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is online");
        for (var round = 0; round < 2; round++)
        {
            var newest = await house.Center.Audit.CheckpointAsync();
            (await house.Center.Commands.SendAsync(new("door-1", "open"), TestHouse.Operator)).Refusal.ShouldBeNull();
            await device.NextAsync();
            Checkpoint.TryParse(Encoding.UTF8.GetString(Topics.CheckpointNote(device.CommandNote.ShouldNotBeNull())), out var shown, out _).ShouldBeTrue();
            (shown!.Origin, shown.Size >= newest.Size).ShouldBe((house.Center.Audit.Origin, true));
        }
    }

    [Fact]
    public async Task Only_the_witnesses_of_the_list_are_handed_on_whatever_the_names_of_others_are()
    {
        await using var house = await TestHouse.StartAsync(new() { Demo = false, Center = o => o with { CheckpointInterval = TimeSpan.FromMilliseconds(200) } });
        // The newest comes first by its name, and there is no place for it.
        foreach (var name in Enumerable.Range(1, ControlLimits.HandedOnWitnesses).Select(i => $"z-{i}").Append("a-newest")) (await house.Center.Fleet.AddAsync(new(name, "valve"), Actor.Terminal)).Refusal.ShouldBeNull();
        await house.StopCenterAsync();
        await house.StartCenterAsync();   // now the homes hold the list
        foreach (var name in new[] { "a-newest", "z-1", "z-2" }) await house.StartDeviceAsync(name);
        await using var listener = await HandDevice.StartAsync(house, "z-3");

        List<string> lines;
        do
        {
            lines = [.. (await listener.NextNoteAsync(TimeSpan.FromSeconds(20))).Split('\n').Where(line => line.StartsWith("\u2014 ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1])];
            lines.ShouldNotContain("a-newest");
        }
        while (!lines.Contains("z-1") || !lines.Contains("z-2"));
    }
}
