namespace Signet.Mqtt.Tests.Support;

public static class Until
{
    /// <summary>Waits for something that happens elsewhere, a minute at most: a machine that does much else at once must not make a test red.</summary>
    public static async Task TrueAsync(Func<bool> condition, string? what = null)
    {
        for (var tries = 0; tries < 6000; tries++)
        {
            if (condition()) return;
            await Task.Delay(10);
        }

        throw new TimeoutException(what ?? "it did not happen within a minute");
    }
}
