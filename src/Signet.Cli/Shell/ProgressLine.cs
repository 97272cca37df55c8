using System.Diagnostics;
using System.Globalization;

namespace Signet.Cli.Shell;

/// <summary>How far long work is: one line on stderr that is written over, on a terminal only. Reports may come from any thread and as often as they like.</summary>
internal sealed class ProgressLine(Printer printer, string what, long? total) : IProgress<long>, IDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100); // chosen: smooth to the eye
    private readonly bool _isShown = !Console.IsErrorRedirected && !printer.Json;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Lock _one = new();
    private TimeSpan _shown = -Pace;
    private bool _isDirty;

    public void Report(long value) => Report(value, total);

    public void Report(long value, long? of)
    {
        if (!_isShown) return;
        lock (_one)
        {
            if (_clock.Elapsed - _shown < Pace) return;
            (_shown, _isDirty) = (_clock.Elapsed, true);
            var rate = value / Math.Max(0.001, _clock.Elapsed.TotalSeconds);
            var share = of is > 0 and { } all ? $" of {all.ToString("N0", CultureInfo.InvariantCulture)} {Bar((double)value / all)}" : "";
            printer.Error.Write($"\r{what} {value.ToString("N0", CultureInfo.InvariantCulture)}{share}  {rate.ToString("N0", CultureInfo.InvariantCulture)}/s\u001b[K");
        }
    }

    /// <summary>Clears the line.</summary>
    public void Dispose()
    {
        if (_isDirty) printer.Error.Write("\r\u001b[K");
    }

    private static string Bar(double share)
    {
        var full = (int)(Math.Clamp(share, 0, 1) * 20);
        return $"[{new string('#', full)}{new string('.', 20 - full)}] {(int)(Math.Clamp(share, 0, 1) * 100)} %";
    }
}
