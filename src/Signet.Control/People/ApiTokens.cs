using System.Security.Cryptography;
using Dapper;
using Signet.Access;
using Signet.Audit;
using Signet.Store;

namespace Signet.Control;

/// <summary>
/// Bearer tokens for the API: 256 random bits, of which only the SHA-256 is stored. The hash of what was presented is looked up: with 256 random bits
/// there is nothing to guess from how long that takes.
/// </summary>
public sealed class ApiTokens
{
    private const string Prefix = "sgt_";
    private const int SecretCharacters = 43;
    private const string Columns = "id AS Id, name AS Name, role AS Role, kind AS Kind, by_name AS ByName, created AS Created, expires AS Expires, last_use AS LastUse, scope AS Scope";

    private readonly ControlDatabase _database;
    private readonly AuditTrail _trail;
    private readonly Administration _administration;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _random;

    internal ApiTokens(ControlDatabase database, AuditTrail trail, Administration administration, TimeProvider time, RandomNumberGenerator random)
        => (_database, _trail, _administration, _time, _random) = (database, trail, administration, time, random);

    /// <inheritdoc cref="CreateAsync(string, Role, IReadOnlyList{string}, TimeSpan, Actor, CancellationToken)"/>
    public Task<Outcome<NewApiToken>> CreateAsync(string name, Role role, TimeSpan lifetime, Actor actor, CancellationToken cancellationToken = default) => CreateAsync(name, role, [], lifetime, actor, cancellationToken);

