namespace Signet.Lab.Tests;

[Trait("row", "S4-24")]
public sealed class TimingSpecs
{
    private static readonly Lazy<IReadOnlyList<TimingFinding>> Findings = new(() => new TimingLab(TimeProvider.System, 1, Bench.Random).Run(measurements: 8_000));

    [Theory]
    [InlineData("vulnerable_compare", "VULNERABLE"), InlineData("secure_compare", "RESISTANT"), InlineData("FixedTimeEquals", "RESISTANT"), InlineData("PinnedKey (HS256)", "RESISTANT"), InlineData("SetupLink", "RESISTANT"), InlineData("OneTimeCode", "RESISTANT")]
    public void Each_comparison_gets_the_verdict_its_code_deserves(string name, string verdict)
    {
        var finding = Findings.Value.Single(f => f.Name == name);
        finding.Verdict.ShouldBe(verdict, $"t = {finding.Worst.T}");
        finding.Worst.Leaks.ShouldBe(finding.ExpectLeak);
    }

    [Fact]
    public void The_demo_prints_the_papers_lines()
    {
        var text = TimingText.Of(Findings.Value);
        foreach (var line in new[] { "TIMING LEAK DETECTED!", "TIMING LEAK MITIGATED!", "Time difference: ", "SUMMARY", "Verdict: VULNERABLE to timing attacks", "Verdict: RESISTANT against timing attacks", "MITIGATION STRATEGIES", "5. " })
            text.ShouldContain(line);
        TimingLab.Cases.Select(c => c.Name).ShouldBe(["All wrong", "First 6 bytes correct", "First 10 bytes correct", "First 15 bytes correct", "All correct"]);
    }

    [Fact]
    public void Two_samples_of_one_distribution_show_no_leak_and_a_small_real_shift_does()
    {
        var random = new Random(7);
        double Noise(double mean) => mean + random.NextDouble() + random.NextDouble() + (random.Next(50) == 0 ? 100 : 0); // an interrupt now and then
        List<double> a = [.. Enumerable.Range(0, 20_000).Select(_ => Noise(10))], b = [.. Enumerable.Range(0, 20_000).Select(_ => Noise(10))], c = [.. Enumerable.Range(0, 20_000).Select(_ => Noise(10.1))];
        WelchTest.Compare(a, b).Leaks.ShouldBeFalse();
        WelchTest.Compare(a, c).Leaks.ShouldBeTrue();
    }
}
