namespace Signet.Control;

internal static partial class Schema
{
    private const string BulkKeys = """
        -- One row a change to many devices that came with an idempotency key: a repetition gets the report, after a restart too.
        CREATE TABLE bulk_change (
            id TEXT PRIMARY KEY,                     -- ULID: sorts by time
            by_name TEXT NOT NULL,                   -- kind and name of the actor
            idempotency TEXT NOT NULL,
            started BIGINT NOT NULL,
            asked TEXT NOT NULL,                     -- JSON: what was asked for
            report TEXT,                             -- JSON; null while it is under way, and for good when the center stopped in the midst of it
            UNIQUE (by_name, idempotency)
        );
        """;
}
