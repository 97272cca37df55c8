namespace Signet.Control;

internal static partial class Schema
{
    private const string Witness = """
        -- What each device last cosigned of the audit log, and what it raised. Kept here and not in the audit database: who rolls that one back must not take this along.
        CREATE TABLE witness (
            device TEXT PRIMARY KEY,
            size BIGINT NOT NULL,                    -- entries that its newest cosigned checkpoint covers; 0 for none
            note TEXT NOT NULL,                      -- that checkpoint's text, and the device's cosignature line
            at BIGINT NOT NULL,
            alarm TEXT,                              -- reason, while one stands
            alarm_at BIGINT,
            evidence TEXT                            -- the signed alarm, as it came
        );
        """;
}
