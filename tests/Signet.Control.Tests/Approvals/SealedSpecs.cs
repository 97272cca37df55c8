using Signet.Audit;
using Signet.Pki;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Control.Tests;

public sealed class SealedSpecs
{
    private static async Task<TestHouse> HouseAsync()
    {
        var house = await TestHouse.StartAsync();
        using var issued = (await house.Center.Certificates.IssueAsync(new(CertificateProfile.DeviceSealing, "door-1"), TestHouse.Admin)).Value;
        issued.Save(Path.Combine(house.Center.Installation.Directory, "seal"));
        var home = house.Center.Installation.DeviceDirectory("door-1");
        foreach (var end in new[] { "crt", "key" }) File.Copy(Path.Combine(house.Center.Installation.Directory, "seal", "door-1." + end), Path.Combine(home, "sealing." + end));
        return house;
    }

    [Fact]
    public async Task A_device_with_a_sealing_key_gets_nothing_that_others_can_read_and_its_proof_still_verifies()
    {
        await using var house = await HouseAsync();
        await using var spy = await house.ConnectAsync("door-1", "spy");
        await spy.SubscribeAsync(Topics.Command("door-1"));
        await house.StartDeviceAsync("door-1");

        var done = await house.SendAsync("door-1", "open");

        done.State.ShouldBe("executed");
        done.Message.Count(c => c == '.').ShouldBe(2);
        await foreach (var seen in spy.ReadMessagesAsync())
        {
            SealedMessage.IsSealed(seen.Payload.Span).ShouldBeTrue();
            break;
        }

        var file = (await house.Center.Commands.ExportReceiptAsync(done.Id, TestHouse.Operator)).Value;
        ReceiptVerifier.Verify(file.Json.Span, [house.Center.Authority.Root]).Problem.ShouldBe("");
        using var temp = new TempDirectory();
        await File.WriteAllBytesAsync(temp.File("r.json"), file.Json.ToArray());
        await File.WriteAllTextAsync(temp.File("root.crt"), house.Center.Authority.Root.ExportCertificatePem());
        (await PythonVerdicts.OfAsync([temp.File("r.json")], temp.File("root.crt"))).ShouldBe([true]);
    }

    [Fact]
    public async Task A_status_that_no_longer_announces_the_key_does_not_make_the_center_speak_readably_and_raises_an_alarm()
    {
        await using var house = await HouseAsync();
        await using var device = await HandDevice.StartAsync(house, "door-1"); // announces no sealing key
        await Eventually.True(() => house.PresenceOf("door-1") == PresenceState.Online, "door-1 is online");

        (await house.Center.Commands.SendAsync(new("door-1", "open"), TestHouse.Operator)).Refusal.ShouldBeNull();

        SealedMessage.IsSealed((await device.NextAsync()).Bytes).ShouldBeTrue();
        (await house.AuditedAsync(new() { Type = AuditTypes.Security, Action = "sealing-downgrade-refused" })).Reason.ShouldBe("not-announced");
    }
}
