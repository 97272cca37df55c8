using System.Security.Cryptography.X509Certificates;
using Signet.Access;

namespace Signet.Web;

/// <summary>The OpenID Connect provider that people may sign in with (docs/spec/sign-in-provider.md).</summary>
public sealed record ProviderOptions
{
    /// <summary>Exactly as the provider writes it; compared by characters. https, or http on loopback.</summary>
    public required string Issuer { get; init; }

    public required string ClientId { get; init; }

    /// <summary>Null: a public client, which PKCE alone protects.</summary>
    public string? ClientSecret { get; init; }

    /// <summary>On the button.</summary>
    public required string Name { get; init; }

    public IReadOnlyList<string> Scopes { get; init; } = ["openid", "profile"];

    /// <summary>Make an account for somebody the provider knows and this house does not.</summary>
    public bool NewAccounts { get; init; }

    /// <summary>Groups of devices that new accounts are limited to until an administrator says otherwise; empty: all devices.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>Claim with the name of a new account.</summary>
    public string NameClaim { get; init; } = "preferred_username";

    /// <summary>Claim that says the role (a text or a list of texts; also a path, <c>realm_access.roles</c>). Null: roles are given here.</summary>
    public string? RoleClaim { get; init; }

    /// <summary>Values of that claim; of several the highest role counts.</summary>
    public IReadOnlyDictionary<string, Role> Roles { get; init; } = new Dictionary<string, Role>(StringComparer.Ordinal);

    /// <summary>Who has none of the values is a viewer; else refused.</summary>
    public bool ViewerWithoutRole { get; init; }

    /// <summary>Values of <c>acr</c>, and of <c>amr</c>, that count as a second factor; both empty: the provider's word does not.</summary>
    public IReadOnlyList<string> FactorAcr { get; init; } = [];

    /// <inheritdoc cref="FactorAcr"/>
    public IReadOnlyList<string> FactorAmr { get; init; } = [];

    /// <summary>Signing out here leads to the provider's own sign-out.</summary>
    public bool SignOut { get; init; }

    /// <summary>Roots that the provider's certificate must lead to; null: the operating system's.</summary>
    public X509Certificate2Collection? Trust { get; init; }

    public override string ToString() => Issuer; // never the secret
}
