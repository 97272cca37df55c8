using System.Diagnostics;

namespace Signet.Bench;

/// <summary>The house at one moment; memory after everything that could go was collected.</summary>
internal sealed record SoakSample(double Hour, long Heap, long Resident, int Files, int Threads, int Online, double P50, double P99, int Commands, long Entries, long Retired, int Segments, long Disk, long Renewals, double Cpu)
{
    public static SoakSample Take(SoakHouse house, double hour, List<double> latencies)
    {
        for (var i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
        var heap = GC.GetTotalMemory(forceFullCollection: true);
        using var self = Process.GetCurrentProcess();
        latencies.Sort();
        var audit = house.Center.Audit;
        return new(hour, heap, self.WorkingSet64, System.IO.Directory.GetFiles("/proc/self/fd").Length, self.Threads.Count, house.Online, At(latencies, 0.5), At(latencies, 0.99), latencies.Count,
            audit.Size, audit.Retired, audit.Segments.Count, SizeOf(house.Data), house.Devices.Renewals, self.TotalProcessorTime.TotalSeconds);
    }

    private static double At(List<double> sorted, double share) => sorted.Count == 0 ? 0 : sorted[Math.Min(sorted.Count - 1, (int)(sorted.Count * share))];

    public static long SizeOf(string directory) => new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);
}
