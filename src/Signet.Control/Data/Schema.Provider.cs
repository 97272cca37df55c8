namespace Signet.Control;

internal static partial class Schema
{
    private const string ProviderLink = """
        -- Who an OpenID Connect provider means by a subject. Names and addresses that it says play no part.
        CREATE TABLE provider_link (
            issuer TEXT NOT NULL,
            subject TEXT NOT NULL,
            account TEXT NOT NULL,
            created BIGINT NOT NULL,
            last_use BIGINT,
            PRIMARY KEY (issuer, subject)
        );
        CREATE UNIQUE INDEX provider_link_account ON provider_link (account, issuer);
        """;

    private const string LinkScope = """
        ALTER TABLE person_link ADD COLUMN scope TEXT NOT NULL DEFAULT '';   -- groups of devices, with spaces between
        """;

    private const string ProviderBarred = """
        -- Identities whose account was removed: they make themselves no new one.
        CREATE TABLE provider_barred (
            issuer TEXT NOT NULL,
            subject TEXT NOT NULL,
            name TEXT NOT NULL,
            normalized_name TEXT NOT NULL,
            since BIGINT NOT NULL,
            PRIMARY KEY (issuer, subject)
        );
        """;
}
