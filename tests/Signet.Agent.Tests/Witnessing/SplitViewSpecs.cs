using System.Security.Cryptography;
using Signet.Proof;

namespace Signet.Agent.Tests;

/// <summary>A whole fleet over a real broker, whose center lies about the audit log: every device that is lied to raises the alarm, and the center cannot take it back. The bound of ten seconds is held with a clock of its own in <see cref="WitnessSpecs"/>.</summary>
public sealed class SplitViewSpecs(DeviceFleet fleet) : IClassFixture<DeviceFleet>, IDisposable
{
    private readonly ECDsa _logKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose() => _logKey.Dispose();

    [Fact]
    [Trait("row", "S0-26")]
    public async Task Two_halves_that_are_shown_different_histories_are_found_by_the_smaller_one_whatever_cosignatures_the_center_hands_on()
    {
        string[] names = ["a", "b", "c", "d", "e"];
        await using var center = await LyingCenter.StartAsync(fleet, _logKey, quorum: 3, names);
        var (one, other) = (new WitnessSpecs.History(_logKey), new WitnessSpecs.History(_logKey, fork: 12));
        var common = one.Sign(10);
        var all = await center.ShowAllAsync(names, one, common, 10);
        foreach (var name in names) await center.ShowAsync(name, common + all);

        // From here on a, b, c are shown one history and d, e another of the same size. Both grow out of what all have seen, and both are proven.
        var (truth, lie) = (one.Sign(20), other.Sign(20));
        var confirmed = await center.ShowAllAsync(names[..3], one, truth, 20);
        var mine = await center.ShowAllAsync(names[3..], other, lie, 20);
        foreach (var name in names[..3]) await center.ShowAsync(name, truth + confirmed);
        // The smaller half gets what the larger one signed under the other note, and its own twice.
        foreach (var name in names[3..]) await center.ShowAsync(name, lie + confirmed + mine + mine);

        foreach (var name in names[3..])
        {
            (await center.AlarmAsync(name, WitnessAlarm.Unconfirmed)).Seen.ShouldBe(lie, name);
            center.OnDiskOf(name).ShouldBe(["unconfirmed"]);
        }
        foreach (var name in names[..3]) await LyingCenter.UntilAsync(() => center.OnDiskOf(name).Count == 0, $"{name} is with the majority");

        // The first note of the other half that reaches one, whoever brings it, is the proof: for everybody who has the log's public key.
        await center.ShowAsync("d", truth);
        await center.House.SendAsync("e", center.House.SignCommand("e", "check-status"), note: truth);
        using var key = CheckpointKey.Of(_logKey);
        foreach (var name in names[3..])
        {
            var proof = await center.AlarmAsync(name, WitnessAlarm.Forked);
            Checkpoint.TryParse(proof.Seen, out var seen, out _).ShouldBeTrue();
            Checkpoint.TryParse(proof.Other, out var shown, out _).ShouldBeTrue();
            (seen!.Verify([key]), shown!.Verify([key]), seen.Size, shown.Size, seen.Root == shown.Root).ShouldBe((CheckpointTrust.Good, CheckpointTrust.Good, 20, 20, false), name);
        }
    }

    [Fact]
    [Trait("row", "S0-26")]
    public async Task A_rewritten_history_is_found_by_each_device_alone_however_the_center_answers_its_question()
    {
        await using var center = await LyingCenter.StartAsync(fleet, _logKey, quorum: 0, "same-size", "proves-its-own", "answers-with-the-old", "is-silent", "goes-back", "is-honest");
        var (log, rewritten) = (new WitnessSpecs.History(_logKey), new WitnessSpecs.History(_logKey, fork: 12));
        var seen = log.Sign(30);
        await center.ShowAllAsync(center.Devices.Keys, log, seen, 30);

        var (grown, lie) = (log.Sign(40), rewritten.Sign(40));
        await center.ShowAllAsync(["is-honest"], log, grown, 40);
        await ShouldRaiseAsync("same-size", rewritten.Sign(30), _ => null, WitnessAlarm.Forked);
        await Task.WhenAll(
            ShouldRaiseAsync("proves-its-own", lie, from => rewritten.Show(from, lie), WitnessAlarm.NotConsistent),
            ShouldRaiseAsync("answers-with-the-old", lie, from => log.Show(from, seen), WitnessAlarm.NoProof),
            ShouldRaiseAsync("is-silent", lie, _ => null, WitnessAlarm.NoProof),
            ShouldRaiseAsync("goes-back", log.Sign(10), _ => null, WitnessAlarm.RolledBack));
        center.Heard("is-honest").ShouldBeEmpty();
        center.OnDiskOf("is-honest").ShouldBeEmpty();

        async Task ShouldRaiseAsync(string device, string note, Func<long, byte[]?> answer, WitnessAlarm reason)
        {
            center.Answer(device, answer);
            await center.ShowAsync(device, note);
            var alarm = await center.AlarmAsync(device, reason);
            (alarm.Seen, alarm.Other).ShouldBe((seen, note), device);
        }
    }

