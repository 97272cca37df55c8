using System.Text;
using Signet.Proof;

namespace Signet.Agent;

/// <summary><c>state/alarm</c>: the alarms in force, one signed message a line. It stays until a person removes it (<c>signet device witness --forget</c>).</summary>
internal static class AlarmFile
{
    private static string PathIn(string state) => Path.Combine(state, "alarm");

    public static IReadOnlyList<WitnessMessage.Alarm> Read(string state)
    {
        var path = PathIn(state);
        if (!File.Exists(path) || new FileInfo(path).Length > 8 * WitnessMessage.MaximumLength) return [];
        return [.. File.ReadAllLines(path).Select(line => WitnessMessage.TryRead(Encoding.UTF8.GetBytes(line), out var message) ? message as WitnessMessage.Alarm : null).OfType<WitnessMessage.Alarm>()];
    }

    /// <exception cref="IOException">Not written.</exception>
    public static void Write(string state, IEnumerable<WitnessMessage.Alarm> alarms)
    {
        var path = PathIn(state);
        var lines = string.Concat(alarms.Select(alarm => Encoding.UTF8.GetString(alarm.ToBytes()) + "\n"));
        if (lines.Length == 0)
        {
            File.Delete(path);
            return;
        }
        using (var file = new FileStream(path + ".new", FileMode.Create, FileAccess.Write))
        {
            file.Write(Encoding.UTF8.GetBytes(lines));
            file.Flush(flushToDisk: true);
        }
        File.Move(path + ".new", path, overwrite: true);
    }
}
