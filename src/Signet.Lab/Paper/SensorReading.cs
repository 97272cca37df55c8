using System.Globalization;
using System.Text.Json.Nodes;

namespace Signet.Lab;

/// <summary>The door sensor's reading, in the paper's member order.</summary>
internal static class SensorReading
{
    public static JsonObject Of(string sensor, DateTimeOffset now) => new()
    {
        ["sensor_id"] = sensor,
        ["event"] = "door_open",
        ["timestamp"] = IsoFormat(now) + "Z",
        ["temperature"] = 22.5,
        ["status"] = "active",
    };

    /// <summary>As Python's <c>datetime.isoformat()</c>: microseconds, left out when they are zero.</summary>
    public static string IsoFormat(DateTimeOffset time)
    {
        var utc = time.UtcDateTime;
        return utc.ToString(utc.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond == 0 ? "yyyy-MM-ddTHH:mm:ss" : "yyyy-MM-ddTHH:mm:ss.ffffff", CultureInfo.InvariantCulture);
    }

    /// <summary>As Python's <c>time.time()</c>: seconds with microseconds.</summary>
    public static double UnixTime(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond / 1e6;
}
