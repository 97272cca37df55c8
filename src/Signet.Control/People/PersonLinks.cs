using System.Security.Cryptography;
using Dapper;
using Signet.Access;
using Signet.Audit;

namespace Signet.Control;

/// <summary>A one-time link without its secret: an invitation (<see cref="Account"/> is null), or the way to a new password.</summary>
/// <param name="Account">Id of the account whose password it sets.</param>
/// <param name="Note">For whom it is, in the inviter's words; for a reset the account's name.</param>
public sealed record PersonLink(string Id, string? Account, Role Role, string Note, string By, DateTimeOffset Created, DateTimeOffset Expires)
{
    /// <summary>Groups of devices that the invited person is limited to; empty: all devices.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];
}

/// <summary>A link at its birth.</summary>
/// <param name="Secret">256 random bits, base64url. The only moment it is known.</param>
public sealed record NewPersonLink(PersonLink Link, string Secret)
{
    public override string ToString() => Link.ToString(); // never the secret
}

/// <summary>One-time links to <c>/register</c>: invitations and new passwords. Only the SHA-256 of the secret is stored; of two who use one at once, one gets in.</summary>
public sealed class PersonLinks
{
    private const string Columns = "id AS Id, account AS Account, role AS Role, note AS Note, by_name AS ByName, created AS Created, expires AS Expires, scope AS Scope";
    private readonly ControlDatabase _database;
    private readonly AuditTrail _trail;
    private readonly Administration _administration;
    private readonly Accounts _accounts;
    private readonly TimeProvider _time;
    private readonly RandomNumberGenerator _random;

    internal PersonLinks(ControlDatabase database, AuditTrail trail, Administration administration, Accounts accounts, TimeProvider time, RandomNumberGenerator random)
        => (_database, _trail, _administration, _accounts, _time, _random) = (database, trail, administration, accounts, time, random);

    /// <summary>Invites somebody who will have this role, limited to some groups of devices or (none) to none.</summary>
    public Task<Outcome<NewPersonLink>> InviteAsync(Role role, string note, Actor actor, IReadOnlyList<string>? groups = null, CancellationToken cancellationToken = default) => _administration.ChangeAsync<NewPersonLink>(async () =>
    {
        if (!Enum.IsDefined(role)) return new Refusal(RefusalCode.BadInput, "a role is viewer, operator or admin");
        if (Scope.WhyNot(groups ?? []) is { } wrong) return new Refusal(RefusalCode.BadInput, wrong);
        if (role == Role.Admin && groups is { Count: > 0 }) return new Refusal(RefusalCode.BadInput, "an administrator is not limited to groups; lower the role first");
        if (note.Length > ControlLimits.NameCharacters || note.Any(char.IsControl)) return new Refusal(RefusalCode.BadInput, $"the note has at most {ControlLimits.NameCharacters} printable characters");
        await SweepAsync(cancellationToken);
        if (_database.Read(c => c.ExecuteScalar<int>("SELECT count(*) FROM person_link")) >= ControlLimits.OpenLinks) return new Refusal(RefusalCode.BadInput, $"{ControlLimits.OpenLinks} links are open; revoke some first");
        return await AddAsync(null, role, Scope.Sorted(groups ?? []), note, ControlLimits.InvitationLifetime, "user-invited", actor, cancellationToken);
    }, cancellationToken);

