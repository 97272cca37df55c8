namespace Signet.Control;

/// <summary>Looking through the devices, the same for page, API and commands to many.</summary>
public static class DeviceSearch
{
    /// <summary>Devices whose name, kind, title, state, groups or tags hold every word of the search, letters compared without case.</summary>
    public static IEnumerable<DeviceRecord> Search(IEnumerable<DeviceRecord> devices, string? search)
    {
        var words = (search ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 0 ? devices : devices.Where(device => HoldsAll(device, words));
    }

    private static bool HoldsAll(DeviceRecord device, string[] words)
    {
        foreach (var word in words)
            if (!Holds(device, word)) return false;
        return true;
    }

    internal static bool Holds(DeviceRecord device, string word)
        => Has(device.Name, word) || Has(device.Kind, word) || Has(device.Title, word) || Has(NameOf(device.Presence.State), word) || (!device.Enabled && Has("disabled", word))
            || AnyHas(device.Groups, word) || AnyHas(device.Tags, word);

    // Not ToString: it looks the name up anew for each of ten thousand.
    private static string NameOf(PresenceState state) => state switch { PresenceState.Online => "Online", PresenceState.Offline => "Offline", _ => "Unknown" };

    private static bool AnyHas(IReadOnlyList<string> labels, string word)
    {
        for (var i = 0; i < labels.Count; i++)
            if (Has(labels[i], word)) return true;
        return false;
    }

    private static bool Has(string text, string word) => text.Contains(word, StringComparison.OrdinalIgnoreCase);
}
