using System.Text;
using Signet.Mqtt.Client;
using Signet.Proof;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Control.Tests;

/// <summary>Who is handed which checkpoint, with whose cosignatures, and when. No checkpoint is signed but those that the tests ask for.</summary>
public sealed class HandOutSpecs
{
    private static readonly TestHouseOptions Quiet = new() { Demo = false, Center = o => o with { CheckpointInterval = TimeSpan.FromMinutes(10) } };

    [Fact]
    [Trait("row", "S0-26")]
    public async Task Who_is_not_on_the_witness_list_is_handed_a_new_checkpoint_with_the_cosignatures_of_those_who_are()
    {
        await using var house = await LargeAsync("other");
        foreach (var name in new[] { "z-1", "z-2" }) await house.StartDeviceAsync(name);
        await using var other = await HandDevice.StartAsync(house, "other");
        // A witness that is held up by something else may come too late for one checkpoint, and not for each of them.
        for (var round = 0; round < 10; round++)
        {
            var signed = (await SignAsync(house)).Size;
            var first = await NoteAsync(other, note => SizeOf(note) >= signed);
            if (CosignersOf(first) is ["z-1", "z-2"]) return;
            await NoteAsync(other, note => CosignersOf(note) is ["z-1", "z-2"]);
        }
        Assert.Fail("no checkpoint came with its cosignatures at first");
    }

    [Fact]
    public async Task Who_comes_when_the_witnesses_have_cosigned_gets_their_cosignatures_too_and_so_does_who_was_there_before_them()
    {
        await using var house = await LargeAsync("late", "there");
        await using var there = await HandDevice.StartAsync(house, "there");
        var signed = (await SignAsync(house)).Size;
        CosignersOf(await NoteAsync(there, note => SizeOf(note) == signed)).ShouldBeEmpty("no witness is there");
        await house.StartDeviceAsync("z-1");
        await NoteAsync(there, note => SizeOf(note) == signed && CosignersOf(note) is ["z-1"]);
        await using var late = await HandDevice.StartAsync(house, "late");
        await NoteAsync(late, note => SizeOf(note) == signed && CosignersOf(note) is ["z-1"]);
    }

    [Fact]
    public async Task A_device_that_was_away_finds_the_newest_checkpoint_and_none_of_those_it_missed()
    {
        await using var house = await TestHouse.StartAsync(Quiet with { Demo = true });
        await using var there = await HandDevice.StartAsync(house, "door-1");
        await using (var before = await SessionAsync(house, "valve-1"))
            await before.SubscribeAsync(Topics.Checkpoint("valve-1"));

        List<long> missed = [];
        for (var i = 0; i < 4; i++)
        {
            missed.Add((await SignAsync(house)).Size);
            await NoteAsync(there, note => SizeOf(note) == missed[^1]);
        }
        await using var again = await SessionAsync(house, "valve-1");
        await using var messages = again.ReadMessagesAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        // Both say where the queue ends: the retained note, and one that is signed now.
        await again.SubscribeAsync(Topics.Checkpoint("valve-1"));
        var last = (await SignAsync(house)).Size;
        List<long> found = [];
        while (found.LastOrDefault() != last)
        {
            (await messages.MoveNextAsync().AsTask().WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken)).ShouldBeTrue();
            found.Add(SizeOf(Encoding.UTF8.GetString(messages.Current.Payload.Span)));
        }
        var oldest = missed[^2];
        found.ShouldAllBe(size => size >= oldest);
    }

    private static Task<MqttClient> SessionAsync(TestHouse house, string name) => house.ConnectAsync(name, name, o => o with { CleanStart = false, SessionExpiry = TimeSpan.FromHours(1) });

    /// <summary>A house with as many devices as the list of witnesses holds, and these besides.</summary>
    private static async Task<TestHouse> LargeAsync(params string[] others)
    {
        var house = await TestHouse.StartAsync(Quiet);
        foreach (var name in Enumerable.Range(1, ControlLimits.HandedOnWitnesses).Select(i => $"z-{i}").Concat(others)) (await house.Center.Fleet.AddAsync(new(name, "valve"), Actor.Terminal)).Refusal.ShouldBeNull();
        return house;
    }

    /// <summary>Something happens, and a checkpoint is signed over it.</summary>
    private static async Task<Checkpoint> SignAsync(TestHouse house)
    {
        (await house.Center.Commands.SendAsync(new("nobody", "open"), TestHouse.Operator)).Refusal.ShouldNotBeNull();
        return await house.Center.Audit.CheckpointAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The next note that fits. Other messages come too, so the bound is on all of the waiting.</summary>
    private static async Task<string> NoteAsync(HandDevice device, Func<string, bool> fits)
    {
        return await SeekAsync().WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken);

        async Task<string> SeekAsync()
        {
            while (true)
                if (await device.NextNoteAsync(Eventually.Patience) is var note && fits(note))
                    return note;
        }
    }

    private static long SizeOf(string note) => Checkpoint.TryParse(note, out var checkpoint, out var why) ? checkpoint.Size : throw new InvalidOperationException(why.ToString());

    // The first signature is the log's own.
    private static string[] CosignersOf(string note) => [.. note.Split('\n').Where(line => line.StartsWith("\u2014 ", StringComparison.Ordinal)).Skip(1).Select(line => line.Split(' ')[1]).Order(StringComparer.Ordinal)];
}
