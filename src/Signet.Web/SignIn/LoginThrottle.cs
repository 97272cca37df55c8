using System.Net;
using System.Net.Sockets;

namespace Signet.Web.SignIn;

/// <summary>Slows guessing at passwords. Failures count per account and per address; past the limit each further failure doubles the wait, and every wait
/// ends. A browser that signed in before counts for itself, so a stranger who guesses at an account cannot keep its owner out (OWASP: device cookies).
/// Safe for any number of threads.</summary>
public sealed class LoginThrottle(TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, Tally> tallies = new(StringComparer.Ordinal);

    /// <summary>How long this attempt has to wait; zero when it may be made now. <c>First</c>: nobody was told of this wait before.</summary>
    /// <param name="account">The name as typed; it need not exist, so that nothing can be learnt about which do.</param>
    /// <param name="address">Where the attempt comes from.</param>
    /// <param name="knownBrowser">Mark of a browser this account signed in with, null for a stranger.</param>
    public (TimeSpan Duration, bool First) Wait(string account, IPAddress? address, string? knownBrowser)
    {
        var now = time.GetUtcNow();
        lock (gate)
        {
            Tally? longest = null;
            foreach (var key in (string[])[AccountKey(account, knownBrowser), AddressKey(address)])
                if (Find(key, now) is { } tally && tally.Until > now && (longest is null || tally.Until > longest.Until)) longest = tally;
            if (longest is null) return default;
            var first = !longest.Told;
            longest.Told = true;
            return (longest.Until - now, first);
        }
    }

    public void Failed(string account, IPAddress? address, string? knownBrowser)
    {
        var now = time.GetUtcNow();
        lock (gate)
        {
            if (tallies.Count >= WebLimits.LoginTracked) Forget(now);
            Count(AccountKey(account, knownBrowser), WebLimits.LoginFailuresPerAccount, now);
            Count(AddressKey(address), WebLimits.LoginFailuresPerAddress, now);
        }
    }

    /// <summary>The owner is in: the account's failures are settled. The address keeps its own; it may be guessing at others.</summary>
    public void Succeeded(string account, string? knownBrowser)
    {
        lock (gate) tallies.Remove(AccountKey(account, knownBrowser));
    }

    private Tally? Find(string key, DateTimeOffset now)
        => tallies.TryGetValue(key, out var tally) && tally.ForgottenAt > now ? tally : null;

    private void Count(string key, int allowed, DateTimeOffset now)
    {
        var failures = (Find(key, now)?.Failures ?? 0) + 1;
        var delay = failures < allowed ? TimeSpan.Zero : Delay(failures - allowed);
        tallies[key] = new(failures, now + delay, now + delay + WebLimits.LoginWindow);
    }

    private static TimeSpan Delay(int beyond)
    {
        // Ten doublings of half a minute are past the longest delay already; the bound keeps the multiplication from overflowing.
        var delay = WebLimits.LoginFirstDelay * Math.Pow(2, Math.Min(beyond, 10));
        return delay < WebLimits.LoginLongestDelay ? delay : WebLimits.LoginLongestDelay;
    }

    private void Forget(DateTimeOffset now)
    {
        foreach (var key in tallies.Where(pair => pair.Value.ForgottenAt <= now).Select(pair => pair.Key).ToList()) tallies.Remove(key);
        foreach (var key in tallies.OrderBy(pair => pair.Value.ForgottenAt).Take(tallies.Count - (WebLimits.LoginTracked * 9 / 10)).Select(pair => pair.Key).ToList()) tallies.Remove(key);
    }

    private static string AccountKey(string account, string? knownBrowser)
    {
        var name = account.Length > 64 ? account[..64] : account;
        return $"account:{name.ToUpperInvariant()}:{knownBrowser}";
    }

    // One household or host gets a /64 of IPv6: its addresses count together.
    private static string AddressKey(IPAddress? address)
    {
        if (address is null) return "address:";
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetworkV6
            ? $"address:{Convert.ToHexString(address.GetAddressBytes().AsSpan(0, 8))}"
            : $"address:{address}";
    }

    private sealed record Tally(int Failures, DateTimeOffset Until, DateTimeOffset ForgottenAt)
    {
        public bool Told { get; set; }
    }
}
