using Signet.Store;

namespace Signet.Control;

/// <summary>
/// The tables of signet.db. Times are Unix milliseconds, switches 0 or 1, JSON is compact text; nothing here is particular to one database.
/// Migrations are append-only: a released one is never edited.
/// </summary>
internal static partial class Schema
{
    public static IReadOnlyList<Migration> Migrations { get; } =
    [
        new(1, "fleet, commands, people", First),
        new(2, "groups and tags", Labels),
        new(3, "the installation the rows belong to", Owner),
        new(4, "totp accounts", TotpAccounts),
        new(5, "evidence of revocations", Revocation),
        new(6, "enrolment", Enrolment),
        new(7, "second factors, invitations", SecondFactors),
        new(8, "what a restored center remembers", Restored),
        new(9, "access policies", Policies),
        new(10, "scopes of people and tokens", Scopes),
        new(11, "kinds of enrolled devices, superseded certificates", EnrolmentKinds),
        new(12, "witnesses of the audit log", Witness),
        new(13, "queue, attempts, rollouts", Queue),
        new(14, "manifests, approvals, envelopes", Approvals),
        new(15, "shared keys", SharedKeys),
        new(16, "links to an OpenID Connect provider", ProviderLink),
        new(17, "identities whose account was removed", ProviderBarred),
        new(18, "groups of invitations", LinkScope),
        new(19, "changes to many devices that were asked for with a key", BulkKeys),
    ];

    private const string First = """
        -- One row: what the center must remember about itself.
        CREATE TABLE center (
            id BIGINT PRIMARY KEY CHECK (id = 1),
            epoch BIGINT NOT NULL                    -- of the last start; the next is above it
        );
        INSERT INTO center (id, epoch) VALUES (1, 0);

        CREATE TABLE device (
            name TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            title TEXT NOT NULL,
            allowed TEXT NOT NULL,                   -- JSON array of command names
            enabled BIGINT NOT NULL,
            created BIGINT NOT NULL,
            presence BIGINT NOT NULL DEFAULT 0,      -- PresenceState when last written; a start makes online into offline
            presence_since BIGINT,
            last_seen BIGINT,
            status_epoch BIGINT NOT NULL DEFAULT 0,  -- (epoch, seq) of the newest status taken
            status_sequence BIGINT NOT NULL DEFAULT 0,
            details TEXT NOT NULL DEFAULT '{}'
        );

        -- The keys a device's messages are verified with. Rows stay when a device goes: old receipts need them.
        CREATE TABLE device_certificate (
            thumbprint TEXT PRIMARY KEY,
            device TEXT NOT NULL,
            serial TEXT NOT NULL,
            der TEXT NOT NULL,                       -- base64
            starts BIGINT NOT NULL,
            ends BIGINT NOT NULL,
            retired BIGINT                           -- no longer accepted since
        );
        CREATE INDEX device_certificate_device ON device_certificate (device);

        CREATE TABLE replay_window (
            device TEXT NOT NULL,
            branch TEXT NOT NULL,                    -- receipt or telemetry
            epoch BIGINT NOT NULL,
            highest BIGINT NOT NULL,
            seen TEXT NOT NULL,                      -- base64 of the window's words, little-endian
            PRIMARY KEY (device, branch)
        );

        CREATE TABLE reading (
            device TEXT NOT NULL,
            name TEXT NOT NULL,
            at BIGINT NOT NULL,
            epoch BIGINT NOT NULL,
            sequence BIGINT NOT NULL,
            value TEXT NOT NULL,                     -- JSON
            number DOUBLE PRECISION,
            unit TEXT,
            PRIMARY KEY (device, name, at, epoch, sequence)
        );
        CREATE INDEX reading_at ON reading (at);

        CREATE TABLE command (
            id TEXT PRIMARY KEY,                     -- ULID: sorts by time
            device TEXT NOT NULL,
            command TEXT NOT NULL,
            arguments TEXT NOT NULL,
            state BIGINT NOT NULL,
            reason TEXT,
            result TEXT,
            by_name TEXT NOT NULL,
            by_role TEXT NOT NULL,
            idempotency TEXT UNIQUE,                 -- kind, name and key of the actor
            created BIGINT NOT NULL,
            expires BIGINT NOT NULL,
            deadline BIGINT NOT NULL,
            sent BIGINT,
            delivered BIGINT,
            answered BIGINT,
            digest TEXT NOT NULL,                    -- base64url SHA-256 of message
            message TEXT NOT NULL,                   -- compact JWS
            audit_entry BIGINT NOT NULL,
            receipt TEXT,                            -- compact JWS
            receipt_entry BIGINT                     -- audit entry of that receipt
        );
        CREATE INDEX command_device ON command (device, id);
        CREATE INDEX command_open ON command (state, deadline);

        CREATE TABLE account (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            normalized_name TEXT NOT NULL UNIQUE,
            password_hash TEXT,
            role BIGINT NOT NULL,
            enabled BIGINT NOT NULL,
            security_stamp TEXT NOT NULL,
            concurrency_stamp TEXT NOT NULL,
            access_failed_count BIGINT NOT NULL,
            lockout_end BIGINT,
            lockout_enabled BIGINT NOT NULL,
            created BIGINT NOT NULL,
            last_sign_in BIGINT
        );

        CREATE TABLE api_token (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            hash TEXT NOT NULL UNIQUE,               -- lower-case hexadecimal SHA-256 of the secret
            role BIGINT NOT NULL,
            kind TEXT NOT NULL,
            by_name TEXT NOT NULL,
            created BIGINT NOT NULL,
            expires BIGINT NOT NULL,
            last_use BIGINT
        );
        """;
}
