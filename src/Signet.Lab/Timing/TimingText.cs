using System.Globalization;
using System.Text;

namespace Signet.Lab;

/// <summary>The timing study as the paper's demo prints it, with what it left out: the test behind each verdict.</summary>
public static class TimingText
{
    private static readonly string[] Strategies =
    [
        "Compare secrets with a constant-time function (CryptographicOperations.FixedTimeEquals)",
        "Look at all bytes always; never leave at the first difference",
        "Use blinding for RSA operations (the platform's OpenSSL does)",
        "Random delays hide little and only slow down: never rely on them alone",
        "Use authenticated encryption (AES-GCM), which checks before it hands anything out",
    ];

    public static string Of(IReadOnlyList<TimingFinding> findings)
    {
        var text = new StringBuilder();
        Line(text, "TIMING ATTACK DEMONSTRATION");
        Line(text, $"Secret: b'{Encoding.ASCII.GetString(TimingLab.Secret)}'  length: {TimingLab.Secret.Length} bytes");
        var number = 0;
        foreach (var finding in findings)
        {
            Line(text, "");
            Line(text, $"{++number}. {finding.Name}: {finding.Meaning}");
            Line(text, new string('=', 60));
            foreach (var (timed, time) in finding.Cases)
                Line(text, string.Create(CultureInfo.InvariantCulture, $"{timed.Name,-26} {time.Median,9:F4} µs  (median of {time.Count}; mean {time.Mean:F4} ± {time.HalfInterval:F4})"));
            Line(text, finding.Worst.Leaks ? "TIMING LEAK DETECTED!" : "TIMING LEAK MITIGATED!");
            Line(text, string.Create(CultureInfo.InvariantCulture, $"Time difference: {finding.Range:F4} µs"));
            Line(text, string.Create(CultureInfo.InvariantCulture, $"Welch's t: {finding.Worst.T:F1} ({finding.WorstCase} against {finding.Cases[0].Case.Name}; beyond ±{finding.Worst.Threshold:F0} is a leak)"));
        }
        Line(text, "");
        Line(text, "SUMMARY");
        Line(text, new string('=', 60));
        foreach (var finding in findings)
        {
            var medians = finding.Cases.Select(c => c.Microseconds.Median).ToList();
            Line(text, string.Create(CultureInfo.InvariantCulture, $"{finding.Name}: Min time: {medians.Min():F4} µs  Max time: {medians.Max():F4} µs  Range: {finding.Range:F4} µs"));
            Line(text, $"  Verdict: {finding.Verdict} {(finding.Worst.Leaks ? "to" : "against")} timing attacks");
        }
        Line(text, "");
        Line(text, "MITIGATION STRATEGIES");
        for (var i = 0; i < Strategies.Length; i++) Line(text, $"{i + 1}. {Strategies[i]}");
        return text.ToString();
    }

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');
}
