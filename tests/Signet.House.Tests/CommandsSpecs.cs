using System.Globalization;
using System.Text.Json.Nodes;
using Signet.House.Tests.Program;
using Signet.House.Tests.Rules;
using Signet.Testing;

namespace Signet.House.Tests;

/// <summary>What people do with commands at the command line: wait for a device, plan, take back, ask many, stop, agree by two, and prove it to somebody else.</summary>
public sealed class CommandsSpecs(RunningHouse house) : IClassFixture<RunningHouse>
{
    private string Folder { get; } = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(house.Data)!, Guid.NewGuid().ToString("n"))).FullName;

    [Fact]
    public async Task A_command_for_a_device_that_is_away_is_refused_with_the_way_out_or_waits_and_can_be_taken_back()
    {
        await DoneAsync("device", "add", "lamp-1", "--kind", "lamp", "--allow", "blink");
        var refused = await house.RunAsync("command", "send", "lamp-1", "blink");
        refused.ExitCode.ShouldBe(1);
        refused.Error.ShouldContain("lamp-1 has never connected; nothing was sent (no-active-connection); with --queue it waits for the device.");

        var (first, second) = (await SendAsync("lamp-1", "blink", "--queue", "1h"), await SendAsync("lamp-1", "blink", "--queue", "1h"));
        (first.State, second.State).ShouldBe(("queued", "queued"));
        Ids(await DoneAsync("command", "list", "--state", "queued", "--device", "lamp-1", "--json")).ShouldBe([second.Id, first.Id]);
        (await DoneAsync("command", "cancel", second.Id)).Output.ShouldContain("lamp-1 blink: cancelled");
        (await house.RunAsync("command", "cancel", second.Id)).ShouldSatisfyAllConditions(again => again.ExitCode.ShouldBe(1), again => again.Error.ShouldContain("it is cancelled: only a command that has not left the center can be taken back"));

        await using var lamp = await SignetProcess.RunningAsync(house.Data, "device", "run", "lamp-1", "--json");
        await ReachesAsync(first.Id, "executed");
        (await ShowAsync(second.Id)).State.ShouldBe("cancelled");
        (await house.RunAsync("command", "cancel", first.Id)).Error.ShouldContain("it is executed");
        var shown = (await DoneAsync("command", "show", first.Id)).Output;
        shown.ShouldContain("asked by   local-operator (admin), ");
        shown.ShouldContain("answered ");
        foreach (var verb in new[] { "show", "cancel" })
            (await house.RunAsync("command", verb, "01M8C000000000000000000000")).Error.ShouldContain("There is no command and no rollout with the id 01M8C000000000000000000000");
        lamp.KillTree();
    }

    [Fact]
    [Trait("row", "S0-16"), Trait("row", "S0-17")]
    public async Task Every_command_a_simulated_device_says_it_takes_is_carried_out_and_within_its_range()
    {
        var arguments = new Dictionary<string, (string Good, string Bad)> { ["set-point"] = ("celsius=21.5", "celsius=200"), ["set-position"] = ("percent=40", "percent=101") };
        var done = new List<string>();
        foreach (var device in new[] { "thermostat-1", "door-1", "valve-1" })
        {
            foreach (var command in (await DoneAsync("device", "show", device, "--json")).Json["commands"]!.AsArray().Select(one => (string)one!))
            {
                var (good, bad) = arguments.GetValueOrDefault(command);
                // It may still be on its way back from a restart.
                ((string)(await DoneAsync(["command", "send", device, command, .. good is null ? [] : new[] { good }, "--queue", "5m", "--wait=50s", "--json"])).Json["state"]!).ShouldBe("executed", command);
                done.Add(command);
                if (bad is null) continue;
                var refused = await house.RunAsync("command", "send", device, command, bad, "--queue", "5m");
                (refused.ExitCode, refused.Error.Contains("bad-arguments", StringComparison.Ordinal)).ShouldBe((1, true), refused.Error);
            }
        }

        done.Distinct().Order(StringComparer.Ordinal).ShouldBe(["activate", "check-status", "close", "deactivate", "open", "read-temperature", "restart", "set-point", "set-position"]);
    }

    [Fact]
    public async Task A_planned_command_leaves_at_its_time_and_not_before()
    {
        var planned = await SendAsync("valve-1", "check-status", "--at", "+8s");
        planned.State.ShouldBe("queued");

        var view = (await ReachesAsync(planned.Id, "executed")).View;

        Moment(view, "sent").ShouldBeGreaterThanOrEqualTo(Moment(view, "notBefore"));
        (await house.RunAsync("command", "send", "valve-1", "check-status", "--at", "2026-01-01T00:00Z")).Error.ShouldContain("has passed");
    }

    [Theory]
    [InlineData("group:cellar", "valve-1")]
    [InlineData("tag:red", "door-1")]
    [InlineData("kind:valve,door-1", "door-1 valve-1")]
    [InlineData("search:thermo", "thermostat-1")]
    public async Task One_command_goes_to_a_group_a_tag_a_kind_or_who_a_search_finds(string selection, string devices)
    {
        await DoneAsync("device", "label", "valve-1", "--groups", "cellar");
        await DoneAsync("device", "label", "door-1", "--tags", "red");

        var sent = (await DoneAsync("command", "send", selection, "check-status", "--wait=40s", "--json")).Json;

        ((string)sent["state"]!, (int)sent["executed"]!).ShouldBe(("done", devices.Split(' ').Length), sent.ToJsonString());
        var commands = (await DoneAsync("command", "list", "--rollout", (string)sent["id"]!, "--json")).Json["commands"]!.AsArray();
        string.Join(' ', commands.Select(one => (string)one!["device"]!).Order(StringComparer.Ordinal)).ShouldBe(devices);
    }

    [Fact]
    public async Task A_rollout_keeps_its_pace_and_its_progress_is_seen_as_it_goes()
    {
        var sent = await DoneAsync("command", "send", "door-1,thermostat-1,valve-1", "check-status", "--rate", "15", "--wait=50s");

        // One every four seconds, and a look every 0.3 s.
        var lines = sent.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.ShouldContain(line => line.StartsWith("1 of 3 settled", StringComparison.Ordinal) || line.StartsWith("2 of 3 settled", StringComparison.Ordinal));
        lines[^1].ShouldBe("3 of 3 settled, 3 executed, 0 errors");
        sent.Output.ShouldContain("devices   3: 3 executed");
    }

    [Fact]
    public async Task A_rollout_with_too_many_errors_stops_by_itself()
    {
        var homes = new List<string>();
        for (var number = 1; number <= 8; number++)
        {
            await DoneAsync("device", "add", $"gate-{number}", "--kind", "door");
            var home = Path.Combine(house.Data, "device", $"gate-{number}");
            // What the center believes it takes it does not take: its own list has the last word.
            var settings = Path.Combine(home, "device.json");
            var own = JsonNode.Parse(File.ReadAllText(settings))!;
            own["commands"] = new JsonArray("close", "check-status");
            File.WriteAllText(settings, own.ToJsonString());
            homes.Add(home);
        }

        File.WriteAllLines(Path.Combine(Folder, "homes"), homes);
        await using var gates = SignetProcess.Begin(house.Data, "device", "simulate", "8", "--homes", Path.Combine(Folder, "homes"));
        await UntilAsync(async () => (await DoneAsync("device", "list", "--select", "search:gate", "--json")).Json["devices"]!.AsArray().Count(gate => (string)gate!["state"]! == "online") == 8, "the gates are online");

        var sent = await house.RunAsync("command", "send", "search:gate", "open", "--rate", "30", "--stop-at", "20%", "--wait=50s", "--json");

        (sent.ExitCode, (string)sent.Json["state"]!).ShouldBe((1, "stopped"), sent.Output + sent.Error);
        var counts = sent.Json["counts"]!;
        ((int)counts["rejected"]!).ShouldBeInRange(5, 7); // the sixth may have left before the fifth was answered
        ((int)counts["rejected"]! + (int)counts["cancelled"]!).ShouldBe(8);
        (await house.AuditAsync("--action", "rollout-stopped"))[0]["reason"]!.GetValue<string>().ShouldBe("error-share");
        gates.KillTree();
    }

    [Fact]
    public async Task Two_people_agree_each_with_a_key_of_their_own_and_a_stranger_can_check_it()
    {
        foreach (var person in new[] { "ana", "ben", "ben-2", "carol", "eve" }) await DoneAsync("cert", "issue", "--profile", "user", "--name", person, "--out", Folder);
        await DoneAsync("device", "add", "lock-1", "--kind", "lock", "--allow", "unlock");
        await using var device = await SignetProcess.RunningAsync(house.Data, "device", "run", "lock-1", "--json");
        File.WriteAllText(In("manifest.json"), """
            {"device":"lock-1","version":1,"commands":["unlock"],"suites":["signet-ps256-1"],
             "classes":[{"name":"gates","commands":["unlock"],"needed":2,"approvers":["ana","ben","carol"]}],
             "approvers":[{"person":"ana","certificate":"ana.crt"},{"person":"ben","certificate":"ben.crt"},{"person":"ben","certificate":"ben-2.crt"},{"person":"carol","certificate":"carol.crt"}]}
            """);
        var root = Path.Combine(house.Data, "pki", "root.crt");
        await DoneAsync("manifest", "sign", In("manifest.json"), "--cert", root, "--key", Path.ChangeExtension(root, "key"), "--out", In("manifest.jws"));
        await DoneAsync("manifest", "push", "lock-1", In("manifest.jws"));
        await UntilAsync(async () => (await DoneAsync("manifest", "show", "lock-1")).Output.Contains("the device obeys 1", StringComparison.Ordinal), "the device obeys the manifest");
        var token = (string)(await DoneAsync("token", "create", "ana", "--role", "operator", "--json")).Json["secret"]!;

        var asked = (await SignetProcess.RunAsync(house.Data, new Dictionary<string, string> { ["SIGNET_TOKEN"] = token }, "", "command", "send", "lock-1", "unlock", "--queue", "1h", "--json")).Json;
        var id = (string)asked["id"]!;
        ((string)asked["state"]!, (string)asked["by"]!).ShouldBe(("awaiting-approval", "ana"));
        (await DoneAsync("command", "show", id)).Output.ShouldContain("0 of 2 people (class gates)");
        foreach (var (person, words) in new[] { ("ana", "does not count"), ("eve", "no pinned key") })
        {
            var refused = await ApproveAsync(id, person);
            refused.ExitCode.ShouldBe(1);
            refused.Error.ShouldContain(words);
            refused.Error.ShouldContain("approval-invalid");
        }

        var first = await ApproveAsync(id, "ben");
        first.Output.ShouldContain("devices    1: lock-1");
        first.Output.ShouldContain("asked by   ana");
        (await ApproveAsync(id, "ben-2", "--name", "ben")).Output.ShouldContain("approved by ben: 1 of 2", customMessage: "people are counted, not keys");
        (await DoneAsync("command", "show", id)).Output.ShouldContain("1 of 2 people (class gates): ben");
        (await ShowAsync(id)).State.ShouldBe("awaiting-approval");
        (await ApproveAsync(id, "carol")).Output.ShouldContain("approved by ben, carol: 2 of 2");
        await ReachesAsync(id, "executed");

        // Offline, with the root alone; and by a program that shares no code with this one.
        await DoneAsync("receipt", "export", id, "--out", In("receipt.json"));
        (await VerifyAsync()).ShouldBe((0, 0));
        var bytes = File.ReadAllBytes(In("receipt.json"));
        for (var part = 0; part < 4; part++)
        {
            var changed = (byte[])bytes.Clone();
            var at = (part * bytes.Length / 4) + (bytes.Length / 8);
            changed[at] = changed[at] == (byte)'A' ? (byte)'B' : (byte)'A';
            File.WriteAllBytes(In("receipt.json"), changed);
            (await VerifyAsync()).ShouldBe((4, 4), $"byte {at} of {bytes.Length}");
        }

        device.KillTree();

        async Task<(int Ours, int Theirs)> VerifyAsync() => (
            (await SignetProcess.RunAsync(null, "receipt", "verify", In("receipt.json"), "--trust", root)).ExitCode,
            (await Peer.RunAsync("/usr/bin/python3", [Repository.PathOf("tests/verify_receipt.py"), In("receipt.json"), "--trust", root])).ExitCode);
    }

    [Fact]
    public async Task Who_still_uses_a_suite_is_listed()
    {
        await DoneAsync("device", "add", "meter-1", "--kind", "meter", "--allow", "read-meter", "--shared-key");

        var all = (await DoneAsync("device", "list", "--suite", "--json")).Json["devices"]!.AsArray();
        var shared = (await DoneAsync("device", "list", "--suite", "signet-hs256-1", "--json")).Json["devices"]!.AsArray();

        ((string)all.Single(one => (string)one!["device"]! == "door-1")!["messages"]!).ShouldBe("signet-es256-1");
        ((string)shared.ShouldHaveSingleItem()!["device"]!).ShouldBe("meter-1");
        (await DoneAsync("device", "list", "--suite", "signet-hs256-1")).Output.ShouldContain("meter-1");
        var unknown = await house.RunAsync("device", "list", "--suite", "signet-hs265-1");
        (unknown.ExitCode, unknown.Error.Contains("only signet-ps256-1", StringComparison.Ordinal)).ShouldBe((1, true), "a slip of the finger must not read as: nobody uses it any more");
    }

    [Fact]
    public async Task The_same_key_at_the_API_sends_once_and_another_command_under_it_is_a_conflict()
    {
        async Task<(string Status, JsonNode Body)> PostAsync(string key, string command)
        {
            var (url, token) = ((string)house.Signet.Ready["console"]!, (string)house.Signet.Ready["token"]!);
            var sent = await Peer.RunAsync("curl", ["-s", "--cacert", (string)house.Signet.Ready["rootCertificate"]!, "-H", $"Authorization: Bearer {token}", "-H", $"Idempotency-Key: {key}", "--json", $$"""{"device":"door-1","command":"{{command}}"}""", "-w", "\n%{http_code}", url + "/api/v1/commands?wait=20"]);
            var lines = sent.Output.Trim().Split('\n');
            return (lines[^1], JsonNode.Parse(string.Join('\n', lines[..^1]))!);
        }

        var key = Guid.NewGuid().ToString("n");
        var first = await PostAsync(key, "check-status");
        var again = await PostAsync(key, "check-status");
        var other = await PostAsync(key, "open");

        (first.Status, (string)first.Body["state"]!).ShouldBe(("201", "executed"));
        again.Status.ShouldStartWith("2");
        ((string)again.Body["id"]!).ShouldBe((string)first.Body["id"]!);
        (other.Status, (string)other.Body["reason"]!).ShouldBe(("409", "conflict"));
    }

    private string In(string name) => Path.Combine(Folder, name);

    private Task<Outcome> ApproveAsync(string id, string certificate, params string[] more) => house.RunAsync(["command", "approve", id, "--cert", In(certificate + ".crt"), "--key", In(certificate + ".key"), "--yes", .. more]);

    private async Task<Outcome> DoneAsync(params string[] arguments)
    {
        var run = await house.RunAsync(arguments);
        run.ExitCode.ShouldBe(0, $"signet {string.Join(' ', arguments)}: {run.Output}{run.Error}");
        return run;
    }

    private async Task<(string Id, string State)> SendAsync(params string[] arguments)
    {
        var view = (await DoneAsync(["command", "send", .. arguments, "--json"])).Json;
        return ((string)view["id"]!, (string)view["state"]!);
    }

    private async Task<(string State, JsonObject View)> ShowAsync(string id)
    {
        var view = (await DoneAsync("command", "show", id, "--json")).Json;
        return ((string)view["state"]!, view);
    }

    private async Task<(string State, JsonObject View)> ReachesAsync(string id, string state)
    {
        (string State, JsonObject View) shown = default;
        await UntilAsync(async () => (shown = await ShowAsync(id)).State == state, $"{id} is {state}");
        return shown;
    }

    private static async Task UntilAsync(Func<Task<bool>> holds, string what) => await Eventually.Some(async () => await holds() ? "" : null, what);

    private static IEnumerable<string> Ids(Outcome list) => list.Json["commands"]!.AsArray().Select(one => (string)one!["id"]!);

    private static DateTimeOffset Moment(JsonObject view, string name) => DateTimeOffset.Parse((string)view[name]!, CultureInfo.InvariantCulture);
}
