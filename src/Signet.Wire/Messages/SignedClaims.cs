using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>What everything signed says: who, which one, when, in which suite. Times are whole seconds.</summary>
public abstract record SignedClaims
{
    /// <summary><c>iss</c>: the sender's name, the owner of the signing key.</summary>
    public required string Issuer { get; init; }

    /// <summary><c>jti</c>: see <see cref="MessageId"/>.</summary>
    public required string Id { get; init; }

    /// <summary><c>iat</c>: when it was signed. Fractions of a second are cut off.</summary>
    public required DateTimeOffset IssuedAt { get; init; }

    private protected SignedClaims()
    {
    }

    [SetsRequiredMembers]
    private protected SignedClaims(ClaimsReader reader, Func<string?, bool> issuer)
    {
        Issuer = reader.Text("iss", WireLimits.PersonCharacters, issuer);
        Id = reader.Text("jti", 26, MessageId.IsValid);
        IssuedAt = reader.Time("iat");
        Suite = reader.Text("suite", WireLimits.WordCharacters);
    }

    /// <summary>As read; the writer takes it from the key.</summary>
    internal string Suite { get; } = "";

    /// <summary>The receiver it names; null for kinds without.</summary>
    internal virtual string? AddressedTo => null;

    /// <summary>The topic it names; null for kinds that travel on none.</summary>
    internal virtual string? NamedTopic => null;

    /// <summary>The one topic it may name.</summary>
    internal virtual string? RightTopic => null;

    internal virtual DateTimeOffset? Expiry => null;

    /// <summary>Adds the claims of the kind to those all share.</summary>
    private protected abstract void WriteTo(JsonObject json, Suite suite);

    internal JsonObject ToJson(Suite suite)
    {
        var json = new JsonObject { ["iss"] = Issuer, ["jti"] = Id, ["iat"] = IssuedAt.ToUnixTimeSeconds(), ["suite"] = suite.Name };
        WriteTo(json, suite);
        return json;
    }
}
