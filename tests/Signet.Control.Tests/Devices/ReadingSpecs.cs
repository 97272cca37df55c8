using Signet.Audit;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Control.Tests;

/// <summary>Readings that come in crowds: their signatures are verified on all cores, and they are taken in the order they came in.</summary>
public sealed class ReadingSpecs
{
    private const int Many = 400;

    [Fact]
    public async Task A_crowd_of_readings_is_taken_whole_and_what_is_wrong_in_it_is_refused_for_its_own_reason()
    {
        await using var house = await TestHouse.StartAsync();
        await using var device = await HandDevice.StartAsync(house, "door-1");
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is online");
        var said = Enumerable.Range(0, Many).Select(i => device.Reading("level", i)).ToList();
        var bad = (byte[])said[Many / 2].Payload.Clone();
        bad[^10] ^= 1;
        said.Insert(Many / 2, (said[0].Topic, bad));
        said.Insert(Many / 2, (Topics.Telemetry("door-1", "other"), said[10].Payload));

        await Task.WhenAll(said.Select(s => device.SayAsync(s.Topic, s.Payload)));

        var (from, to) = (DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddMinutes(5));
        await Eventually.True(() => house.Center.Fleet.ReadingsAsync("door-1", "level", from, to).GetAwaiter().GetResult().Count == Many, $"{Many} readings are there");
        (await house.Center.Fleet.ReadingsAsync("door-1", "level", from, to)).Select(r => (int)r.Number!).ShouldBe(Enumerable.Range(0, Many));
        (await house.AuditedAsync(new() { Type = AuditTypes.Security, Action = "telemetry-refused", Reason = "bad-signature" })).Actor.ShouldBe("door-1");
        (await house.AuditedAsync(new() { Type = AuditTypes.Security, Action = "telemetry-refused", Reason = "wrong-topic" })).Actor.ShouldBe("door-1");
    }

    [Fact]
    public async Task A_crowd_of_copies_adds_nothing()
    {
        await using var house = await TestHouse.StartAsync();
        await using var device = await HandDevice.StartAsync(house, "door-1");
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is online");
        var (topic, payload) = device.Reading("level", 7);

        await Task.WhenAll(Enumerable.Range(0, Many).Select(_ => device.SayAsync(topic, payload)));

        (await house.AuditedAsync(new() { Type = AuditTypes.Replay, Action = "telemetry-refused" })).Reason.ShouldBe("replayed");
        (await house.Center.Fleet.ReadingsAsync("door-1", "level", DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddMinutes(5))).Count.ShouldBe(1);
    }
}
