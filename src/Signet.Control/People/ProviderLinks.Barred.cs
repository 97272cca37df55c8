using System.Data.Common;
using System.Text.Json.Nodes;
using Dapper;
using Signet.Access;
using Signet.Audit;

namespace Signet.Control;

/// <param name="Name">Of the account that was removed.</param>
public sealed record BarredIdentity(string Issuer, string Subject, string Name, DateTimeOffset Since);

/// <summary>Identities whose account was removed. Their provider still vouches for them, and without this a click would make them an account again.</summary>
public sealed partial class ProviderLinks
{
    /// <summary>The identities that went with accounts of this name, in any case.</summary>
    public Task<IReadOnlyList<BarredIdentity>> BarredAsync(string name, CancellationToken cancellationToken = default) => Task.Run<IReadOnlyList<BarredIdentity>>(
        () => _database.Read(c => Barred(c, name)), cancellationToken);

    /// <summary>The identities that went with accounts of this name are strangers again: they get a new account where the settings make one. Returns them; <see cref="RefusalCode.NotFound"/>: none.</summary>
    public Task<Outcome<IReadOnlyList<BarredIdentity>>> AdmitAgainAsync(string name, Actor actor, CancellationToken cancellationToken = default) => _administration.ChangeAsync<IReadOnlyList<BarredIdentity>>(async () =>
    {
        if (_database.Read(c => Barred(c, name)) is not { Count: > 0 } barred) return new Refusal(RefusalCode.NotFound, "no identity is barred under this name");
        foreach (var one in barred)
        {
            var record = WithSubject(AuditTrail.Of(AuditTypes.User, actor, one.Name, "provider-admitted-again", details: new() { ["issuer"] = one.Issuer }), one.Subject);
            var permit = await _trail.PermitAsync(actor, Act.ManageUsers, record, cancellationToken);
            if (!permit.TryGet(out _, out var refusal)) return refusal;
        }
        await _database.WriteAsync(c => c.Execute("DELETE FROM provider_barred WHERE normalized_name = @name", new { name = name.ToUpperInvariant() }), cancellationToken);
        return Outcome.Of(barred);
    }, cancellationToken);

    /// <summary>A sign-in that came to nothing. Anybody can cause any number of them: equal ones are counted. Never waits.</summary>
    /// <param name="name">Who it was about; <c>provider</c> when nobody can say.</param>
    /// <param name="source">The address, or the network that counts as one.</param>
    public void Refused(string name, string reason, string from, string source)
        => _notes.Add(new(AuditTypes.AuthFail, name, name, "sign-in", "refused", reason) { Personal = new JsonObject { ["from"] = from } }, source);

    internal static bool IsBarred(DbConnection connection, string issuer, string subject)
        => connection.ExecuteScalar<long>("SELECT count(*) FROM provider_barred WHERE issuer = @issuer AND subject = @subject", new { issuer, subject }) > 0;

    internal static void Bar(DbConnection connection, Account account, DateTimeOffset now)
    {
        foreach (var link in Of(connection, account.Id))
        {
            connection.Execute("INSERT INTO provider_barred (issuer, subject, name, normalized_name, since) VALUES (@Issuer, @Subject, @Name, @NormalizedName, @since)",
                new { link.Issuer, link.Subject, account.Name, account.NormalizedName, since = now.ToUnixTimeMilliseconds() });
        }
    }

    private static IReadOnlyList<BarredIdentity> Barred(DbConnection connection, string name)
        => [.. connection.Query<BarredRow>("SELECT issuer AS Issuer, subject AS Subject, name AS Name, since AS Since FROM provider_barred WHERE normalized_name = @name ORDER BY since", new { name = name.ToUpperInvariant() })
            .Select(r => new BarredIdentity(r.Issuer, r.Subject, r.Name, r.Since.ToTime()))];

    private sealed class BarredRow
    {
        public string Issuer { get; set; } = "";
        public string Subject { get; set; } = "";
        public string Name { get; set; } = "";
        public long Since { get; set; }
    }
}
