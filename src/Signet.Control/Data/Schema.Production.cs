namespace Signet.Control;

internal static partial class Schema
{
    private const string Owner = """
        ALTER TABLE center ADD COLUMN installation TEXT;     -- id of the data directory these rows belong to; null while it is being made
        """;
}
