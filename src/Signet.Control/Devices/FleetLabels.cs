using System.Runtime.InteropServices;

namespace Signet.Control;

/// <summary>What devices are chosen by, each in the order of names.</summary>
/// <param name="Groups">Every group that any of them is in, with the number of its devices.</param>
/// <param name="Tags">The same of tags.</param>
/// <param name="Commands">Every command that any of them takes.</param>
public sealed record FleetLabels(IReadOnlyDictionary<string, int> Groups, IReadOnlyDictionary<string, int> Tags, IReadOnlyList<string> Commands)
{
    internal static FleetLabels Of(IReadOnlyList<DeviceRecord> devices)
        => new(Count(devices, d => d.Groups), Count(devices, d => d.Tags), [.. Count(devices, d => d.AllowedCommands).Keys]);

    private static SortedDictionary<string, int> Count(IReadOnlyList<DeviceRecord> devices, Func<DeviceRecord, IReadOnlyList<string>> words)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var device in devices)
        {
            var some = words(device);
            for (var i = 0; i < some.Count; i++) CollectionsMarshal.GetValueRefOrAddDefault(counts, some[i], out _)++;
        }

        return new(counts, StringComparer.Ordinal);
    }
}
