using System.Diagnostics;

namespace Signet.Testing;

/// <summary>Waiting for what happens elsewhere, with a bound, and saying what was waited for when it does not come.</summary>
public static class Eventually
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    /// <summary>Only what never comes takes that long: a machine that does much else at once must not make a test red.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    /// <param name="condition">Asked again and again.</param>
    /// <param name="what">For the failure.</param>
    /// <param name="within"><see cref="Patience"/> unless stated.</param>
    /// <returns>How long it took.</returns>
    public static async Task<TimeSpan> True(Func<bool> condition, string what, TimeSpan? within = null)
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(started) > (within ?? Patience)) throw new TimeoutException($"it did not come true: {what}");
            await Task.Delay(Step);
        }

        return Stopwatch.GetElapsedTime(started);
    }

    public static async Task<T> Some<T>(Func<Task<T?>> find, string what, TimeSpan? within = null)
        where T : class
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (await find() is { } found) return found;
            if (Stopwatch.GetElapsedTime(started) > (within ?? Patience)) throw new TimeoutException($"it did not appear: {what}");
            await Task.Delay(Step);
        }
    }
}
