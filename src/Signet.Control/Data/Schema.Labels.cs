namespace Signet.Control;

internal static partial class Schema
{
    private const string Labels = """
        -- Groups and tags of devices. A group exists while a device is in it.
        CREATE TABLE device_label (
            device TEXT NOT NULL,
            kind BIGINT NOT NULL,                    -- DeviceLabelKind: 1 group, 2 tag
            name TEXT NOT NULL,
            PRIMARY KEY (device, kind, name)
        );
        """;
}
