namespace Signet.Control;

internal static partial class Schema
{
    private const string TotpAccounts = """
        -- Accounts that log in with user name, one-time code and password.
        CREATE TABLE totp_account (
            name TEXT PRIMARY KEY,
            password_hash TEXT NOT NULL,             -- bcrypt
            sealed_secret TEXT NOT NULL,             -- base64, AES-256-GCM under pki/accounts.key
            enabled BIGINT NOT NULL,
            group_names TEXT NOT NULL,               -- JSON array
            reconnects BIGINT NOT NULL,              -- 1: the same client may come back within a step
            last_step BIGINT NOT NULL,               -- newest step that was accepted; never again at or below it
            created BIGINT NOT NULL,
            last_login BIGINT
        );
        """;
}
