namespace Signet.Web.SignIn;

/// <summary>
/// One thing that a provider publishes (its document, its keys), kept for <see cref="WebLimits.ProviderFresh"/>. Everybody who needs it waits for the same fetch; between two fetches that an unknown key or a failure has
/// caused lie <see cref="WebLimits.ProviderAgain"/>, in which the answer comes at once: the old value where the provider could not be reached and it is not older than <see cref="WebLimits.ProviderStale"/>, else the
/// refusal of the last fetch. Safe for any number of threads.
/// </summary>
internal sealed class ProviderSource<T>(TimeProvider time)
    where T : class
{
    private readonly Lock gate = new();
    private T? value;
    private DateTimeOffset at;
    private DateTimeOffset? tried;
    private ProviderRefusal? failed; // of the last fetch
    private Task? fetching;

    /// <param name="serves">False: the value does not hold what is looked for, so a newer one may.</param>
    /// <param name="fetch">The value, or the refusal. Must end by itself; it is nobody's who waits.</param>
    public async Task<(T? Value, ProviderRefusal Why)> GetAsync(Func<T, bool> serves, Func<Task<(T? Value, ProviderRefusal Why)>> fetch, CancellationToken stop)
    {
        Task running;
        lock (gate)
        {
            var now = time.GetUtcNow();
            if (value is not null && now - at <= WebLimits.ProviderFresh && serves(value)) return (value, default);
            if (fetching is null)
            {
                if (now - tried < WebLimits.ProviderAgain) return Last(now);
                tried = now;
                fetching = Task.Run(() => FetchAsync(fetch, now), CancellationToken.None);
            }
            running = fetching;
        }
        await running.WaitAsync(stop);
        lock (gate) return Last(time.GetUtcNow());
    }

    private async Task FetchAsync(Func<Task<(T? Value, ProviderRefusal Why)>> fetch, DateTimeOffset now)
    {
        var (fresh, why) = (default(T), ProviderRefusal.Unreachable);
        try
        {
            (fresh, why) = await fetch();
        }
        finally
        {
            lock (gate)
            {
                (failed, fetching) = (fresh is null ? why : null, null);
                if (fresh is not null) (value, at) = (fresh, now);
            }
        }
    }

    private (T? Value, ProviderRefusal Why) Last(DateTimeOffset now) => failed switch
    {
        null => (value, default),
        ProviderRefusal.Unreachable when value is not null && now - at <= WebLimits.ProviderStale => (value, default),
        { } why => (null, why),
    };
}
