using System.Data.Common;
using Dapper;
using Signet.Access;
using Signet.Audit;

namespace Signet.Control;

/// <summary>One identity at an OpenID Connect provider that signs in to an account.</summary>
/// <param name="Account">Id of the account.</param>
/// <param name="Issuer">The provider, exactly as it names itself.</param>
/// <param name="Subject">What it calls the person; never given to another (OpenID Connect Core, section 2).</param>
public sealed record ProviderLink(string Account, string Issuer, string Subject, DateTimeOffset Created, DateTimeOffset? LastUse);

/// <summary>Whom an OpenID Connect provider's subjects sign in: by issuer and subject and nothing else. One identity of a provider for an account, one account for an identity.</summary>
public sealed partial class ProviderLinks
{
    private const string Columns = "account AS Account, issuer AS Issuer, subject AS Subject, created AS Created, last_use AS LastUse";
    private readonly ControlDatabase _database;
    private readonly AuditTrail _trail;
    private readonly Administration _administration;
    private readonly Accounts _accounts;
    private readonly RepeatedNotes _notes;
    private readonly TimeProvider _time;

    internal ProviderLinks(ControlDatabase database, AuditTrail trail, Administration administration, Accounts accounts, RepeatedNotes notes, TimeProvider time)
        => (_database, _trail, _administration, _accounts, _notes, _time) = (database, trail, administration, accounts, notes, time);

    public Task<ProviderLink?> FindAsync(string issuer, string subject, CancellationToken cancellationToken = default) => Task.Run(() => _database.Read(c => Find(c, issuer, subject)), cancellationToken);

    /// <summary>The identities of one account.</summary>
    public Task<IReadOnlyList<ProviderLink>> OfAsync(string account, CancellationToken cancellationToken = default) => Task.Run<IReadOnlyList<ProviderLink>>(() => _database.Read(c => Of(c, account)), cancellationToken);

    /// <summary>Links an identity that has just been proven to the account of whoever is signed in. <see cref="RefusalCode.AlreadyExists"/>: it belongs to somebody else, or the account has another of this provider.</summary>
    public Task<Outcome<ProviderLink>> LinkAsync(Account account, string issuer, string subject, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<ProviderLink>(async () =>
    {
        if (await FindAsync(issuer, subject, cancellationToken) is { } there)
            return there.Account == account.Id ? there : new Refusal(RefusalCode.AlreadyExists, "this identity is linked to another account");
        if ((await OfAsync(account.Id, cancellationToken)).Any(link => link.Issuer == issuer)) return new Refusal(RefusalCode.AlreadyExists, "another identity of this provider is linked to the account; unlink it first");
        var written = await _trail.TryAppendAsync(Linked(actor, account.Name, issuer, subject), cancellationToken);
        if (!written.TryGet(out _, out var refusal)) return refusal;
        var link = new ProviderLink(account.Id, issuer, subject, _time.GetUtcNow(), null);
        await _database.WriteAsync(c =>
        {
            Insert(c, link);
            // Who proved that this account is theirs is no stranger: what was barred with another account of theirs is not any more.
            c.Execute("DELETE FROM provider_barred WHERE issuer = @issuer AND subject = @subject", new { issuer, subject });
        }, cancellationToken);
        return link;
    }, cancellationToken);

    /// <summary>Takes an account's identities away. Who unlinks their own needs another way in; the account's sessions end, for the identity may have opened them.</summary>
    /// <param name="hasOtherWay">The account can be signed in to without a password.</param>
    public Task<Outcome<Account>> UnlinkAsync(Account account, Actor actor, bool hasOtherWay = false, CancellationToken cancellationToken = default) => _administration.ChangeAsync<Account>(async () =>
    {
        if (await OfAsync(account.Id, cancellationToken) is not { Count: > 0 } links) return new Refusal(RefusalCode.NotFound, "nothing is linked to this account");
        var own = actor.Kind == Actor.User && actor.Name == account.Name;
        if (own && account.PasswordHash is null && !hasOtherWay) return new Refusal(RefusalCode.BadInput, "it is your only way in: ask an administrator for a link to a password first");
        foreach (var link in links)
        {
            var record = Unlinked(actor, account.Name, link.Issuer, link.Subject);
            var written = own ? await _trail.TryAppendAsync(record, cancellationToken) : await _trail.PermitAsync(actor, Act.ManageUsers, record with { Emergency = true }, cancellationToken);
            if (!written.TryGet(out _, out var refusal)) return refusal;
        }
        await _database.WriteAsync(c => Forget(c, account.Id), cancellationToken);
        return await _accounts.EndSessionsAsync(account, cancellationToken);
    }, cancellationToken);

    /// <summary>Only for people to read; not audited: the sign-in is.</summary>
    public Task MarkUsedAsync(string issuer, string subject, CancellationToken cancellationToken = default)
    {
        var now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        return _database.WriteAsync(c => c.Execute("UPDATE provider_link SET last_use = @now WHERE issuer = @issuer AND subject = @subject", new { now, issuer, subject }), cancellationToken);
    }

    internal static IReadOnlyList<ProviderLink> Of(DbConnection connection, string account)
        => [.. connection.Query<LinkRow>($"SELECT {Columns} FROM provider_link WHERE account = @account ORDER BY issuer", new { account }).Select(r => r.ToLink())];

    internal static ProviderLink? Find(DbConnection connection, string issuer, string subject)
        => connection.QueryFirstOrDefault<LinkRow>($"SELECT {Columns} FROM provider_link WHERE issuer = @issuer AND subject = @subject", new { issuer, subject })?.ToLink();

    internal static void Insert(DbConnection connection, ProviderLink link) => connection.Execute(
        "INSERT INTO provider_link (issuer, subject, account, created) VALUES (@Issuer, @Subject, @Account, @created)", new { link.Issuer, link.Subject, link.Account, created = link.Created.ToUnixTimeMilliseconds() });

    internal static void Forget(DbConnection connection, string account) => connection.Execute("DELETE FROM provider_link WHERE account = @account", new { account });

    internal static AuditRecord Linked(Actor actor, string account, string issuer, string subject)
        => WithSubject(AuditTrail.Of(AuditTypes.User, actor, account, "provider-linked", details: new() { ["issuer"] = issuer }), subject);

    internal static AuditRecord Unlinked(Actor actor, string account, string issuer, string subject)
        => WithSubject(AuditTrail.Of(AuditTypes.User, actor, account, "provider-unlinked", details: new() { ["issuer"] = issuer }), subject);

    // What a provider calls somebody is personal: it stands beside the entry and can be erased.
    private static AuditRecord WithSubject(AuditRecord record, string subject)
    {
        var personal = record.Personal ?? [];
        personal["subject"] = subject;
        return record with { Personal = personal };
    }

    private sealed class LinkRow
    {
        public string Account { get; set; } = "";
        public string Issuer { get; set; } = "";
        public string Subject { get; set; } = "";
        public long Created { get; set; }
        public long? LastUse { get; set; }

        public ProviderLink ToLink() => new(Account, Issuer, Subject, Created.ToTime(), LastUse.ToTime());
    }
}
