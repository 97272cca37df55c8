namespace Signet.Control;

internal static partial class Schema
{
    private const string Queue = """
        -- A row without message and digest ('') is an intent: unsigned, waiting for its time, its device or its approvals.
        ALTER TABLE command ADD COLUMN by_kind TEXT NOT NULL DEFAULT 'user';
        ALTER TABLE command ADD COLUMN not_before BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE command ADD COLUMN valid_until BIGINT NOT NULL DEFAULT 0;   -- an intent may wait until then; 0: it may not wait
        ALTER TABLE command ADD COLUMN rollout TEXT;
        ALTER TABLE command ADD COLUMN attempts BIGINT NOT NULL DEFAULT 1;      -- how often it was signed
        CREATE INDEX command_rollout ON command (rollout, state);

        -- Every message ever signed for a command: a receipt speaks about one of them, by its digest.
        CREATE TABLE command_attempt (
            digest TEXT PRIMARY KEY,                 -- base64url SHA-256 of what was published
            command_id TEXT NOT NULL,
            message TEXT NOT NULL,                   -- compact JWS
            audit_entry BIGINT NOT NULL
        );
        CREATE INDEX command_attempt_command ON command_attempt (command_id);
        INSERT INTO command_attempt (digest, command_id, message, audit_entry) SELECT digest, id, message, audit_entry FROM command;

        -- One command to many devices.
        CREATE TABLE rollout (
            id TEXT PRIMARY KEY,
            command TEXT NOT NULL,
            arguments TEXT NOT NULL,
            selection TEXT NOT NULL,
            by_name TEXT NOT NULL,
            by_role TEXT NOT NULL,
            created BIGINT NOT NULL,
            per_minute BIGINT NOT NULL,              -- 0: all at once
            stop_share DOUBLE PRECISION NOT NULL,    -- 1: never stops by itself
            stopped BIGINT,                          -- when the rest was withdrawn
            why TEXT,                                -- rollout-stopped or the person's act
            left_out TEXT NOT NULL,                  -- JSON object: device -> reason
            idempotency TEXT UNIQUE
        );
        """;
}
