using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Control;
using Signet.Web;

namespace Signet.Bench;

/// <summary>
/// What a device costs its center: memory, processor, bytes on the wire and on the disk. The center with its broker and console is this process, alone; the devices (the whole program around each)
/// are other processes, told from a folder of homes. One size a run, in real time.
/// </summary>
internal static class FleetCost
{
    private const int PerProcess = 1_250, Warm = 200;

    // Connections are noted in the audit log up to half a minute later, and the checkpoint over them goes to every device, is cosigned and handed on: a day has few such minutes. So long nothing was written.
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(15);

    /// <summary>The devices' process: every home of a list, until its input ends.</summary>
    public static async Task<int> DevicesAsync(Arguments args)
    {
        await using var devices = new SimulatedDevices(TimeProvider.System);
        foreach (var home in await File.ReadAllLinesAsync(args.Text("homes")!))
        {
            devices.SwitchOn(home);
            await Task.Delay(2);   // a fleet that was switched on by hand, not a storm
        }
        while (await Console.In.ReadLineAsync() is not null) { }
        return 0;
    }

    public static async Task<int> RunAsync(Arguments args)
    {
        var (count, seconds, pace) = (args.Number("devices", 100), args.Number("seconds", 60), DevicePace.Of(args, 10));
        var directory = System.IO.Directory.CreateTempSubdirectory("signet-fleet-").FullName;
        using var random = RandomNumberGenerator.Create();
        try
        {
            var data = Path.Combine(directory, "data");
            await Installation.CreateAsync(data, new(), TimeProvider.System, random);
            var center = await CommandCenter.OpenAsync(new() { DataDirectory = data, MqttPort = 0 }, TimeProvider.System, random, NullLoggerFactory.Instance);
            await center.StartAsync();
            var console = await WebConsole.StartAsync(center, new() { ConsolePort = 0, PkiPort = 0, AuthPort = 0 }, NullLoggerFactory.Instance);
            // What is compiled and cached once is no device's cost: some come and go first.
            await AddAsync(center, directory, "warm", Warm, pace);
            await using (await LoadAsync(center, directory, "warm", Warm)) await Task.Delay(TimeSpan.FromSeconds(Math.Min(30, seconds)));
            await UntilAsync(() => center.Status().DevicesOnline == 0, "the first devices are gone");
            await QuietAsync(center);
            var (empty, emptyHeap) = Held();
            // What the house does with nobody there belongs to no device.
            var (idleCpu, idleBegan) = (Cpu(), Stopwatch.GetTimestamp());
            await Task.Delay(Quiet);
            var idle = (Cpu() - idleCpu) / Stopwatch.GetElapsedTime(idleBegan).TotalSeconds;
            var added = Stopwatch.GetTimestamp();
            await AddAsync(center, directory, "dev", count, pace);
            var adding = Stopwatch.GetElapsedTime(added);
            var known = Held();
            var joined = Stopwatch.GetTimestamp();
            await using (await LoadAsync(center, directory, "dev", count))
            {
                var joining = Stopwatch.GetElapsedTime(joined);
                await QuietAsync(center);
                var entries = center.Audit.Size;
                var (cpu, wire, disk, written, began) = (Cpu(), Wire(center), Rows(data), Written(), Stopwatch.GetTimestamp());
                await Task.Delay(TimeSpan.FromSeconds(seconds));
                var time = Stopwatch.GetElapsedTime(began).TotalSeconds;
                var day = 86_400 / time / count;
                var (usedCpu, usedWire, usedDisk, usedWritten) = (Cpu() - cpu, Wire(center) - wire, Rows(data) - disk, Written() - written);
                var (full, fullHeap) = Held();
                var online = center.Status().DevicesOnline;
                usedCpu -= idle * time;
                Line($"| {count} | {(full - empty) / 1024.0 / count:0} | {(fullHeap - emptyHeap) / 1024.0 / count:0} | {(known.Heap - emptyHeap) / 1024.0 / count:0.0} | {usedCpu / time / count * 1e6:0} | {usedWire * day / 1e6:0.0} | {usedDisk * day / 1e6:0.00} | {usedWritten * day / 1e6:0.0} | {online} online; added in {adding.TotalSeconds:0} s, joined in {joining.TotalSeconds:0} s, the empty house takes {idle * 100:0.0} % of a core and {empty / 1e6:0} MB, these {usedCpu / time * 100:0} % more, {full / 1e6:0} MB in all; {center.Audit.Size - entries} audit entries meanwhile |");
            }
            await console.DisposeAsync();
            await center.StopAsync();
            return 0;
        }
        finally
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }
    }

    public static void Head() => Console.WriteLine("| devices | resident KiB each | heap KiB each | of it known but away | CPU us a second each | MB on the wire a day each | MB of rows a day each | MB written a day each | |\n|---|---|---|---|---|---|---|---|---|");

    private static async Task AddAsync(CommandCenter center, string directory, string prefix, int count, DevicePace pace)
    {
        var homes = System.IO.Directory.CreateDirectory(Path.Combine(directory, "homes")).FullName;
        // Some at once: one after the other waits mostly for the disk.
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, cancellation) =>
        {
            var name = $"{prefix}-{i.ToString(CultureInfo.InvariantCulture)}";
            if ((await center.Fleet.AddAsync(new(name, "thermostat"), Actor.Terminal, cancellation)).Refusal is { } refusal) throw new InvalidOperationException(refusal.Message);
            System.IO.Directory.Move(center.Installation.DeviceDirectory(name), Path.Combine(homes, name));
            SimulatedDevices.Set(Path.Combine(homes, name), pace);
        });
    }

    private static async Task<IAsyncDisposable> LoadAsync(CommandCenter center, string directory, string prefix, int count)
    {
        var load = new Load();
        foreach (var some in Enumerable.Range(0, count).Select(i => Path.Combine(directory, "homes", $"{prefix}-{i.ToString(CultureInfo.InvariantCulture)}")).Chunk(PerProcess))
        {
            var list = Path.Combine(directory, Path.GetRandomFileName());
            await File.WriteAllLinesAsync(list, some);
            load.Add(Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [typeof(FleetCost).Assembly.Location, "devices", "--homes", list]) { RedirectStandardInput = true, UseShellExecute = false })!);
        }
        try
        {
            await UntilAsync(() => center.Status().DevicesOnline >= count, $"{count} devices are online");
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}; {center.Status().DevicesOnline} are", e);
        }
        return load;
    }

    /// <summary>The log is covered by its checkpoint, and nothing was written for a while. At ten entries a second who has connected takes minutes.</summary>
    private static async Task QuietAsync(CommandCenter center)
    {
        for (var (size, since, began) = (-1L, 0L, Stopwatch.GetTimestamp()); size < 0 || Stopwatch.GetElapsedTime(since) < Quiet; await Task.Delay(100))
        {
            if (Stopwatch.GetElapsedTime(began) > TimeSpan.FromMinutes(15)) throw new TimeoutException("the log does not come to rest");
            if (size == center.Audit.Size && center.Audit.LatestCheckpoint?.Size == size) continue;
            (size, since) = (center.Audit.Size, Stopwatch.GetTimestamp());
        }
    }

    private static async Task UntilAsync(Func<bool> isDone, string what)
    {
        for (var i = 0; !isDone(); i++)
        {
            if (i > 3_000) throw new TimeoutException($"it did not come true: {what}");
            await Task.Delay(100);
        }
    }

    private static (long Resident, long Heap) Held()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
        using var self = Process.GetCurrentProcess();
        return (self.WorkingSet64, GC.GetTotalMemory(forceFullCollection: true));
    }

    private static double Cpu()
    {
        using var self = Process.GetCurrentProcess();
        return self.TotalProcessorTime.TotalSeconds;
    }

    private static long Wire(CommandCenter center)
    {
        var totals = center.Broker.Totals();
        return totals.BytesIn + totals.BytesOut;
    }

    /// <summary>Bytes of pages in use: what the rows take, whatever lies in write-ahead logs.</summary>
    private static long Rows(string data) => System.IO.Directory.EnumerateFiles(data, "*.db", SearchOption.AllDirectories).Sum(path =>
    {
        using var reader = Process.Start(new ProcessStartInfo("sqlite3", ["-readonly", path, "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count, pragma_freelist_count, pragma_page_size"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        return long.Parse(reader.StandardOutput.ReadToEnd(), CultureInfo.InvariantCulture);
    });

    private static long Written() => long.Parse(File.ReadLines("/proc/self/io").First(l => l.StartsWith("write_bytes", StringComparison.Ordinal)).Split(' ')[1], CultureInfo.InvariantCulture);

    private static void Line(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private sealed class Load : IAsyncDisposable
    {
        private readonly List<Process> _processes = [];

        public void Add(Process process) => _processes.Add(process);

        public async ValueTask DisposeAsync()
        {
            foreach (var process in _processes) process.StandardInput.Close();
            foreach (var process in _processes)
            {
                using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
                await process.WaitForExitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!process.HasExited) process.Kill();
                process.Dispose();
            }
        }
    }
}