    /// <summary>Takes somebody's password, identities at a sign-in provider and sessions away and returns the link to a new password. Links made before no longer count.</summary>
    public Task<Outcome<NewPersonLink>> ResetAsync(string accountId, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<NewPersonLink>(async () =>
    {
        if (await _accounts.FindAsync(accountId, cancellationToken) is not { } account) return new Refusal(RefusalCode.NotFound, "there is no such account");
        await SweepAsync(cancellationToken);
        var made = await AddAsync(account.Id, account.Role, [], account.Name, ControlLimits.ResetLifetime, "password-reset", actor, cancellationToken);
        if (!made.TryGet(out var link, out var refusal)) return refusal;
        var identities = _database.Read(c => ProviderLinks.Of(c, account.Id));
        foreach (var identity in identities)
        {
            var written = await _trail.TryAppendAsync(ProviderLinks.Unlinked(actor, account.Name, identity.Issuer, identity.Subject) with { Emergency = true }, cancellationToken);
            if (!written.TryGet(out _, out refusal)) return refusal;
        }
        if (identities.Count > 0) await _database.WriteAsync(c => ProviderLinks.Forget(c, account.Id), cancellationToken);
        var cleared = await _accounts.WritePasswordAsync(account, null, cancellationToken);
        return cleared.TryGet(out _, out refusal) ? link : refusal;
    }, cancellationToken);

    /// <summary>The link of this secret; null when it is unknown, used or over. Takes any text.</summary>
    public Task<PersonLink?> FindAsync(string? secret, CancellationToken cancellationToken = default)
    {
        if (secret is not { Length: 43 }) return Task.FromResult<PersonLink?>(null);
        var (hash, now) = (BearerSecret.HashOf(secret), _time.GetUtcNow().ToUnixTimeMilliseconds());
        return Task.Run(() => _database.Read(c => c.QueryFirstOrDefault<LinkRow>($"SELECT {Columns} FROM person_link WHERE hash = @hash AND expires > @now", new { hash, now })?.ToLink()), cancellationToken);
    }

    /// <summary>Uses the link up; true for the first only.</summary>
    public async Task<bool> TryUseAsync(string secret, CancellationToken cancellationToken = default)
    {
        var (hash, now) = (BearerSecret.HashOf(secret), _time.GetUtcNow().ToUnixTimeMilliseconds());
        return await _database.WriteAsync(c => c.Execute("DELETE FROM person_link WHERE hash = @hash AND expires > @now", new { hash, now }) == 1, cancellationToken);
    }

    public Task<IReadOnlyList<PersonLink>> ListAsync(CancellationToken cancellationToken = default)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        return Task.Run<IReadOnlyList<PersonLink>>(() => _database.Read(c => c.Query<LinkRow>($"SELECT {Columns} FROM person_link WHERE expires > @now ORDER BY created", new { now }).Select(r => r.ToLink()).ToList()), cancellationToken);
    }

    public Task<Outcome<PersonLink>> RevokeAsync(string id, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<PersonLink>(async () =>
    {
        if (_database.Read(c => c.QueryFirstOrDefault<LinkRow>($"SELECT {Columns} FROM person_link WHERE id = @id", new { id })) is not { } row) return new Refusal(RefusalCode.NotFound, "there is no such link");
        var permit = await _trail.PermitAsync(actor, Act.ManageUsers, AuditTrail.Of(AuditTypes.User, actor, Named(row.Note), "link-revoked", details: new() { ["id"] = id }) with { Emergency = true }, cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        await _database.WriteAsync(c => c.Execute("DELETE FROM person_link WHERE id = @id", new { id }), cancellationToken);
        return row.ToLink();
    }, cancellationToken);

    private async Task<Outcome<NewPersonLink>> AddAsync(string? account, Role role, IReadOnlyList<string> groups, string note, TimeSpan lifetime, string action, Actor actor, CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow();
        var secret = BearerSecret.New(_random);
        var link = new PersonLink(BearerSecret.NewId(_random), account, role, note, actor.Name, now, now + lifetime) { Groups = groups };
        var permit = await _trail.PermitAsync(actor, Act.ManageUsers, AuditTrail.Of(AuditTypes.User, actor, Named(note), action, details: new()
        {
            ["id"] = link.Id, ["role"] = Words.Of(role), ["groups"] = string.Join(' ', groups), ["expires"] = link.Expires.ToUnixTimeSeconds(),
        }), cancellationToken);
        if (!permit.TryGet(out _, out var refusal)) return refusal;
        await _database.WriteAsync(c =>
        {
            if (account is not null) c.Execute("DELETE FROM person_link WHERE account = @account", new { account });
            c.Execute("INSERT INTO person_link (id, hash, account, role, note, by_name, created, expires, scope) VALUES (@Id, @hash, @Account, @role, @Note, @By, @created, @expires, @scope)", new
            {
                link.Id, hash = BearerSecret.HashOf(secret), link.Account, role = (long)role, link.Note, link.By, created = now.ToUnixTimeMilliseconds(), expires = link.Expires.ToUnixTimeMilliseconds(), scope = string.Join(' ', groups),
            });
        }, cancellationToken);
        return new NewPersonLink(link, secret);
    }

    private Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        return _database.WriteAsync(c => c.Execute("DELETE FROM person_link WHERE expires <= @now", new { now }), cancellationToken);
    }

    private static string Named(string note) => note.Length == 0 ? "somebody" : note;

    private sealed class LinkRow
    {
        public string Id { get; set; } = "";
        public string? Account { get; set; }
        public long Role { get; set; }
        public string Note { get; set; } = "";
        public string ByName { get; set; } = "";
        public long Created { get; set; }
        public long Expires { get; set; }

        /// <summary>Words with spaces between.</summary>
        public string Scope { get; set; } = "";

        public PersonLink ToLink() => new(Id, Account, (Role)Role, Note, ByName, Created.ToTime(), Expires.ToTime()) { Groups = Scope.Split(' ', StringSplitOptions.RemoveEmptyEntries) };
    }
}
