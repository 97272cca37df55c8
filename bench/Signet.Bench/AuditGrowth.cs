using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Signet.Audit;

namespace Signet.Bench;

/// <summary>
/// A log that grows, beside bare rows that grow as much: a million entries of the one, a million rows of the other, in turn. What only the log pays shows in the ratio, what the machine or the file system pays in both.
/// CPU and written bytes are of this process, which holds the producers, the log and its search index.
/// </summary>
internal static class AuditGrowth
{
    private const int Part = 1_000_000;

    /// <param name="directory">Where both files grow.</param>
    /// <param name="entries">Whole millions.</param>
    /// <param name="isIndexed">False leaves the search index out.</param>
    public static async Task RunAsync(string directory, int entries, bool isIndexed)
    {
        using var random = RandomNumberGenerator.Create();
        await using var log = await AuditLog.OpenAsync(new AuditOptions { Directory = Path.Combine(directory, "log"), ReserveBytes = 0, SegmentEntries = 1_000_000_000, Indexed = isIndexed }, TimeProvider.System, random);
        await using var bare = new BareRows(Signet.Store.DatabaseSource.Sqlite(Path.Combine(directory, "bare.db")));
        Console.WriteLine("| million | log/s | CPU us (of it kernel) | bytes given to the system | written to the disk | bare rows/s | CPU us (kernel) | given | written | log of bare | resident MiB |\n|---|---|---|---|---|---|---|---|---|---|---|");
        await AuditBench.AppendManyAsync(log, 100_000);   // warms up
        await bare.WriteManyAsync(100_000);
        for (var million = 1; million <= entries / Part; million++)
        {
            var ofLog = await MeasureAsync(() => AuditBench.AppendManyAsync(log, Part));
            var ofBare = await MeasureAsync(() => bare.WriteManyAsync(Part));
            Line($"| {million} | {Cells(ofLog)} | {Cells(ofBare)} | {ofLog.Rate / ofBare.Rate:0.00} | {Process.GetCurrentProcess().WorkingSet64 >> 20} |");
        }
        var verifying = Stopwatch.StartNew();
        var verdict = await log.VerifyAsync();
        Line($"{verdict.Summary}: {verdict.Entries / verifying.Elapsed.TotalSeconds:N0}/s, working set {Process.GetCurrentProcess().WorkingSet64 >> 20} MiB, peak {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB");
    }

    private static async Task<Cost> MeasureAsync(Func<Task> work)
    {
        var (cpu, io, clock) = (Environment.CpuUsage, Written(), Stopwatch.StartNew());
        await work();
        var (seconds, cpuAfter, ioAfter) = (clock.Elapsed.TotalSeconds, Environment.CpuUsage, Written());
        return new(Part / seconds, (cpuAfter.TotalTime - cpu.TotalTime).TotalMicroseconds / Part, (cpuAfter.PrivilegedTime - cpu.PrivilegedTime).TotalMicroseconds / Part,
            (ioAfter.Given - io.Given) / (double)Part, (ioAfter.ToDisk - io.ToDisk) / (double)Part);
    }

    // Linux counts both for every process: proc(5), wchar and write_bytes.
    private static (long Given, long ToDisk) Written()
    {
        if (!File.Exists("/proc/self/io")) return (0, 0);
        var lines = File.ReadAllLines("/proc/self/io");
        long Of(string name) => long.Parse(lines.First(line => line.StartsWith(name, StringComparison.Ordinal)).AsSpan(name.Length), NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture);
        return (Of("wchar:"), Of("write_bytes:"));
    }

    private static string Cells(Cost cost) => string.Create(CultureInfo.InvariantCulture, $"{cost.Rate:N0} | {cost.Cpu:0.0} ({cost.Kernel:0.0}) | {cost.Given:N0} | {cost.ToDisk:N0}");

    private static void Line(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private sealed record Cost(double Rate, double Cpu, double Kernel, double Given, double ToDisk);
}
