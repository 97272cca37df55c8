namespace Signet.Mqtt.Tests.Support;

public static class Until
{
    /// <summary>Waits for something that happens elsewhere, 10 seconds at most.</summary>
    public static async Task TrueAsync(Func<bool> condition, string? what = null)
    {
        for (var tries = 0; tries < 1000; tries++)
        {
            if (condition()) return;
            await Task.Delay(10);
        }

        throw new TimeoutException(what ?? "it did not happen within 10 s");
    }
}