    [Fact]
    [Trait("row", "S0-26")]
    public async Task A_center_that_keeps_the_alarm_from_everybody_cannot_take_it_off_the_device_and_it_is_heard_when_somebody_listens()
    {
        await using var center = await LyingCenter.StartAsync(fleet, _logKey, quorum: 0, "door-1");
        var (log, rewritten) = (new WitnessSpecs.History(_logKey), new WitnessSpecs.History(_logKey, fork: 5));
        var device = center.Devices["door-1"];
        await center.House.NextStatusAsync("door-1", device.Certificate);
        await center.ShowAllAsync(["door-1"], log, log.Sign(10), 10);

        // The broker is the liar's as well: nothing that the device says as a witness goes any further.
        center.House.Rules.MayPublish = request => !request.Topic.EndsWith("/witness", StringComparison.Ordinal);
        center.House.PolicyChanged();
        await center.ShowAsync("door-1", rewritten.Sign(10));
        await device.SaidAsync("ALARM of door-1, witness of the audit log: forked");
        await LyingCenter.UntilAsync(() => center.OnDiskOf("door-1").Contains("forked"), "it stands on the disk");
        // The true history once more, a longer one, and another connection: it stands.
        await center.ShowAsync("door-1", log.Sign(10));
        await center.ShowAsync("door-1", log.Sign(20));
        center.House.Cut("door-1").ShouldBe(1);
        var status = await center.House.NextStatusAsync("door-1", device.Certificate);
        if (status.State == Wire.StatusState.Offline) status = await center.House.NextStatusAsync("door-1", device.Certificate);   // the last will of the one that was cut
        ((string?)status.Details["alarm"]).ShouldNotBeNull().ShouldStartWith("forked");
        center.Heard("door-1").ShouldBeEmpty();
        center.OnDiskOf("door-1").ShouldContain("forked");   // and in time "no-proof": its question about the longer one does not get through either

        center.House.Rules.MayPublish = _ => true;
        center.House.PolicyChanged();
        center.House.Cut("door-1").ShouldBe(1);
        (await center.AlarmAsync("door-1", WitnessAlarm.Forked)).Seen.ShouldBe(WitnessState.Read(device.Home.Directory).Note);
    }

    [Fact]
    [Trait("row", "S0-26")]
    public async Task A_device_that_comes_back_to_a_newer_checkpoint_asks_once()
    {
        await using var center = await LyingCenter.StartAsync(fleet, _logKey, quorum: 0, "comes-back");
        var log = new WitnessSpecs.History(_logKey);
        await center.ShowAllAsync(["comes-back"], log, log.Sign(10), 10);
        var (missed, newest) = (log.Sign(20), log.Sign(30));
        center.Answer("comes-back", from => log.Show(from, from == 10 ? missed : newest));
        await center.ComeBackToAsync("comes-back", missed);
        await LyingCenter.UntilAsync(() => WitnessState.Read(center.Devices["comes-back"].Home.Directory).Size == 20, "the missed one is proven");
        // What it says now comes after everything that it said when it came.
        await center.ShowAllAsync(["comes-back"], log, newest, 30);
        center.AskedBy("comes-back").ShouldBe([10L, 20L]);
    }
}
