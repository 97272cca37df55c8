namespace Signet.Control;

internal static partial class Schema
{
    private const string Approvals = """
        -- The newest signed manifest of each device, and the certificate of the key that signed it.
        CREATE TABLE device_manifest (
            device TEXT PRIMARY KEY,
            version BIGINT NOT NULL,
            message TEXT NOT NULL,                   -- compact JWS
            policy TEXT NOT NULL,                    -- base64 DER
            pushed BIGINT NOT NULL
        );

        -- What people are asked to approve: the same for every device it names.
        CREATE TABLE proposal (
            id TEXT PRIMARY KEY,
            class TEXT NOT NULL,
            devices TEXT NOT NULL,                   -- JSON array, sorted
            command TEXT NOT NULL,
            arguments TEXT NOT NULL,
            requester TEXT NOT NULL,
            needed BIGINT NOT NULL,
            not_after BIGINT NOT NULL,
            created BIGINT NOT NULL
        );
        CREATE TABLE approval (
            proposal TEXT NOT NULL,
            person TEXT NOT NULL,
            message TEXT NOT NULL,                   -- compact JWS, signed with a key the center does not hold
            approved BIGINT NOT NULL,
            PRIMARY KEY (proposal, person)
        );
        ALTER TABLE command ADD COLUMN proposal TEXT;

        -- A sealed message: what was published, and the key of its content (an envelope is proof only with it).
        ALTER TABLE command_attempt ADD COLUMN envelope TEXT NOT NULL DEFAULT '';
        ALTER TABLE command_attempt ADD COLUMN content_key TEXT NOT NULL DEFAULT '';
        """;
}
