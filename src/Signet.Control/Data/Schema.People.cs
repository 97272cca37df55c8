namespace Signet.Control;

internal static partial class Schema
{
    private const string SecondFactors = """
        ALTER TABLE account ADD COLUMN totp_secret TEXT;      -- sealed (AccountSeal), bound to the account's id
        ALTER TABLE account ADD COLUMN totp_step BIGINT;      -- newest step whose code was taken: none is taken twice
        ALTER TABLE account ADD COLUMN totp_since BIGINT;
        ALTER TABLE account ADD COLUMN factor_due BIGINT;     -- from then on a role that needs a second factor does nothing without one; null: one grace period after created

        CREATE TABLE backup_code (
            account TEXT NOT NULL,
            hash TEXT NOT NULL,                               -- hexadecimal HMAC-SHA-256 under the accounts' key
            PRIMARY KEY (account, hash)
        );

        CREATE TABLE passkey (
            id TEXT PRIMARY KEY,                              -- credential id, base64url
            account TEXT NOT NULL,
            name TEXT NOT NULL,
            public_key TEXT NOT NULL,                         -- base64 of the COSE key
            sign_count BIGINT NOT NULL,
            transports TEXT NOT NULL,                         -- comma separated
            verified BIGINT NOT NULL,
            backup_eligible BIGINT NOT NULL,
            backed_up BIGINT NOT NULL,
            attestation TEXT NOT NULL,                        -- base64 of what was registered with
            client_data TEXT NOT NULL,
            created BIGINT NOT NULL,
            last_use BIGINT
        );
        CREATE INDEX passkey_account ON passkey (account);

        -- One-time links: invitations of people who have no account yet, new passwords for those who have.
        CREATE TABLE person_link (
            id TEXT PRIMARY KEY,
            hash TEXT NOT NULL UNIQUE,                        -- hexadecimal SHA-256 of the secret
            account TEXT,                                     -- null: an invitation
            role BIGINT NOT NULL,
            note TEXT NOT NULL,
            by_name TEXT NOT NULL,
            created BIGINT NOT NULL,
            expires BIGINT NOT NULL
        );
        """;

    private const string Scopes = """
        -- Groups of devices that acts are limited to, words with spaces between; empty: all devices.
        ALTER TABLE account ADD COLUMN scope TEXT NOT NULL DEFAULT '';
        ALTER TABLE api_token ADD COLUMN scope TEXT NOT NULL DEFAULT '';
        """;
}