    /// <summary>A token that can do what its role can; nobody can give more than they have.</summary>
    /// <param name="lifetime">1 minute to <see cref="ControlLimits.TokenLifetime"/>.</param>
    /// <param name="groups">Groups of devices that its acts are limited to; empty: all devices.</param>
    public Task<Outcome<NewApiToken>> CreateAsync(string name, Role role, IReadOnlyList<string> groups, TimeSpan lifetime, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<NewApiToken>(async () =>
    {
        if (name.Length is 0 or > ControlLimits.NameCharacters || name.Any(char.IsControl)) return new Refusal(RefusalCode.BadInput, $"a token's name has 1 to {ControlLimits.NameCharacters} printable characters");
        if (!Enum.IsDefined(role)) return new Refusal(RefusalCode.BadInput, "a role is viewer, operator or admin");
        if (lifetime < TimeSpan.FromMinutes(1) || lifetime > ControlLimits.TokenLifetime) return new Refusal(RefusalCode.BadInput, $"a token lives 1 minute to {ControlLimits.TokenLifetime.Days} days");
        if (Scope.WhyNot(groups) is { } why) return new Refusal(RefusalCode.BadInput, why);
        if (role == Role.Admin && groups.Count > 0) return new Refusal(RefusalCode.BadInput, "an administrator's token is not limited to groups; make it an operator's");
        return await AddAsync(name, role, Actor.Token, lifetime, Scope.Sorted(groups), actor, cancellationToken);
    }, cancellationToken);

    /// <summary>The token of this machine's own terminal: replaces the one before, 12 hours, administrator, audited as <c>local-operator</c>.</summary>
    public Task<Outcome<NewApiToken>> CreateLocalOperatorAsync(CancellationToken cancellationToken = default) => _administration.ChangeAsync<NewApiToken>(async () =>
    {
        await _database.WriteAsync(c => c.Execute("DELETE FROM api_token WHERE kind = @kind", new { kind = Actor.LocalOperator }), cancellationToken);
        return await AddAsync(Actor.Terminal.Name, Role.Admin, Actor.LocalOperator, ControlLimits.LocalOperatorLifetime, [], Actor.Terminal, cancellationToken);
    }, cancellationToken);

    /// <summary>Who presents this token, or null when it is unknown, expired or revoked. Takes any text.</summary>
    /// <param name="secret">As presented.</param>
    /// <param name="from">Address it came from; becomes <see cref="Actor.From"/>.</param>
    public async Task<Actor?> FindActorAsync(string secret, string from, CancellationToken cancellationToken = default)
    {
        if (secret.Length != Prefix.Length + SecretCharacters || !secret.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        var hash = BearerSecret.HashOf(secret);
        var row = await Task.Run(() => _database.Read(c => c.QueryFirstOrDefault<TokenRow>($"SELECT {Columns} FROM api_token WHERE hash = @hash", new { hash })), cancellationToken);
        var now = _time.GetUtcNow();
        if (row is null || row.Expires.ToTime() <= now) return null;
        await MarkUsedAsync(row, now);
        return new(row.Name, (Role)row.Role, row.Kind, from) { Groups = row.ToToken().Groups };
    }

    /// <summary>The token of that name that lived at <paramref name="then"/> and lives now; null when it was revoked or has ended. A token made later under the same name is another one.</summary>
    internal ApiToken? FindLiving(string name, DateTimeOffset then) => _database.Read(c => c.Query<TokenRow>(
        $"SELECT {Columns} FROM api_token WHERE name = @name AND kind = @kind AND created <= @then AND expires > @now", new
        {
            name, kind = Actor.Token, then = then.ToUnixTimeMilliseconds(), now = _time.GetUtcNow().ToUnixTimeMilliseconds(),
        }).FirstOrDefault())?.ToToken();

    public Task<IReadOnlyList<ApiToken>> ListAsync(CancellationToken cancellationToken = default) => Task.Run<IReadOnlyList<ApiToken>>(
        () => _database.Read(c => c.Query<TokenRow>($"SELECT {Columns} FROM api_token ORDER BY created").Select(r => r.ToToken()).ToList()), cancellationToken);

    public Task<Outcome<ApiToken>> RevokeAsync(string id, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<ApiToken>(async () =>
    {
        var row = _database.Read(c => c.QueryFirstOrDefault<TokenRow>($"SELECT {Columns} FROM api_token WHERE id = @id", new { id }));
        if (row is null) return new Refusal(RefusalCode.NotFound, "there is no such token");
        var permit = await _trail.PermitAsync(actor, Act.ManageTokens, AuditTrail.Of(AuditTypes.User, actor, row.Name, "token-revoked", details: new() { ["id"] = id }) with { Emergency = true }, cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        await _database.WriteAsync(c => c.Execute("DELETE FROM api_token WHERE id = @id", new { id }), cancellationToken);
        return row.ToToken();
    }, cancellationToken);

    private async Task<Outcome<NewApiToken>> AddAsync(string name, Role role, string kind, TimeSpan lifetime, IReadOnlyList<string> groups, Actor actor, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        // Everything is on the record under the name, so no two that live have the same one.
        if (kind == Actor.Token && RoleTable.Decide(actor.Role, Act.ManageTokens).Allowed && FindLiving(name, now) is not null) return new Refusal(RefusalCode.Conflict, $"there is a token named {name}; revoke it first, or take another name");
        var secret = Prefix + BearerSecret.New(_random);
        var token = new ApiToken(BearerSecret.NewId(_random), name, role, kind, actor.Name, now, now + lifetime, null) { Groups = groups };
        var permit = await _trail.PermitAsync(actor, Act.ManageTokens, AuditTrail.Of(AuditTypes.User, actor, name, "token-created", details: new()
        {
            ["id"] = token.Id, ["role"] = Words.Of(role), ["kind"] = kind, ["expires"] = token.Expires.ToUnixTimeSeconds(), ["groups"] = string.Join(' ', groups),
        }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        await _database.WriteAsync(c => c.Execute("""
            INSERT INTO api_token (id, name, hash, role, kind, by_name, created, expires, scope) VALUES (@Id, @Name, @hash, @role, @Kind, @By, @created, @expires, @scope)
            """, new { token.Id, token.Name, hash = BearerSecret.HashOf(secret), role = (long)role, token.Kind, token.By, created = now.ToUnixTimeMilliseconds(), expires = token.Expires.ToUnixTimeMilliseconds(), scope = string.Join(' ', groups) }), cancellationToken);
        return new NewApiToken(token, secret);
    }

    // At most once a minute for each token, so that reading the API does not write the disk.
    private async Task MarkUsedAsync(TokenRow row, DateTimeOffset now)
    {
        var minute = now.ToUnixTimeMilliseconds() / 60_000 * 60_000;
        if (row.LastUse >= minute) return;
        try
        {
            await _database.WriteAsync(c => c.Execute("UPDATE api_token SET last_use = @minute WHERE id = @Id", new { minute, row.Id }));
        }
        catch (StoreException)
        {
            // When it was last used is a convenience; a full disk must not lock people out.
        }
    }

    private sealed class TokenRow
    {
        public string Id { get; set; } = "";
        public string Name { get; set; } = "";
        public long Role { get; set; }
        public string Kind { get; set; } = "";
        public string ByName { get; set; } = "";
        public long Created { get; set; }
        public long Expires { get; set; }
        public long? LastUse { get; set; }
        public string Scope { get; set; } = "";

        public ApiToken ToToken() => new(Id, Name, (Role)Role, Kind, ByName, Created.ToTime(), Expires.ToTime(), LastUse.ToTime()) { Groups = Scope.Split(' ', StringSplitOptions.RemoveEmptyEntries) };
    }
}
