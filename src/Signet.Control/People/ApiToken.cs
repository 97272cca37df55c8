using Signet.Access;

namespace Signet.Control;

/// <summary>A token without its secret.</summary>
/// <param name="Id">Public name of the token, for lists and revocation.</param>
/// <param name="Kind"><see cref="Actor.Token"/> or <see cref="Actor.LocalOperator"/>.</param>
/// <param name="LastUse">To the minute; null: never.</param>
public sealed record ApiToken(string Id, string Name, Role Role, string Kind, string By, DateTimeOffset Created, DateTimeOffset Expires, DateTimeOffset? LastUse)
{
    /// <summary>Groups of devices that its acts are limited to; empty: all devices.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];
}

/// <summary>A token at its birth: the only moment its secret is known.</summary>
/// <param name="Secret"><c>sgt_</c> and 43 characters (256 random bits, base64url).</param>
public sealed record NewApiToken(ApiToken Token, string Secret)
{
    public override string ToString() => Token.ToString(); // never the secret
}
