namespace Signet.Control;

internal static partial class Schema
{
    private const string Owner = """
        ALTER TABLE center ADD COLUMN installation TEXT;     -- id of the data directory these rows belong to; null while it is being made
        """;

    private const string Restored = """
        ALTER TABLE center ADD COLUMN remembers_since BIGINT; -- set by a restore: readings signed before it may have been taken already, by the center that is gone
        ALTER TABLE center ADD COLUMN restored_from TEXT;     -- JSON, from a restore to the next start, which puts it on the record
        """;
}
