namespace Signet.Control;

/// <summary>The kinds of device the house brings along, with the commands each takes.</summary>
public static class DeviceKinds
{
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Commands { get; } = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal)
    {
        ["thermostat"] = ["read-temperature", "set-point", "activate", "deactivate", "check-status", "restart"],
        ["door"] = ["open", "close", "check-status", "restart"],
        ["valve"] = ["open", "close", "set-position", "check-status", "restart"],
    };
}
