using System.Text;
using Signet.Mqtt;
using Signet.Pki;
using Signet.Testing;

namespace Signet.Control.Tests;

/// <summary>Another key signs commands, and no device is lost: not the running one, not the one that is away, not over a restart.</summary>
public sealed class SignerRotationSpecs
{
    [Fact]
    [Trait("row", "S0-6")]
    public async Task Devices_that_run_take_the_new_key_and_those_that_are_away_are_commanded_with_the_one_they_know()
    {
        await using var house = await TestHouse.StartAsync();
        await using var thermostat = await house.StartDeviceAsync("thermostat-1");
        var door = await house.StartDeviceAsync("door-1");
        await door.DisposeAsync();
        (await house.SendAsync("thermostat-1", "check-status")).State.ShouldBe("executed");
        var before = house.Center.CommandSigners.List().ShouldHaveSingleItem();
        before.State.ShouldBe("present");
        await LaterAsync();

        var views = (await house.Center.CommandSigners.RotateAsync(TestHouse.Admin)).Value;

        views.Count.ShouldBe(2);
        views[1].Serial.ShouldBe(before.Serial);
        await Eventually.True(() => Devices(house) is [1, 2], "the running device says that it believes the new key, the other two have never been told");
        (await house.SendAsync("thermostat-1", "check-status")).State.ShouldBe("executed", "signed with the new key");
        thermostat.Home.CenterKeyId.ShouldBe(views[0].Thumbprint);

        // Nobody loses the former key over a restart: the door and the valve know only that one.
        await house.StopCenterAsync();
        await house.StartCenterAsync();
        (house.Center.CommandSigners.List()).Select(v => v.State).ShouldBe(["present", "former"]);
        await using var back = await house.StartDeviceAsync("door-1");
        await using var valve = await house.StartDeviceAsync("valve-1");
        (await house.SendAsync("door-1", "check-status")).State.ShouldBe("executed");
        (await house.SendAsync("valve-1", "check-status")).State.ShouldBe("executed");
        await Eventually.True(() => Devices(house) is [3, 0], "all three believe the new key");

        await house.Center.CommandSigners.RetireAsync(CancellationToken.None);
        house.Center.CommandSigners.List().ShouldHaveSingleItem().Serial.ShouldBe(views[0].Serial);
        Directory.GetFiles(Path.Combine(house.Center.Installation.PkiDirectory, "former-signers")).ShouldBeEmpty("the former key is destroyed");
        (await house.SendAsync("door-1", "check-status")).State.ShouldBe("executed");
        (await house.AuditedAsync(new() { Action = "signer-retired" })).Details["serial"]!.ToString().ShouldBe(before.Serial);
        await house.AssertAuditIntactAsync();
    }

    [Fact]
    public async Task A_stolen_key_is_revoked_after_the_rotation_and_commands_nobody_any_more()
    {
        await using var house = await TestHouse.StartAsync();
        await LaterAsync();
        var stolen = (await house.Center.CommandSigners.RotateAsync(TestHouse.Admin)).Value[1];

        (await house.Center.Certificates.RevokeAsync(stolen.Serial, RevocationReason.KeyCompromise, TestHouse.Admin, confirmed: true)).Value.Serials.ShouldBe([stolen.Serial]);
        await house.Center.CommandSigners.RetireAsync(CancellationToken.None);

        house.Center.CommandSigners.List().ShouldHaveSingleItem().State.ShouldBe("present");
        // A device that had pinned the stolen one still learns of the new: its certificate carries it, not the former key.
        await using var door = await house.StartDeviceAsync("door-1");
        await Eventually.True(() => door.Home.CenterKeyId == house.Center.CommandSigners.List()[0].Thumbprint, "the door believes the new key");
        (await house.SendAsync("door-1", "check-status")).State.ShouldBe("executed");
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("a stranger's")]
    [InlineData("a device's")]
    [InlineData("another name's")]
    public async Task What_is_no_newer_command_signer_of_this_house_changes_nothing(string what)
    {
        await using var house = await TestHouse.StartAsync();
        await using var door = await house.StartDeviceAsync("door-1");
        var pinned = door.Home.CenterKeyId;
        await LaterAsync();
        var pem = what switch
        {
            "garbage" => "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "a stranger's" => Strangers(),
            "a device's" => (await house.Center.Certificates.IssueAsync(new(CertificateProfile.Device, "lamp-1"), TestHouse.Admin)).Value.ChainPem,
            _ => (await house.Center.Certificates.IssueAsync(new(CertificateProfile.CenterSign, "somebody"), TestHouse.Admin)).Value.ChainPem,
        };

        // Whoever has the center's own TLS key may publish there.
        await using var thief = await house.ConnectAsCenterAsync();
        (await thief.PublishAsync(new() { Topic = "signet/door-1/signer", Payload = Encoding.ASCII.GetBytes(pem), QoS = QoS.AtLeastOnce, Retain = true })).IsAccepted.ShouldBeTrue();

        (await house.SendAsync("door-1", "check-status")).State.ShouldBe("executed");
        door.Home.CenterKeyId.ShouldBe(pinned);
    }

    [Fact]
    public async Task Only_the_center_may_say_who_signs()
    {
        await using var house = await TestHouse.StartAsync();
        await LaterAsync();
        await using var device = await house.ConnectAsync("valve-1", "valve-1");
        (await device.PublishAsync(new() { Topic = "signet/door-1/signer", Payload = "x"u8.ToArray(), QoS = QoS.AtLeastOnce })).Reason.ShouldBe(ReasonCode.NotAuthorized);
        (await device.PublishAsync(new() { Topic = "signet/valve-1/signer", Payload = "x"u8.ToArray(), QoS = QoS.AtLeastOnce })).Reason.ShouldBe(ReasonCode.NotAuthorized);
        (await house.Center.CommandSigners.RotateAsync(TestHouse.Operator)).TryGet(out _, out var refusal).ShouldBeFalse();
        refusal.Code.ShouldBe(RefusalCode.NotAllowed);
    }

    private static int[] Devices(TestHouse house) => [.. house.Center.CommandSigners.List().Select(v => v.Devices)];

    // A certificate's time is whole seconds, and only a later one is newer.
    private static Task LaterAsync() => Task.Delay(TimeSpan.FromSeconds(1.1));

    private static string Strangers()
    {
        using var directory = new TempDirectory();
        using var random = System.Security.Cryptography.RandomNumberGenerator.Create();
        using var other = CertificateAuthority.Create(directory.File("pki"), new(), TimeProvider.System, random);
        using var signer = other.Issue(new(CertificateProfile.CenterSign, "center_sign"));
        return signer.ChainPem;
    }
}
