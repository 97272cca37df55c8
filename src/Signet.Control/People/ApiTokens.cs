using Signet.Access;

namespace Signet.Control;

/// <summary>A token without its secret.</summary>
/// <param name="Id">Public name of the token, for lists and revocation.</param>
/// <param name="Kind"><see cref="Actor.Token"/> or <see cref="Actor.LocalOperator"/>.</param>
/// <param name="LastUse">To the minute; null: never.</param>
public sealed record ApiToken(string Id, string Name, Role Role, string Kind, string By, DateTimeOffset Created, DateTimeOffset Expires, DateTimeOffset? LastUse);

/// <summary>A token at its birth: the only moment its secret is known.</summary>
/// <param name="Secret"><c>sgt_</c> and 43 characters (256 random bits, base64url).</param>
public sealed record NewApiToken(ApiToken Token, string Secret)
{
    public override string ToString() => Token.ToString(); // never the secret
}

/// <summary>Bearer tokens for the API: 256 random bits, of which only the SHA-256 is stored.</summary>
public sealed class ApiTokens
{
    internal ApiTokens() { }

    /// <param name="lifetime">1 minute to <see cref="ControlLimits.TokenLifetime"/>.</param>
    public Task<Outcome<NewApiToken>> CreateAsync(string name, Role role, TimeSpan lifetime, Actor actor, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>The token of this machine's own terminal: replaces the one before, 12 hours, administrator, audited as <c>local-operator</c>.</summary>
    public Task<Outcome<NewApiToken>> CreateLocalOperatorAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    /// <summary>Who presents this token, or null when it is unknown, expired or revoked. Takes any text.</summary>
    /// <param name="secret">As presented.</param>
    /// <param name="from">Address it came from; becomes <see cref="Actor.From"/>.</param>
    public Task<Actor?> FindActorAsync(string secret, string from, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    public Task<IReadOnlyList<ApiToken>> ListAsync(CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");

    public Task<Outcome<ApiToken>> RevokeAsync(string id, Actor actor, CancellationToken cancellationToken = default) => throw new NotSupportedException("lands next");
}
