using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary>A command's journey through the program's own front door, with processes and certificates as people have them.</summary>
public sealed class JourneySpecs(RunningHouse house) : IClassFixture<RunningHouse>
{
    [Fact]
    [Trait("row", "S0-17")]
    [Trait("row", "S0-18")]
    public async Task A_command_is_executed_and_answered_with_a_value_and_a_receipt()
    {
        var sent = await house.RunAsync("command", "send", "thermostat-1", "read-temperature", "--wait", "--json");
        sent.ExitCode.ShouldBe(0, sent.Error);
        var view = sent.Json;
        ((string)view["state"]!).ShouldBe("executed");
        ((string)view["device"]!).ShouldBe("thermostat-1");
        ((string)view["command"]!).ShouldBe("read-temperature");
        ((double)view["result"]!["temperature"]!).ShouldBeInRange(-40, 90);
        ((string)view["receipt"]!).Split('.').Length.ShouldBe(3);
    }

    [Fact]
    public async Task A_receipt_verifies_offline_and_any_flipped_bit_is_refused()
    {
        var sent = await house.RunAsync("command", "send", "door-1", "check-status", "--wait", "--json");
        var file = Path.Combine(Path.GetTempPath(), Guid.NewGuid() + ".receipt.json");
        try
        {
            var exported = await house.RunAsync("receipt", "export", (string)sent.Json["id"]!, "--out", file);
            exported.ExitCode.ShouldBe(0, exported.Error);
            var trust = (string)house.Signet.Ready["rootCertificate"]!;
            (await SignetProcess.RunAsync(null, "receipt", "verify", file, "--trust", trust)).ExitCode.ShouldBe(0);
            (await SignetProcess.RunAsync(null, "receipt", "verify", file, "--trust", Path.GetDirectoryName(trust)!)).ExitCode.ShouldBe(0);

            // Every bit is flipped in Control's tests; here a few, through the program.
            var bytes = await File.ReadAllBytesAsync(file);
            var random = new Random(20261120);
            for (var round = 0; round < 5; round++)
            {
                var flipped = (byte[])bytes.Clone();
                flipped[random.Next(flipped.Length)] ^= (byte)(1 << random.Next(8));
                await File.WriteAllBytesAsync(file, flipped);
                var refused = await SignetProcess.RunAsync(null, "receipt", "verify", file, "--trust", trust);
                refused.ExitCode.ShouldBe(4, refused.Output + refused.Error);
            }
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    [Trait("row", "S0-16")]
    public async Task A_command_the_device_does_not_take_is_refused_with_a_clear_message()
    {
        var refused = await house.RunAsync("command", "send", "thermostat-1", "self-destruct", "--wait");
        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain("self-destruct");
        refused.Error.ShouldContain("thermostat-1");
        (await house.AuditAsync("--type", "authorization", "--subject", "thermostat-1")).ShouldContain(entry => (string)entry["outcome"]! == "refused" && (string)entry["reason"]! == "command-not-allowed");
    }

    [Fact]
    public async Task A_command_for_an_unknown_device_is_refused()
    {
        var refused = await house.RunAsync("command", "send", "toaster-9", "read-temperature");
        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain("toaster-9");
    }

    [Fact]
    [Trait("row", "S0-28")]
    public async Task A_replayed_copy_of_the_captured_bytes_is_refused_and_stands_in_the_log()
    {
        // The center's own identity is the only one that may write to a device's command topic; whoever stole it can replay, and no more.
        var pki = Path.Combine(house.Data, "pki");
        string[] tls = ["-h", "localhost", "-p", house.MqttPort.ToString(CultureInfo.InvariantCulture), "--cafile", Path.Combine(pki, "root.crt"),
            "--cert", Path.Combine(pki, "command_center.crt"), "--key", Path.Combine(pki, "command_center.key"), "-V", "mqttv5"];
        var sent = await house.RunAsync("command", "send", "valve-1", "check-status", "--wait", "--json");
        var captured = (string)(await house.RunAsync("command", "show", (string)sent.Json["id"]!, "--json")).Json["message"]!;

        var replay = await Peer.RunAsync("mosquitto_pub", [.. tls, "-i", "thief", "-q", "1", "-t", "signet/valve-1/command", "-m", captured]);
        replay.ExitCode.ShouldBe(0, replay.Error);

        var replays = await house.AuditAsync("--type", "replay", "--subject", "valve-1");
        replays.ShouldContain(entry => (string)entry["reason"]! == "replayed");
        ((string)(await house.RunAsync("command", "show", (string)sent.Json["id"]!, "--json")).Json["state"]!).ShouldBe("executed", "a replay changes nothing");
    }

    [Fact]
    [Trait("row", "S0-19")]
    public async Task A_device_that_is_switched_off_shows_offline_within_two_seconds()
    {
        await using var own = await SignetProcess.UpAsync(house.Data + "-off", "--demo");
        var data = house.Data + "-off";
        var child = SignetProcess.ChildrenOf(own.Id).Single(id => File.ReadAllText($"/proc/{id}/cmdline").Contains("door-1", StringComparison.Ordinal));
        Process.GetProcessById(child).Kill();
        var watch = Stopwatch.StartNew();
        while (await PresenceAsync(data, "door-1") != "offline")
            watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(5));
        // The command line itself takes about half a second to ask; the time of the change is the center's.
        var list = (await SignetProcess.RunAsync(data, "device", "show", "door-1", "--json")).Json;
        (DateTimeOffset.UtcNow - DateTimeOffset.Parse((string)list["since"]!, CultureInfo.InvariantCulture)).ShouldBeLessThan(watch.Elapsed + TimeSpan.FromSeconds(1));
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(4));
        var refused = await SignetProcess.RunAsync(data, "command", "send", "door-1", "check-status");
        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain("offline");
    }

    [Fact]
    [Trait("row", "S0-26")]
    public async Task The_log_of_all_this_verifies()
    {
        var verdict = await house.RunAsync("audit", "verify", "--json");
        verdict.ExitCode.ShouldBe(0, verdict.Error);
        ((bool)verdict.Json["intact"]!).ShouldBeTrue();
        ((long)verdict.Json["entries"]!).ShouldBeGreaterThan(5);
    }

    [Fact]
    public async Task Status_says_that_everything_is_well()
    {
        var status = await house.RunAsync("status", "--json");
        status.ExitCode.ShouldBe(0, status.Error);
        ((int)status.Json["devicesOnline"]!).ShouldBe(3);
    }

    [Fact]
    public async Task Every_list_is_one_object_with_an_array()
    {
        foreach (var (words, list) in new[] { ("device list", "devices"), ("command list", "commands"), ("audit list", "entries"), ("cert list", "certificates"), ("broker sessions", "sessions") })
        {
            var answer = await house.RunAsync([.. words.Split(' '), "--json"]);
            answer.ExitCode.ShouldBe(0, answer.Error);
            answer.Json[list].ShouldBeOfType<JsonArray>(words);
        }
    }

    private static async Task<string?> PresenceAsync(string data, string device) =>
        (string?)(await SignetProcess.RunAsync(data, "device", "show", device, "--json")).Json["state"];
}
