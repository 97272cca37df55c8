namespace Signet.Lab.Tests;

public sealed class SummarySpecs
{
    [Fact]
    public void A_small_sample_is_summed_up_as_by_hand()
    {
        var s = Summary.Of([1, 2, 3, 4, 5, 6, 7, 8, 9, 100]);
        s.Mean.ShouldBe(14.5);
        s.Median.ShouldBe(5.5);
        s.Quartile1.ShouldBe(3.25);
        s.Quartile3.ShouldBe(7.75);
        s.HighWhisker.ShouldBe(9);
        s.Outliers.ShouldBe(1);
        s.HalfInterval.ShouldBe(2.262 * s.StandardDeviation / Math.Sqrt(10), 0.05); // t of 9 degrees from the table
    }

    [Fact]
    public void The_ratio_of_two_means_has_an_interval_around_it()
    {
        var ratio = Ratio.Of(Summary.Of([10, 11, 9, 10, 10.5, 9.5]), Summary.Of([2, 2.1, 1.9, 2, 2.05, 1.95]));
        ratio.Value.ShouldBe(5, 0.01);
        ratio.Low.ShouldBeLessThan(5);
        ratio.High.ShouldBeGreaterThan(5);
    }

    [Fact]
    public void One_value_is_no_sample() => Should.Throw<ArgumentException>(() => Summary.Of([1.0]));
}
