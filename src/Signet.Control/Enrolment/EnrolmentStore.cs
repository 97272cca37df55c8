using System.Data.Common;
using System.Text.Json;
using Dapper;
using Signet.Pki;

namespace Signet.Control;

/// <summary>What a token admits to, besides what <see cref="EnrolmentToken"/> says.</summary>
internal sealed record TokenPurpose(string Kind, IReadOnlyList<string> Commands, string Title, string By);

/// <summary>Tokens, waiting requests and makers in signet.db.</summary>
internal static class EnrolmentStore
{
    public static void Save(DbConnection connection, EnrolmentToken token, TokenPurpose purpose, DateTimeOffset now) => connection.Execute("""
        INSERT INTO enrolment_token (id, hash, profile, name, hosts, expires, approval, used, by_name, created, kind, allowed, title)
        VALUES (@Id, @SecretHash, @profile, @name, @hosts, @expires, @approval, @used, @By, @now, @Kind, @allowed, @Title)
        ON CONFLICT (id) DO UPDATE SET used = excluded.used
        """, new
    {
        token.Id, token.SecretHash, profile = (long)token.Admits.Profile, name = token.Admits.Name, hosts = JsonSerializer.Serialize(token.Admits.Hosts ?? []), expires = token.Expires.ToUnixTimeMilliseconds(),
        approval = token.NeedsApproval ? 1L : 0L, used = token.UsedAt?.ToUnixTimeMilliseconds(), purpose.By, now = now.ToUnixTimeMilliseconds(), purpose.Kind, allowed = JsonSerializer.Serialize(purpose.Commands), purpose.Title,
    });

    public static IReadOnlyList<(EnrolmentToken Token, TokenPurpose Purpose)> Tokens(DbConnection connection) => [.. connection.Query<TokenRow>("""
        SELECT id AS Id, hash AS Hash, profile AS Profile, name AS Name, hosts AS Hosts, expires AS Expires, approval AS Approval, used AS Used, by_name AS ByName, kind AS Kind, allowed AS Allowed, title AS Title
        FROM enrolment_token ORDER BY created
        """).Select(r => (new EnrolmentToken(r.Id, r.Hash, new((CertificateProfile)r.Profile, r.Name, Texts(r.Hosts) is { Count: > 0 } hosts ? hosts : null), r.Expires.ToTime(), r.Approval != 0, r.Used.ToTime()),
        new TokenPurpose(r.Kind, Texts(r.Allowed), r.Title, r.ByName)))];

    public static void Forget(DbConnection connection, string id) => connection.Execute("DELETE FROM enrolment_token WHERE id = @id", new { id });

    public static void Add(DbConnection connection, RequestRow row) => connection.Execute("""
        INSERT INTO enrolment_request (id, key_thumbprint, token, profile, name, csr, source, arrived, state) VALUES (@Id, @Key, @Token, @Profile, @Name, @Csr, @Source, @Arrived, @State)
        """, row);

    public static IReadOnlyList<RequestRow> Requests(DbConnection connection) => [.. connection.Query<RequestRow>("""
        SELECT id AS Id, key_thumbprint AS Key, token AS Token, profile AS Profile, name AS Name, csr AS Csr, source AS Source, arrived AS Arrived, state AS State FROM enrolment_request
        WHERE state IN (0, 1) ORDER BY id
        """)];

    public static void Decide(DbConnection connection, string id, long state, string by, DateTimeOffset at)
        => connection.Execute("UPDATE enrolment_request SET state = @state, decided = @at, by_name = @by WHERE id = @id", new { id, state, by, at = at.ToUnixTimeMilliseconds() });

    public static void Save(DbConnection connection, NewManufacturer maker, string by, DateTimeOffset now) => connection.Execute(
        "INSERT INTO manufacturer (name, certificates, kind, allowed, approval, created, by_name) VALUES (@Name, @Certificates, @Kind, @allowed, @approval, @now, @by)",
        new { maker.Name, maker.Certificates, maker.Kind, allowed = JsonSerializer.Serialize(maker.Commands ?? []), approval = maker.NeedsApproval ? 1L : 0L, now = now.ToUnixTimeMilliseconds(), by });

    public static IReadOnlyList<NewManufacturer> Manufacturers(DbConnection connection) => [.. connection.Query<MakerRow>(
        "SELECT name AS Name, certificates AS Certificates, kind AS Kind, allowed AS Allowed, approval AS Approval FROM manufacturer ORDER BY name").Select(r => new NewManufacturer(r.Name, r.Certificates, r.Kind, Texts(r.Allowed), r.Approval != 0))];

    public static void RemoveManufacturer(DbConnection connection, string name) => connection.Execute("DELETE FROM manufacturer WHERE name = @name", new { name });

    private static List<string> Texts(string json) => JsonSerializer.Deserialize<List<string>>(json) ?? [];

    /// <summary>States: 0 waiting, 1 approved, 2 refused, 3 collected.</summary>
    internal sealed class RequestRow
    {
        public const long Waiting = 0, Approved = 1, Refused = 2, Collected = 3;

        public string Id { get; set; } = "";
        public string Key { get; set; } = "";
        public string Token { get; set; } = "";
        public long Profile { get; set; }
        public string Name { get; set; } = "";
        public string Csr { get; set; } = "";
        public string Source { get; set; } = "";
        public long Arrived { get; set; }
        public long State { get; set; }
    }

    private sealed class TokenRow
    {
        public string Id { get; set; } = "";
        public string Hash { get; set; } = "";
        public long Profile { get; set; }
        public string Name { get; set; } = "";
        public string Hosts { get; set; } = "[]";
        public long Expires { get; set; }
        public long Approval { get; set; }
        public long? Used { get; set; }
        public string ByName { get; set; } = "";
        public string Kind { get; set; } = "";
        public string Allowed { get; set; } = "[]";
        public string Title { get; set; } = "";
    }

    private sealed class MakerRow
    {
        public string Name { get; set; } = "";
        public string Certificates { get; set; } = "";
        public string Kind { get; set; } = "";
        public string Allowed { get; set; } = "[]";
        public long Approval { get; set; }
    }
}
