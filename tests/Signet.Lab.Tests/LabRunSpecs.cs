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
        var results = await LabRun.RunAsync(new() { OutDirectory = directory, LatencySamples = out_ is null ? 60 : 400, Progress = new Collect(progress) }, TimeProvider.System, Bench.Random, TestContext.Current.CancellationToken);

        results.Problems.ShouldBeEmpty();
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
        json["attacks"]!.AsArray().Count(a => (string)a!["insecure"]! == "succeeded").ShouldBeGreaterThanOrEqualTo(25);
        foreach (var member in new[] { "n", "mean", "p50", "p95", "p99", "ci95" }) json["latencyMs"]!["signet-es256"]!.AsObject().ContainsKey(member).ShouldBeTrue(member);
        ((double)json["overheadRatio"]!["signet-es256"]!).ShouldBeGreaterThan(0);

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
        progress.Select(p => p.Phase).Distinct().ShouldBe(["houses", "attacks", "controls", "latency", "flood", "timing", "report"]);
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

    [Fact]
    public async Task A_short_soak_lets_nothing_through_and_loses_nothing()
    {
        using var folder = new TemporaryFolder();
        var results = await LabRun.RunAsync(new() { OutDirectory = folder["lab"], Only = ["plain-command"], Soak = TimeSpan.FromSeconds(3) }, TimeProvider.System, Bench.Random);
        results.Soak.ShouldNotBeNull();
        results.Soak.Successes.ShouldBe(0);
        results.Soak.GenuineLost.ShouldBe(0);
        results.Soak.Genuine.ShouldBeGreaterThan(10);
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

    private sealed class Stop(CancellationTokenSource stop, int after) : IProgress<LabProgress>
    {
        private int _attacks;

        public void Report(LabProgress value)
        {
            if (value.Phase == "attacks" && ++_attacks == after) stop.Cancel();
        }
    }
}
