namespace Signet.Control;

internal static partial class Schema
{
    private const string Revocation = """
        -- One row a revocation: what it did, and the signed evidence of it.
        CREATE TABLE revocation (
            id TEXT PRIMARY KEY,                     -- ULID: sorts by time
            requested BIGINT NOT NULL,
            reason TEXT NOT NULL,
            by_name TEXT NOT NULL,
            version BIGINT NOT NULL,                 -- of the evidence
            facts TEXT NOT NULL,                     -- JSON the evidence is signed from
            evidence TEXT NOT NULL                   -- compact JWS, one a line
        );
        CREATE INDEX revocation_requested ON revocation (requested);
        """;
}
