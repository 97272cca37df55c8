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
        await PushAsync(house, DateTimeOffset.UtcNow.AddSeconds(-5));

        var done = await house.SendAsync("lamp-1", "blink");

        (done.State, HeaderOf(done.Message, "alg")).ShouldBe(("executed", "PS256"));
        var suites = house.Center.Commands.SuitesOf("lamp-1")!;
        suites.Commands.ShouldBe("signet-ps256-1");
        suites.Granted!["signet-hs256-1"].ShouldNotBeNull();
    }

    [Fact]
    public async Task At_the_sunset_a_running_device_changes_its_voice_and_what_still_comes_under_the_shared_key_is_refused()
    {
        await using var house = await WithLampAsync(d => d with { SharedKey = true });
        var until = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 4);
        await PushAsync(house, until);
        var before = await house.SendAsync("lamp-1", "blink");
        (before.State, HeaderOf(before.Message, "alg"), HeaderOf(before.Receipt!, "alg")).ShouldBe(("executed", "HS256", "HS256"));

        await Task.Delay(until - DateTimeOffset.UtcNow + TimeSpan.FromMilliseconds(50)); // nobody starts again

        var after = await house.SendAsync("lamp-1", "blink");
        (after.State, HeaderOf(after.Message, "alg"), HeaderOf(after.Receipt!, "alg")).ShouldBe(("executed", "PS256", "ES256"));

        // Whoever has got hold of the shared key.
        var shared = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(house.Center.Installation.DeviceDirectory("lamp-1"), "shared.json")))!["up"]!;
        using var stolen = SigningKey.Hs256(Base64Url.DecodeFromChars((string)shared["key"]!), (string)shared["kid"]!);
        var (epoch, topic) = (DateTimeOffset.UtcNow.ToUnixTimeSeconds(), Topics.Telemetry("lamp-1", "light"));
        await house.Center.MqttBroker!.PublishAsync(new()
        {
            Topic = topic, QoS = Mqtt.QoS.AtLeastOnce,
            Payload = TelemetryMessage.Sign(new() { Issuer = "lamp-1", Id = "01JQX4S8M1RSTVWXYZ23456789", IssuedAt = DateTimeOffset.UtcNow, Epoch = epoch, Sequence = 1, Topic = topic, Name = "light", Value = JsonValue.Create(1), Unit = null }, stolen),
        });
        await house.Center.MqttBroker!.PublishAsync(new()
        {
            Topic = Topics.Receipt("lamp-1"), QoS = Mqtt.QoS.AtLeastOnce,
            Payload = ReceiptMessage.Sign(new()
            {
                Issuer = "lamp-1", Audience = "command_center", Id = "01JQX4S8M2RSTVWXYZ23456789", IssuedAt = DateTimeOffset.UtcNow, Epoch = epoch, Sequence = 2, Topic = Topics.Receipt("lamp-1"),
                InReplyTo = after.Id, Digest = Thumbprint.OfBytes(Encoding.ASCII.GetBytes(after.Message)), State = ReceiptState.Failed, Reason = RejectReason.None, Result = [], Seen = 0,
            }, stolen),
        });
        foreach (var refused in (string[])["telemetry-refused", "receipt-refused"])
            (await house.AuditedAsync(new() { Action = refused, Actor = "lamp-1" })).Reason.ShouldBe("algorithm-not-allowed");
        (await house.Center.Commands.FindAsync(after.Id))!.State.ShouldBe("executed");

        // Its epoch is later than the device's own, whose receipts count all the same.
        (await house.SendAsync("lamp-1", "blink")).State.ShouldBe("executed");
    }

    [Fact]
    public async Task A_status_under_a_suite_after_its_sunset_neither_ends_a_presence_that_the_broker_sees_nor_makes_the_devices_own_words_old()
    {
        await using var house = await WithLampAsync(d => d with { SharedKey = true });
        await PushAsync(house, DateTimeOffset.UtcNow.AddSeconds(-5));
        var since = house.Center.Fleet.Find("lamp-1")!.Presence.Since;
        var shared = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(house.Center.Installation.DeviceDirectory("lamp-1"), "shared.json")))!["up"]!;
        using var stolen = SigningKey.Hs256(Base64Url.DecodeFromChars((string)shared["key"]!), (string)shared["kid"]!);

        // Of a later epoch than the device's own: taken, it would make every word of the device old until its next start.
        await SayAsync(StatusState.Offline, 1);
        await SayAsync(StatusState.Online, 2);

        (await house.AuditedAsync(new() { Action = "status-refused", Actor = "lamp-1" })).Reason.ShouldBe("algorithm-not-allowed");
        (house.PresenceOf("lamp-1"), house.Center.Fleet.Find("lamp-1")!.Presence.Since).ShouldBe((PresenceState.Online, since), "the broker sees its session");
        (await house.SendAsync("lamp-1", "blink")).State.ShouldBe("executed");

        house.Center.MqttBroker!.Disconnect(s => s.Identity == "lamp-1", Mqtt.ReasonCode.AdministrativeAction, "cut by the test").ShouldBe(1);
        await Eventually.True(() => house.Center.Fleet.Find("lamp-1")!.Presence is { State: PresenceState.Online } presence && presence.Since > since, "its own online counts");

        ValueTask SayAsync(StatusState state, long number) => house.Center.MqttBroker!.PublishAsync(new()
        {
            Topic = Topics.Status("lamp-1"), QoS = Mqtt.QoS.AtLeastOnce,
            Payload = StatusMessage.Sign(new()
            {
                Issuer = "lamp-1", Id = $"01JQX4S8M{number}RSTVWXYZ23456789", IssuedAt = DateTimeOffset.UtcNow, Epoch = DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 2, Sequence = number, Topic = Topics.Status("lamp-1"), State = state, Details = [],
            }, stolen),
        });
    }

    [Fact]
    public void A_last_will_under_a_suite_after_its_sunset_says_where_sessions_are_unseen_that_the_device_is_away_and_no_more()
    {
        foreach (var unseen in (bool[])[true, false])
        {
            var roster = new Roster(TimeProvider.System) { SessionsAreUnseen = unseen };
            roster.Put(new("lamp-1", "lamp", "", [], enabled: true, DateTimeOffset.UtcNow));
            roster.SessionOpened("lamp-1", null);
            roster.StatusTaken(Said(StatusState.Online, 1)).ShouldBeTrue();
            var will = Said(StatusState.Offline, 18) with { Epoch = 2_000_000_000 };

            roster.IsNewer(will).ShouldBeTrue();
            roster.LeftUnder(will);

            roster.Find("lamp-1")!.Presence.State.ShouldBe(unseen ? PresenceState.Offline : PresenceState.Online);
            roster.IsNewer(will).ShouldBeTrue("its order was not taken");
            roster.StatusTaken(Said(StatusState.Online, 19)).ShouldBeTrue("the device's own next word counts");
            roster.Find("lamp-1")!.Presence.State.ShouldBe(PresenceState.Online);
        }

        static StatusClaims Said(StatusState state, long number) => new()
        {
            Issuer = "lamp-1", Id = "01JQX4S8M0RSTVWXYZ23456789", IssuedAt = DateTimeOffset.UtcNow, Epoch = 1_800_000_000, Sequence = number, Topic = Topics.Status("lamp-1"), State = state, Details = [],
        };
    }

    [Fact]
    public async Task Arguments_that_policy_does_not_allow_are_refused_by_the_center_before_it_signs_and_by_the_device()
    {
        await using var house = await WithLampAsync(d => d);
        await PushAsync(house, null, new CommandRule("blink", [new("colour", ArgumentType.Choice) { Choices = ["green", "red"] }, new("times", ArgumentType.Integer) { Least = 1, Most = 5, IsOptional = true }]));
        (await house.SendAsync("lamp-1", "blink", new() { ["colour"] = "red", ["times"] = 3 })).State.ShouldBe("executed");

        foreach (var wrong in (JsonObject[])[[], new() { ["colour"] = "blue" }, new() { ["colour"] = "red", ["times"] = 6 }, new() { ["colour"] = "red", ["loud"] = true }])
        {
            var refusal = (await house.Center.Commands.SendAsync(new("lamp-1", "blink", wrong), TestHouse.Operator)).Refusal!;
            (refusal.Name, refusal.Message.StartsWith("policy:", StringComparison.Ordinal)).ShouldBe(("bad-arguments", true), refusal.Message);
        }

        (await house.AuditedAsync(new() { Action = "command-sent", Outcome = "refused", Subject = "lamp-1" })).Details["rule"]!.GetValue<string>().ShouldBe("manifest-arguments");
        house.Center.Manifests.Find("lamp-1")!.Arguments.Single().Arguments.ShouldBe(["colour must be one of green, red", "times must be an integer from 1 to 5, or be left out"]);
    }

    private static async Task PushAsync(TestHouse house, DateTimeOffset? until, params CommandRule[] rules)
    {
        using var root = (ECDsa)KeyFile.Load(Path.Combine(house.Center.Installation.PkiDirectory, "root.key"));
        using var key = SigningKey.Es256(root, Thumbprint.Of(house.Center.Authority.Root));
        var manifest = Encoding.ASCII.GetString(ManifestMessage.Sign(new()
        {
            Issuer = ManifestClaims.Policy, Id = "01JQX4S8M0RSTVWXYZ23456789", IssuedAt = DateTimeOffset.UtcNow, Audience = "lamp-1", Version = 1, Commands = ["blink"],
            Suites = [new("signet-es256-1", null), new("signet-hs256-1", until), new("signet-ps256-1", null)], OnlySealed = false, Classes = [], Approvers = [], Rules = rules,
        }, key));
        (await house.Center.Manifests.PushAsync("lamp-1", manifest, null, TestHouse.Admin)).Refusal.ShouldBeNull();
        await Eventually.True(() => house.Center.Fleet.Find("lamp-1")!.Presence.AnnouncedNumber("manifest") == 1, "lamp-1 obeys the manifest");
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
