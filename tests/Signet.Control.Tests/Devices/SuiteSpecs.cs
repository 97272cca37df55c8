using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Pki;
using Signet.Testing;
using Signet.Wire;

namespace Signet.Control.Tests;

/// <summary>Devices that share keys with the center, devices that commands are sealed to, and who uses what.</summary>
public sealed class SuiteSpecs
{
    private static string HeaderOf(string jws, string name) => (string)JsonNode.Parse(Base64Url.DecodeFromChars(jws.Split('.')[0]))![name]!;

    private static async Task<TestHouse> WithLampAsync(Func<NewDevice, NewDevice> how)
    {
        var house = await TestHouse.StartAsync();
        (await house.Center.Fleet.AddAsync(how(new("lamp-1", "lamp", ["blink"])), TestHouse.Admin)).Refusal.ShouldBeNull();
        await house.StartDeviceAsync("lamp-1");
        return house;
    }

    [Fact]
    public async Task A_device_with_a_shared_key_is_commanded_and_answers_under_it_with_a_key_for_each_direction()
    {
        await using var house = await WithLampAsync(d => d with { SharedKey = true });

        var done = await house.SendAsync("lamp-1", "blink");

        done.State.ShouldBe("executed");
        (HeaderOf(done.Message, "alg"), HeaderOf(done.Receipt!, "alg")).ShouldBe(("HS256", "HS256"));
        HeaderOf(done.Message, "kid").ShouldNotBe(HeaderOf(done.Receipt!, "kid"));
        ((string?)JsonNode.Parse(Base64Url.DecodeFromChars(done.Receipt!.Split('.')[1]))!["evidence"]).ShouldBe("shared-key");
        if (!OperatingSystem.IsWindows()) File.GetUnixFileMode(Path.Combine(house.Center.Installation.DeviceDirectory("lamp-1"), "shared.json")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        (await house.Center.Commands.ExportReceiptAsync(done.Id, TestHouse.Admin)).Refusal!.Message.ShouldContain("either of the two could have made");
        house.Center.Commands.SuitesOf("lamp-1").ShouldBe(new DeviceSuites("lamp-1", "signet-hs256-1", "signet-hs256-1", null, null));
        house.Center.Commands.SuitesOf("door-1").ShouldBe(new DeviceSuites("door-1", "signet-ps256-1", "signet-es256-1", null, null));
        await house.AssertAuditIntactAsync();
    }

    [Fact]
    public async Task The_shared_keys_are_the_same_after_a_restart_and_others_after_the_device_was_added_again()
    {
        await using var house = await WithLampAsync(d => d with { SharedKey = true });
        var path = Path.Combine(house.Center.Installation.DeviceDirectory("lamp-1"), "shared.json");
        var before = await File.ReadAllTextAsync(path);
        await house.StopCenterAsync();
        await house.StartCenterAsync();
        await Eventually.True(() => house.PresenceOf("lamp-1") == PresenceState.Online, "lamp-1 is online again", TimeSpan.FromSeconds(30));
        (await house.SendAsync("lamp-1", "blink")).State.ShouldBe("executed");

        (await house.Center.Fleet.RemoveAsync("lamp-1", TestHouse.Admin)).Refusal.ShouldBeNull();
        await Task.Delay(1100); // another second, another version
        (await house.Center.Fleet.AddAsync(new("lamp-1", "lamp", ["blink"]) { SharedKey = true }, TestHouse.Admin)).Refusal.ShouldBeNull();
        (await File.ReadAllTextAsync(path)).ShouldNotBe(before);
    }

    [Fact]
    public async Task After_the_sunset_in_its_manifest_the_center_signs_and_the_device_takes_the_shared_key_no_more()
    {
        await using var house = await WithLampAsync(d => d with { SharedKey = true });
        using var root = (ECDsa)KeyFile.Load(Path.Combine(house.Center.Installation.PkiDirectory, "root.key"));
        using var key = SigningKey.Es256(root, Thumbprint.Of(house.Center.Authority.Root));
        var manifest = Encoding.ASCII.GetString(ManifestMessage.Sign(new()
        {
            Issuer = ManifestClaims.Policy, Id = "01JQX4S8M0RSTVWXYZ23456789", IssuedAt = DateTimeOffset.UtcNow, Audience = "lamp-1", Version = 1, Commands = ["blink"],
            Suites = [new("signet-es256-1", null), new("signet-hs256-1", DateTimeOffset.UtcNow.AddSeconds(-5)), new("signet-ps256-1", null)], OnlySealed = false, Classes = [], Approvers = [],
        }, key));
        (await house.Center.Manifests.PushAsync("lamp-1", manifest, null, TestHouse.Admin)).Refusal.ShouldBeNull();

        var done = await house.SendAsync("lamp-1", "blink");

        (done.State, HeaderOf(done.Message, "alg")).ShouldBe(("executed", "PS256"));
        var suites = house.Center.Commands.SuitesOf("lamp-1")!;
        suites.Commands.ShouldBe("signet-ps256-1");
        suites.Granted!["signet-hs256-1"].ShouldNotBeNull();
    }

    [Fact]
    public async Task A_device_added_with_a_sealing_key_gets_commands_that_only_it_can_read()
    {
        await using var house = await WithLampAsync(d => d with { Sealing = true });
        var done = await house.SendAsync("lamp-1", "blink");

        done.State.ShouldBe("executed");
        house.Center.Commands.SuitesOf("lamp-1")!.Sealing.ShouldBe("signet-ecdh-es-1");
        (await house.Center.Audit.QueryAsync(new() { Action = "sealing-downgrade-refused" })).Entries.ShouldBeEmpty();
        var file = (await house.Center.Commands.ExportReceiptAsync(done.Id, TestHouse.Admin)).Value;
        Encoding.UTF8.GetString(file.Json.Span).ShouldContain("\"envelope\"");
    }
}
