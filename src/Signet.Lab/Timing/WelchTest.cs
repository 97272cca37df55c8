namespace Signet.Lab;

/// <summary>Outcome of comparing two timing samples.</summary>
/// <param name="T">Welch's t of the cropping that separates the two most; its sign says which class was slower.</param>
/// <param name="Threshold">Beyond this (in size) chance is no explanation.</param>
/// <param name="Count">Measurements of the smaller class.</param>
/// <param name="Difference">Of the means in that cropping, in the samples' unit.</param>
public sealed record WelchResult(double T, double Threshold, int Count, double Difference)
{
    public bool Leaks => Math.Abs(T) > Threshold;
}

/// <summary>
/// Do two classes of input take different times? Welch's t-test as the dudect tool does it (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?", 2017):
/// the slow tail of timings is interrupts and not the code, so the test is made on the whole sample and again on several croppings of it, and the worst counts.
/// </summary>
public static class WelchTest
{
    /// <summary>Size of t above which dudect calls a leak certain. With few measurements no real leak reaches it: see <see cref="TimingLab"/> for how many are taken.</summary>
    public const double CertainThreshold = 10;

    /// <summary>Upper ends of the croppings, as shares of all measurements of both classes together.</summary>
    private static readonly double[] Croppings = [1.0, 0.99, 0.95, 0.9, 0.75, 0.5];

    public static WelchResult Compare(IReadOnlyCollection<double> first, IReadOnlyCollection<double> second)
    {
        double[] all = [.. first.Concat(second).Order()];
        WelchResult? worst = null;
        foreach (var cropping in Croppings)
        {
            var limit = Summary.Percentile(all, cropping);
            var (a, b) = (Moments.Of(first, limit), Moments.Of(second, limit));
            if (a.Count < 100 || b.Count < 100) continue;
            var error = Math.Sqrt(a.Variance / a.Count + b.Variance / b.Count);
            var t = error > 0 ? (a.Mean - b.Mean) / error : 0;
            var found = new WelchResult(t, CertainThreshold, Math.Min(first.Count, second.Count), a.Mean - b.Mean);
            if (worst is null || Math.Abs(t) > Math.Abs(worst.T)) worst = found;
        }
        return worst ?? throw new ArgumentException("too few measurements for any test", nameof(first));
    }

    private sealed record Moments(int Count, double Mean, double Variance)
    {
        public static Moments Of(IEnumerable<double> values, double limit)
        {
            // Welford's running moments: the sums of squares of nanoseconds would lose digits.
            int count = 0;
            double mean = 0, squares = 0;
            foreach (var value in values)
            {
                if (value > limit) continue;
                count++;
                var delta = value - mean;
                mean += delta / count;
                squares += delta * (value - mean);
            }
            return new(count, mean, count > 1 ? squares / (count - 1) : 0);
        }
    }
}
