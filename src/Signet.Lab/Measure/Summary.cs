using System.Text.Json.Nodes;

namespace Signet.Lab;

/// <summary>What a sample says about itself. Percentiles interpolate linearly between order statistics; the mean's interval is Student's for 95 %.</summary>
/// <param name="Count">Sample size.</param>
/// <param name="StandardDeviation">Of the sample (n - 1).</param>
/// <param name="HalfInterval">Half the width of the 95 % confidence interval of the mean.</param>
/// <param name="LowWhisker">Least value within 1.5 quartile ranges below the box (Tukey).</param>
/// <param name="Outliers">Values beyond the whiskers.</param>
public sealed record Summary(
    int Count, double Mean, double StandardDeviation, double HalfInterval, double Least, double LowWhisker, double Quartile1, double Median, double Quartile3,
    double HighWhisker, double Most, double P95, double P99, int Outliers)
{
    /// <exception cref="ArgumentException">Fewer than two values.</exception>
    public static Summary Of(IReadOnlyCollection<double> values)
    {
        if (values.Count < 2) throw new ArgumentException("a summary needs two values at least", nameof(values));
        double[] sorted = [.. values.Order()];
        var mean = sorted.Average();
        var deviation = Math.Sqrt(sorted.Sum(v => (v - mean) * (v - mean)) / (sorted.Length - 1));
        var (q1, q3) = (Percentile(sorted, 0.25), Percentile(sorted, 0.75));
        var reach = 1.5 * (q3 - q1);
        var inside = sorted.Where(v => v >= q1 - reach && v <= q3 + reach).ToList();
        return new(sorted.Length, mean, deviation, StudentsT.Of95Percent(sorted.Length - 1) * deviation / Math.Sqrt(sorted.Length),
            sorted[0], inside[0], q1, Percentile(sorted, 0.5), q3, inside[^1], sorted[^1], Percentile(sorted, 0.95), Percentile(sorted, 0.99), sorted.Length - inside.Count);
    }

    /// <param name="sorted">Ascending.</param>
    /// <param name="fraction">0 to 1.</param>
    public static double Percentile(ReadOnlySpan<double> sorted, double fraction)
    {
        var place = fraction * (sorted.Length - 1);
        var below = (int)place;
        return below + 1 < sorted.Length ? sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]) : sorted[below];
    }

    public JsonObject ToJson() => new()
    {
        ["n"] = Count,
        ["mean"] = Round(Mean),
        ["sd"] = Round(StandardDeviation),
        ["ci95"] = new JsonArray(Round(Mean - HalfInterval), Round(Mean + HalfInterval)),
        ["min"] = Round(Least),
        ["q1"] = Round(Quartile1),
        ["p50"] = Round(Median),
        ["q3"] = Round(Quartile3),
        ["p95"] = Round(P95),
        ["p99"] = Round(P99),
        ["max"] = Round(Most),
        ["whiskers"] = new JsonArray(Round(LowWhisker), Round(HighWhisker)),
        ["outliers"] = Outliers,
    };

    /// <summary>What <see cref="ToJson"/> wrote.</summary>
    public static Summary Of(JsonObject json)
    {
        double N(string name) => (double)json[name]!;
        return new((int)json["n"]!, N("mean"), N("sd"), N("mean") - (double)json["ci95"]![0]!, N("min"), (double)json["whiskers"]![0]!, N("q1"), N("p50"), N("q3"), (double)json["whiskers"]![1]!, N("max"), N("p95"), N("p99"), (int)json["outliers"]!);
    }

    private static double Round(double value) => Math.Round(value, 6);
}

/// <summary>Two-sided 95 % quantiles of Student's t, by the expansion of Cornish and Fisher (Abramowitz and Stegun 26.7.5); three digits right from 3 degrees of freedom on.</summary>
internal static class StudentsT
{
    private const double Z = 1.959963985;

    public static double Of95Percent(int degrees) => degrees switch
    {
        < 1 => double.PositiveInfinity,
        1 => 12.706,
        2 => 4.303,
        _ => Z + (Math.Pow(Z, 3) + Z) / (4.0 * degrees) + (5 * Math.Pow(Z, 5) + 16 * Math.Pow(Z, 3) + 3 * Z) / (96.0 * degrees * degrees)
            + (3 * Math.Pow(Z, 7) + 19 * Math.Pow(Z, 5) + 17 * Math.Pow(Z, 3) - 15 * Z) / (384.0 * degrees * degrees * degrees),
    };
}

/// <summary>The ratio of two means of independent samples.</summary>
/// <param name="Low">Lower end of the 95 % interval (delta method).</param>
public sealed record Ratio(double Value, double Low, double High)
{
    public static Ratio Of(Summary above, Summary below)
    {
        var value = above.Mean / below.Mean;
        var relative = Math.Sqrt(Squared(above) + Squared(below));
        return new(value, value * (1 - 1.959963985 * relative), value * (1 + 1.959963985 * relative));

        static double Squared(Summary s) => Math.Pow(s.StandardDeviation / s.Mean, 2) / s.Count;
    }

    public JsonObject ToJson() => new() { ["value"] = Math.Round(Value, 4), ["ci95"] = new JsonArray(Math.Round(Low, 4), Math.Round(High, 4)) };
}
