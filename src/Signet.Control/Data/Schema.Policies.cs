namespace Signet.Control;

internal static partial class Schema
{
    private const string Policies = """
        -- Every access policy that was ever in force.
        CREATE TABLE access_policy (
            version BIGINT PRIMARY KEY,
            content TEXT NOT NULL,                   -- the policy file
            assertions TEXT,                         -- the file of assertions it was held against; null: none
            by_name TEXT NOT NULL,
            applied BIGINT NOT NULL
        );

        -- What was really asked on the broker, each question once: for trying a new policy on the traffic of the last days.
        CREATE TABLE policy_traffic (
            kind BIGINT NOT NULL,
            name TEXT NOT NULL,
            action BIGINT NOT NULL,
            topic TEXT NOT NULL,
            last_day BIGINT NOT NULL,                -- days since 1970
            PRIMARY KEY (kind, name, action, topic)
        );
        """;
}
