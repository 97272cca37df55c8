using System.Diagnostics;

namespace Signet.Testing;

/// <summary>Waiting for what happens elsewhere, with a bound, and saying what was waited for when it does not come.</summary>
public static class Eventually
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    /// <param name="condition">Asked again and again.</param>
    /// <param name="what">For the failure.</param>
    /// <param name="within">10 s unless stated.</param>
    /// <returns>How long it took.</returns>
    public static async Task<TimeSpan> True(Func<bool> condition, string what, TimeSpan? within = null)
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(started) > (within ?? TimeSpan.FromSeconds(10))) throw new TimeoutException($"it did not come true: {what}");
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
            if (Stopwatch.GetElapsedTime(started) > (within ?? TimeSpan.FromSeconds(10))) throw new TimeoutException($"it did not appear: {what}");
            await Task.Delay(Step);
        }
    }
}
