namespace Signet.Control;

internal static partial class Schema
{
    private const string Enrolment = """
        -- One-time admissions; the secret itself is kept nowhere.
        CREATE TABLE enrolment_token (
            id TEXT PRIMARY KEY,
            hash TEXT NOT NULL,                      -- SHA-256 of the secret
            profile BIGINT NOT NULL,
            name TEXT NOT NULL,
            hosts TEXT NOT NULL,                     -- JSON array
            expires BIGINT NOT NULL,
            approval BIGINT NOT NULL,                -- a person looks at the request first
            used BIGINT,
            by_name TEXT NOT NULL,
            created BIGINT NOT NULL
        );

        -- Requests that wait for a person, and what became of them.
        CREATE TABLE enrolment_request (
            id TEXT PRIMARY KEY,                     -- ULID
            key_thumbprint TEXT NOT NULL,            -- base64url SHA-256 of the requested public key
            token TEXT NOT NULL,                     -- id of the token, or manufacturer:NAME
            profile BIGINT NOT NULL,
            name TEXT NOT NULL,
            csr TEXT NOT NULL,                       -- base64 DER
            source TEXT NOT NULL,
            arrived BIGINT NOT NULL,
            state BIGINT NOT NULL,                   -- 0 waiting, 1 approved, 2 refused, 3 collected
            decided BIGINT,
            by_name TEXT
        );
        CREATE INDEX enrolment_request_key ON enrolment_request (key_thumbprint, state);

        -- Authorities of device makers whose certificates admit a device once.
        CREATE TABLE manufacturer (
            name TEXT PRIMARY KEY,
            certificates TEXT NOT NULL,              -- PEM, the root first
            kind TEXT NOT NULL,
            allowed TEXT NOT NULL,                   -- JSON array of command names
            approval BIGINT NOT NULL,
            created BIGINT NOT NULL,
            by_name TEXT NOT NULL
        );
        """;

    private const string EnrolmentKinds = """
        ALTER TABLE enrolment_token ADD COLUMN kind TEXT NOT NULL DEFAULT 'device';
        ALTER TABLE enrolment_token ADD COLUMN allowed TEXT NOT NULL DEFAULT '[]';
        ALTER TABLE enrolment_token ADD COLUMN title TEXT NOT NULL DEFAULT '';
        -- Replaced by a newer one of the same device that was used since: no longer admitted, its earlier messages still verify.
        ALTER TABLE device_certificate ADD COLUMN superseded BIGINT;
        """;
}
