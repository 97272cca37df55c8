using Signet.Control;

namespace Signet.Web;

/// <summary>Looking through the devices, for page and API alike.</summary>
internal static class Fleets
{
    /// <summary>Devices whose name, kind, title or state holds every word of the search, letters compared without case.</summary>
    public static IEnumerable<DeviceRecord> Search(IEnumerable<DeviceRecord> devices, string? search)
    {
        var words = (search ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 0 ? devices : devices.Where(device => words.All(word => Holds(device, word)));
    }

    private static bool Holds(DeviceRecord device, string word)
        => Has(device.Name, word) || Has(device.Kind, word) || Has(device.Title, word) || Has(device.Presence.State.ToString(), word) || (!device.Enabled && Has("disabled", word));

    private static bool Has(string text, string word) => text.Contains(word, StringComparison.OrdinalIgnoreCase);
}
