using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Authentication;

namespace Signet.Web.SignIn;

/// <summary>Why somebody is sent to the provider.</summary>
internal enum ProviderPurpose
{
    SignIn = 0,

    /// <summary>To link the identity to the account they are signed in to.</summary>
    Link = 1,

    /// <summary>To show again that it is them, before a dangerous act.</summary>
    Confirm = 2,
}

/// <summary>What travels to the provider and back inside the sealed state, so that nothing is kept here for people who never return.</summary>
/// <param name="Next">Page of this console to go to afterwards; judged when it is used.</param>
/// <param name="Account">Who asked (id), unless it is a sign-in.</param>
/// <param name="Session">Mark of their session.</param>
internal sealed record ProviderVisit(ProviderPurpose Purpose, string Next, string Account, string Session)
{
    private const string PurposeKey = "purpose", NextKey = "next", AccountKey = "account", SessionKey = "session", NonceKey = "nonce", BeganKey = "began";

    public AuthenticationProperties ToProperties() => new(new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        [PurposeKey] = Purpose.ToString(), [NextKey] = Next, [AccountKey] = Account, [SessionKey] = Session,
    }) { RedirectUri = "/" };

    public static ProviderVisit Of(AuthenticationProperties properties)
        => new(Enum.TryParse<ProviderPurpose>(properties.Items[PurposeKey], out var purpose) ? purpose : default, properties.Items[NextKey] ?? "/", properties.Items[AccountKey] ?? "", properties.Items[SessionKey] ?? "");

    public static void Begin(AuthenticationProperties properties, string nonce, DateTimeOffset now)
        => (properties.Items[NonceKey], properties.Items[BeganKey]) = (nonce, now.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture));

    public static string NonceOf(AuthenticationProperties properties) => properties.Items[NonceKey] ?? "";

    public static DateTimeOffset BeganAt(AuthenticationProperties properties)
        => DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(properties.Items[BeganKey] ?? "0", CultureInfo.InvariantCulture));
}

/// <summary>What a provider has proven about whoever is in front of this browser. Waits for one step of that browser, on its own site again.</summary>
internal sealed record ProviderWord(
    ProviderVisit Visit, string Issuer, string Subject, string? Name, Signet.Access.Role? Role, bool HasFactor, DateTimeOffset? ShownAt)
{
    public override string ToString() => Issuer; // not the person
}

/// <summary>What of a provider's word acts only when its person is inside.</summary>
/// <param name="Raised">A role above the present one; null: it stays.</param>
internal sealed record ProviderHalf(ProviderWord Word, Signet.Access.Role? Raised);

/// <summary>Takes each key once, for a while. Safe for any number of threads.</summary>
internal sealed class OnceOnly(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, DateTimeOffset> used = new(StringComparer.Ordinal);

    public bool TryUse(string key, TimeSpan remembered)
    {
        var now = time.GetUtcNow();
        if (used.Count >= WebLimits.ShortMemory)
            foreach (var (old, _) in used.Where(pair => pair.Value <= now).Concat(used.OrderBy(pair => pair.Value).Take(WebLimits.ShortMemory / 10)).ToList()) used.TryRemove(old, out _);
        return used.TryAdd(key, now + remembered);
    }
}
