using System.Text.Json.Nodes;

namespace Signet.Lab.Tests;

/// <summary>The lab as the command line calls it.</summary>
public sealed class LabRunSpecs
{
    [Fact, Trait("row", "S4-1")]
    public async Task A_whole_run_finds_the_open_house_open_and_the_secure_house_shut()
    {
        var out_ = Environment.GetEnvironmentVariable("SIGNET_LAB_OUT");
        using var folder = new TemporaryFolder();
        var directory = out_ ?? folder["lab"];
        var progress = new List<LabProgress>();
        // Every attack has a test of its own; here some of each layer stand for all, unless everything is asked for.
        var attacks = Environment.GetEnvironmentVariable("SIGNET_FULL") == "1" || out_ is not null ? Catalogue.Attacks : [.. Catalogue.Attacks.Where((a, i) => i % 9 == 0 || a.Name == "signature-barrage")];
        var results = await LabRun.RunAsync(new() { OutDirectory = directory, KeepIn = folder["data/lab"], LatencySamples = out_ is null ? 60 : 400, Progress = new Collect(progress) }, attacks, TimeProvider.System, Bench.Random, TestContext.Current.CancellationToken);

        results.Problems.ShouldBeEmpty();
        results.Failures.ShouldBeEmpty();
        results.Complete.ShouldBeTrue();
        results.InsecureSuccessRate.ShouldBe(1);
        results.SecureSuccessRate.ShouldBe(0);
        results.SecureAttempts.ShouldBeGreaterThanOrEqualTo(10_000);
        results.ControlKillRate.ShouldBe(1);
        results.Attacks.Where(a => !a.BlockedAsExpected).Select(a => $"{a.Attack.Name}: {a.Secure.Reason}").ShouldBeEmpty();

        // The paper's house: its seven attacks fail in both suites, its four defects succeed in the faithful one only.
        results.Paper.ShouldAllBe(p => p.Attacks.All(a => !a.Succeeded));
        results.Paper.Single(p => p.Suite == PaperNames.Faithful).Defects.ShouldAllBe(d => d.Succeeded);
        results.Paper.Single(p => p.Suite == PaperNames.Corrected).Defects.ShouldAllBe(d => !d.Succeeded);

        // What the interfaces promise.
        var json = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(directory, "results.json"), TestContext.Current.CancellationToken))!;
        var first = json["attacks"]![0]!.AsObject();
        foreach (var member in new[] { "name", "layer", "insecure", "secure", "attempts", "reason", "techniques" }) first.ContainsKey(member).ShouldBeTrue(member);
        ((double)json["insecure"]!["successRate"]!).ShouldBe(1);
        ((double)json["secure"]!["successRate"]!).ShouldBe(0);
        ((double)json["controlKillRate"]!).ShouldBe(1);
        if (attacks.Count == Catalogue.Attacks.Count) json["attacks"]!.AsArray().Count(a => (string)a!["insecure"]! == "succeeded").ShouldBeGreaterThanOrEqualTo(25);
        foreach (var member in new[] { "n", "mean", "p50", "p95", "p99", "ci95" }) json["latencyMs"]!["signet-es256"]!.AsObject().ContainsKey(member).ShouldBeTrue(member);
        ((double)json["overheadRatio"]!["signet-es256"]!).ShouldBeGreaterThan(0);

        // The replay suite: refused, and seen by everybody.
        results.Replay.ShouldNotBeNull();
        results.Replay.Executions.ShouldBe(0);
        results.Replay.Refusals.ShouldBe(results.Replay.Attempts);
        results.Replay.DeviceLines.ShouldBeGreaterThanOrEqualTo(results.Replay.Attempts);
        results.Replay.AuditEntries.ShouldBeGreaterThan(0);
        results.Replay.OnThePage.ShouldBeTrue();

        // What the logs say by themselves is what the houses counted.
        results.Logs.ShouldNotBeNull();
        results.Logs.Accepted.ShouldBe(results.Paper.Sum(p => p.Statistics.Accepted));
        results.Logs.Rejected.ShouldBe(results.Paper.Sum(p => p.Statistics.Rejected));
        results.Logs.Attacks.Values.Sum().ShouldBe(14); // the paper's seven, in each suite

        // The console finds the run where it looks.
        var shown = new Signet.Control.LabHistory(folder["data/lab"]).List().ShouldHaveSingleItem();
        (shown.Ended, shown.Passed, shown.Kinds).ShouldBe((true, true, (long)attacks.Count));
        shown.Attacks.Select(a => a.Name).ShouldBe(attacks.Select(a => a.Name));
        shown.Plots.ShouldContain("latency");

        // A report made anew from the file is the report.
        var before = await File.ReadAllTextAsync(Path.Combine(directory, "REPORT.html"), TestContext.Current.CancellationToken);
        File.Delete(Path.Combine(directory, "REPORT.html"));
        (await LabRun.ReportAsync(directory, TestContext.Current.CancellationToken)).Passed.ShouldBeTrue();
        (await File.ReadAllTextAsync(Path.Combine(directory, "REPORT.html"), TestContext.Current.CancellationToken)).Length.ShouldBeInRange(before.Length - 500, before.Length + 500);

        foreach (var plot in Plots.All(results))
        {
            File.Exists(Path.Combine(directory, plot.Name + ".svg")).ShouldBeTrue();
            (await File.ReadAllBytesAsync(Path.Combine(directory, plot.Name + ".png"), TestContext.Current.CancellationToken))[..4].ShouldBe([0x89, (byte)'P', (byte)'N', (byte)'G']);
            System.Xml.Linq.XDocument.Load(Path.Combine(directory, plot.Name + ".svg")).Root!.Name.LocalName.ShouldBe("svg");
        }
        var page = await File.ReadAllTextAsync(Path.Combine(directory, "REPORT.html"), TestContext.Current.CancellationToken);
        page.ShouldContain("<svg");
        page.Replace("http://www.w3.org/2000/svg", "", StringComparison.Ordinal).ShouldNotContain("http"); // opens without a network
        page.ShouldNotContain("<script");
        var logs = Directory.GetFiles(Path.Combine(directory, "logs"), "*.ndjson");
        logs.ShouldNotBeEmpty();
        foreach (var line in logs.SelectMany(File.ReadLines)) JsonNode.Parse(line)!["message"].ShouldNotBeNull();
        progress.Select(p => p.Phase).Distinct().ShouldBe(["houses", "attacks", "controls", "replay", "latency", "flood", "timing", "report"]);
    }

    [Fact]
    public async Task Some_attacks_alone_run_alone_and_in_the_order_of_their_seed()
    {
        using var folder = new TemporaryFolder();
        async Task<List<string>> OrderAsync(string name, int seed)
        {
            var seen = new List<LabProgress>();
            await LabRun.RunAsync(new() { OutDirectory = folder[name], Only = ["forged-command", "algorithm-none", "cross-device", "plain-command"], Seed = seed, Progress = new Collect(seen) }, TimeProvider.System, Bench.Random);
            return [.. seen.Where(p => p.Phase == "attacks").Select(p => p.Item)];
        }

        var first = await OrderAsync("a", 5);
        first.Count.ShouldBe(4);
        (await OrderAsync("b", 5)).ShouldBe(first);
        (await OrderAsync("c", 6)).ShouldNotBe(first);
    }

    [Fact]
    public async Task Two_labs_run_at_once()
    {
        using var folder = new TemporaryFolder();
        var both = await Task.WhenAll(Enumerable.Range(0, 2).Select(i => LabRun.RunAsync(new() { OutDirectory = folder[$"lab{i}"], Only = ["no-certificate", "wildcard-greed", "immediate-replay"] }, TimeProvider.System, Bench.Random)));
        both.ShouldAllBe(r => r.Complete && r.SecureSuccessRate == 0 && r.InsecureSuccessRate == 1);
    }

    [Fact]
    public async Task A_port_that_somebody_took_is_not_taken_for_the_broker()
    {
        using var folder = new TemporaryFolder();
        using var other = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        other.Start();
        var port = ((System.Net.IPEndPoint)other.LocalEndpoint).Port;
        var passwords = new Dictionary<string, string> { ["somebody"] = "a password" };
        (await Should.ThrowAsync<LabException>(PaperMosquitto.StartAsync(PaperMosquitto.Program!, folder["taken"], port, passwords, TimeProvider.System, TestContext.Current.CancellationToken))).Message.ShouldStartWith($"mosquitto did not start on port {port}: ");
        await using var free = await PaperMosquitto.StartAsync(PaperMosquitto.Program!, folder["free"], passwords, TimeProvider.System, TestContext.Current.CancellationToken);
        free.Port.ShouldNotBe(port);
    }

    [Fact]
    public async Task A_stopped_run_writes_what_it_has_and_says_so()
    {
        using var folder = new TemporaryFolder();
        using var stop = new CancellationTokenSource();
        var results = await LabRun.RunAsync(new() { OutDirectory = folder["lab"], Only = ["message"], Progress = new Stop(stop, 5) }, TimeProvider.System, Bench.Random, stop.Token);
        results.Complete.ShouldBeFalse();
        results.Problems.ShouldBe(["the run was stopped"]);
        results.Attacks.Count.ShouldBeInRange(5, 6);
        (await File.ReadAllTextAsync(Path.Combine(folder["lab"], "REPORT.html"))).ShouldContain("Incomplete");
        ((bool)JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder["lab"], "results.json")))!["complete"]!).ShouldBeFalse();
    }

    /// <summary>A house that dies, and an attacker that crashes, each in the first attack of three.</summary>
    [Fact]
    public async Task What_breaks_in_one_attack_is_said_and_the_rest_goes_on()
    {
        using var folder = new TemporaryFolder();
        var genuine = Catalogue.Attacks.Where(a => a.Name is "plain-command" or "forged-command").ToList();
        Attack Broken(string name, Func<LabContext, CancellationToken, Task<Strike>> open) => genuine[0] with { Name = name, Open = open };
        var dead = await LabRun.RunAsync(new() { OutDirectory = folder["dead"], Only = ["message"] }, [Broken("house-dies", async (lab, stop) =>
        {
            await (await lab.OpenHouseAsync(stop)).DisposeAsync();
            throw new IOException("the house is gone");
        }), .. genuine], TimeProvider.System, Bench.Random, default);
        dead.Complete.ShouldBeFalse();
        dead.Ended.ShouldBeTrue();
        dead.Problems.ShouldContain("house-dies (insecure): the house is gone");
        dead.Attacks.Where(a => a.Attack.Name != "house-dies").ShouldAllBe(a => a.Secure.Result == StrikeResult.Blocked); // the other house stands
        (await File.ReadAllTextAsync(Path.Combine(folder["dead"], "REPORT.html"))).ShouldContain("Incomplete");

        var crashed = await LabRun.RunAsync(new() { OutDirectory = folder["crashed"], Only = ["message"] }, [Broken("attacker-crashes", (_, _) => throw new InvalidOperationException("a bug of the attacker")), .. genuine], TimeProvider.System, Bench.Random, default);
        crashed.Complete.ShouldBeFalse();
        crashed.Problems.ShouldBe(["attacker-crashes (insecure): InvalidOperationException: a bug of the attacker"]);
        crashed.Attacks.Count(a => a.Open.Result == StrikeResult.Succeeded).ShouldBe(2);
    }

    [Fact]
    public async Task A_full_disk_stops_no_attack_and_is_said_at_the_end()
    {
        using var folder = new TemporaryFolder();
        var attack = Catalogue.Attacks.Single(a => a.Name == "plain-command");
        var results = await LabRun.RunAsync(new() { OutDirectory = folder["lab"], Only = ["message"] }, [attack with
        {
            Open = (lab, stop) =>
            {
                // From here on this actor's log lies on a disk without room: the device of Linux that takes nothing.
                File.CreateSymbolicLink(Path.Combine(folder["lab"], "logs", PaperNames.OpenActuator + ".ndjson"), "/dev/full");
                return attack.Open!(lab, stop);
            },
        }], TimeProvider.System, Bench.Random, default);
        results.Attacks.ShouldHaveSingleItem().Open.Result.ShouldBe(StrikeResult.Succeeded, string.Join("; ", results.Problems));
        results.Complete.ShouldBeFalse();
        results.Problems.ShouldHaveSingleItem().ShouldStartWith($"the log of {PaperNames.OpenActuator} could not be written to its end");
    }

    [Fact]
    public async Task A_killed_run_leaves_a_file_that_says_it_has_not_ended()
    {
        using var folder = new TemporaryFolder();
        string during = "";
        await LabRun.RunAsync(new() { OutDirectory = folder["lab"], Only = ["plain-command"], Progress = new Once(() => during = File.ReadAllText(Path.Combine(folder["lab"], "results.json"))) }, TimeProvider.System, Bench.Random);
        ((bool)JsonNode.Parse(during)!["ended"]!).ShouldBeFalse();
        ((bool)JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder["lab"], "results.json")))!["ended"]!).ShouldBeTrue();
        File.Exists(Path.Combine(folder["lab"], ".reserve")).ShouldBeFalse();
    }

    [Fact]
    public void A_survivor_a_wrong_reason_and_a_success_each_fail_the_run()
    {
        var attack = Catalogue.Attacks[0];
        LabResults Of(Strike open, Strike secure, Strike? without) => new() { Seed = 1, Started = default, Complete = true, Attacks = { new AttackResult(attack, open, secure, without) } };
        var (fell, held) = (Strike.Succeeded("so"), Strike.Blocked(attack.Reason));
        Of(fell, held, fell).Passed.ShouldBeTrue();
        Of(fell, held, held).Failures.ShouldHaveSingleItem().ShouldContain("survived being left out");
        Of(fell, held, held).ControlKillRate.ShouldBe(0);
        Of(fell, Strike.Blocked("another reason"), fell).Failures.ShouldHaveSingleItem().ShouldContain("did not reach what it is for");
        Of(fell, fell, fell).Failures.ShouldHaveSingleItem().ShouldContain("succeeded in the secure house");
        Of(held, held, fell).Failures.ShouldHaveSingleItem().ShouldContain("did not succeed in the open house");
    }

    [Fact]
    public async Task A_report_without_results_is_refused_in_one_line()
    {
        using var folder = new TemporaryFolder();
        (await Should.ThrowAsync<LabException>(LabRun.ReportAsync(folder["nowhere"]))).Message.ShouldContain("signet lab run");
        await File.WriteAllTextAsync(folder["results.json"], "[1]");
        (await Should.ThrowAsync<LabException>(LabRun.ReportAsync(folder.Path))).Message.ShouldContain("does not hold the results of a run");
    }

    [Fact]
    public void A_word_selects_every_attack_that_has_it_in_its_name() =>
        LabRun.Select(["replay"]).Select(a => a.Name).ShouldBe(["immediate-replay", "late-replay", "replay-behind-window", "replay-of-old-epoch", "replay-after-reboot", "replay-after-restore", "replay-next-day"]);

    [Fact]
    public async Task A_short_soak_lets_nothing_through_and_loses_nothing()
    {
        using var folder = new TemporaryFolder();
        var results = await LabRun.RunAsync(new() { OutDirectory = folder["lab"], Only = ["plain-command"], Soak = TimeSpan.FromSeconds(3) }, TimeProvider.System, Bench.Random);
        results.Soak.ShouldNotBeNull();
        results.Soak.Successes.ShouldBe(0);
        results.Soak.GenuineLost.ShouldBe(0);
        // How many there are in three seconds is the machine's matter.
        results.Soak.Genuine.ShouldBePositive();
        results.Soak.Attempts.ShouldBePositive();
    }

    [Fact]
    public async Task An_unknown_attack_and_an_unwritable_folder_are_said_in_one_line()
    {
        using var folder = new TemporaryFolder();
        (await Should.ThrowAsync<LabException>(LabRun.RunAsync(new() { OutDirectory = folder["lab"], Only = ["no-such-attack"] }, TimeProvider.System, Bench.Random))).Message.ShouldContain("no-such-attack");
        await File.WriteAllTextAsync(folder["file"], "");
        (await Should.ThrowAsync<LabException>(LabRun.RunAsync(new() { OutDirectory = folder["file"] + "/below" }, TimeProvider.System, Bench.Random))).Message.ShouldContain("cannot write results");
    }

    private sealed class Collect(List<LabProgress> into) : IProgress<LabProgress>
    {
        public void Report(LabProgress value) => into.Add(value);
    }

    private sealed class Once(Action act) : IProgress<LabProgress>
    {
        private bool _done;

        public void Report(LabProgress value)
        {
            if (!_done) act();
            _done = true;
        }
    }

    private sealed class Stop(CancellationTokenSource stop, int after) : IProgress<LabProgress>
    {
        private int _attacks;

        public void Report(LabProgress value)
        {
            if (value.Phase == "attacks" && ++_attacks == after) stop.Cancel();
        }
    }
}
