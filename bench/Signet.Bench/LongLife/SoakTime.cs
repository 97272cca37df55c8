using System.Diagnostics;
using System.Globalization;

namespace Signet.Bench;

/// <summary>What a soak spends its time on: seconds by the wall and of processor time, by purpose. One thread.</summary>
internal sealed class SoakTime
{
    private readonly Dictionary<string, (double Wall, double Cpu)> _spent = new(StringComparer.Ordinal);

    /// <summary>Counts from now until it is disposed.</summary>
    public IDisposable Of(string what) => new Span(this, what);

    public override string ToString() => string.Join(", ", _spent.OrderByDescending(s => s.Value.Wall).Select(s => string.Create(CultureInfo.InvariantCulture, $"{s.Key} {s.Value.Wall:0} s ({s.Value.Cpu:0} s of CPU)")));

    private static double Cpu() => Environment.CpuUsage.TotalTime.TotalSeconds;

    private sealed class Span(SoakTime time, string what) : IDisposable
    {
        private readonly long _began = Stopwatch.GetTimestamp();
        private readonly double _cpu = Cpu();

        public void Dispose()
        {
            var (wall, cpu) = time._spent.GetValueOrDefault(what);
            time._spent[what] = (wall + Stopwatch.GetElapsedTime(_began).TotalSeconds, cpu + Cpu() - _cpu);
        }
    }
}
