using System.Data.Common;
using Dapper;

namespace Signet.Control;

/// <summary>A revocation as it is listed.</summary>
/// <param name="Id">ULID.</param>
/// <param name="Version">Of the evidence: it grows when somebody comes back and is refused.</param>
/// <param name="Evidence">Compact JWS, one a line; empty in lists.</param>
public sealed record RevocationRecord(string Id, DateTimeOffset Requested, string Reason, string By, long Version, string Evidence);

/// <summary>The revocations' rows in signet.db.</summary>
internal static class RevocationStore
{
    public static void Save(DbConnection connection, RevocationFacts.Row row, string facts, string evidence) => connection.Execute("""
        INSERT INTO revocation (id, requested, reason, by_name, version, facts, evidence) VALUES (@Id, @requested, @Reason, @ByName, @Version, @facts, @evidence)
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, facts = excluded.facts, evidence = excluded.evidence
        """, new { row.Id, requested = row.Requested.ToUnixTimeMilliseconds(), row.Reason, row.ByName, row.Version, facts, evidence });

    public static IReadOnlyList<string> FactsSince(DbConnection connection, DateTimeOffset since)
        => [.. connection.Query<string>("SELECT facts FROM revocation WHERE requested >= @since ORDER BY id", new { since = since.ToUnixTimeMilliseconds() })];

    public static IReadOnlyList<RevocationRecord> List(DbConnection connection, int most)
        => [.. connection.Query<Listed>("SELECT id AS Id, requested AS Requested, reason AS Reason, by_name AS ByName, version AS Version, '' AS Evidence FROM revocation ORDER BY id DESC LIMIT @most", new { most }).Select(r => r.ToRecord())];

    public static RevocationRecord? Find(DbConnection connection, string id)
        => connection.QueryFirstOrDefault<Listed>("SELECT id AS Id, requested AS Requested, reason AS Reason, by_name AS ByName, version AS Version, evidence AS Evidence FROM revocation WHERE id = @id", new { id })?.ToRecord();

    private sealed class Listed
    {
        public string Id { get; set; } = "";
        public long Requested { get; set; }
        public string Reason { get; set; } = "";
        public string ByName { get; set; } = "";
        public long Version { get; set; }
        public string Evidence { get; set; } = "";

        public RevocationRecord ToRecord() => new(Id, Requested.ToTime(), Reason, ByName, Version, Evidence);
    }
}
