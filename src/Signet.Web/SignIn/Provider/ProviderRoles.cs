using System.Text.Json;
using Signet.Access;

namespace Signet.Web.SignIn;

/// <summary>What a provider's claims mean here.</summary>
public static class ProviderRoles
{
    /// <summary>The highest role of the claim's values; null: none of them means one. Ask only where <see cref="ProviderOptions.RoleClaim"/> is set.</summary>
    public static Role? Of(JsonElement claims, ProviderOptions provider)
        => provider.RoleClaim is { } name && Find(claims, name) is { } values && values.Texts().Where(provider.Roles.ContainsKey).Select(value => provider.Roles[value]).ToList() is { Count: > 0 } roles ? roles.Max() : null;

    /// <summary>Does the provider say that the person showed a second factor, in words that count?</summary>
    public static bool HasFactor(JsonElement claims, ProviderOptions provider)
        => (claims.Text("acr") is { } acr && provider.FactorAcr.Contains(acr, StringComparer.Ordinal))
           || (claims.TryGetProperty("amr", out var amr) && amr.ValueKind == JsonValueKind.Array && amr.Texts().Any(one => provider.FactorAmr.Contains(one, StringComparer.Ordinal)));

    /// <summary>A claim by its name; names may hold dots themselves (https://example.org/roles), so a path is only tried when there is none of that name.</summary>
    public static JsonElement? Find(JsonElement claims, string name)
    {
        if (claims.TryGetProperty(name, out var whole)) return whole;
        var at = claims;
        foreach (var step in name.Split('.'))
        {
            if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(step, out var next)) return null;
            at = next;
        }
        return at;
    }
}
