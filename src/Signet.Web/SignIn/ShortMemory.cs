using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Signet.Web.SignIn;

/// <summary>What one browser is in the middle of: a sign-in that waits for its second factor, an authenticator that is being set up. Kept here, so nothing of it travels.
/// Safe for any number of threads.</summary>
internal sealed class ShortMemory(TimeProvider time, RandomNumberGenerator random)
{
    private readonly ConcurrentDictionary<string, (object Thing, DateTimeOffset Until)> things = new(StringComparer.Ordinal);

    /// <summary>A key that nobody can guess: 256 random bits.</summary>
    public string NewKey()
    {
        Span<byte> key = stackalloc byte[32];
        random.GetBytes(key);
        return Base64Url.EncodeToString(key);
    }

    public void Put<T>(string key, T thing, TimeSpan lifetime)
        where T : class
    {
        if (things.Count >= WebLimits.ShortMemory)
            foreach (var (old, _) in things.OrderBy(pair => pair.Value.Until).Take(WebLimits.ShortMemory / 10)) things.TryRemove(old, out _);
        things[Full<T>(key)] = (thing, time.GetUtcNow() + lifetime);
    }

    public T? Find<T>(string? key)
        where T : class
        => key is not null && things.TryGetValue(Full<T>(key), out var found) && found.Until > time.GetUtcNow() ? (T)found.Thing : null;

    /// <summary>Finds and forgets: of two who take at once, one gets it.</summary>
    public T? Take<T>(string? key)
        where T : class
        => key is not null && things.TryRemove(Full<T>(key), out var found) && found.Until > time.GetUtcNow() ? (T)found.Thing : null;

    private static string Full<T>(string key) => typeof(T).Name + ":" + key;
}
