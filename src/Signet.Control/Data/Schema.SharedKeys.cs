namespace Signet.Control;

internal static partial class Schema
{
    private const string SharedKeys = """
        -- Devices that share HMAC keys with the center. The keys themselves are derived from pki/shared.key, by the device's name and this version.
        CREATE TABLE shared_key (
            device TEXT PRIMARY KEY,
            version BIGINT NOT NULL,                 -- Unix seconds of their making: a device removed and added again gets others
            created BIGINT NOT NULL
        );
        """;
}
