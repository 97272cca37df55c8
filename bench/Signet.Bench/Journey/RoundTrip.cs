using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;

namespace Signet.Bench;

/// <summary>
/// From a command to its verified receipt over mutual TLS 1.3, beside a plain request and its answer without any of it on the same broker; everything in this process. First without any durable log
/// (journal and databases in memory) and the parts of it alone, then the whole center with its logs in memory and on the disk: the difference is the fsync.
/// Measured twice: one directly after the other, in short blocks by turns, and one at a time after a pause, as commands come from people. Threads that have slept are woken later than threads
/// that have just run: a request that follows another feels less of it the shorter it is.
/// </summary>
internal static class RoundTrip
{
    private const int Block = 25;

    public static async Task<int> RunAsync(Arguments arguments)
    {
        var (blocks, paced, pause) = (arguments.Number("blocks", 80), arguments.Number("paced", 200), TimeSpan.FromMilliseconds(arguments.Number("pause", 20)));
        var memory = Directory.CreateDirectory($"/dev/shm/signet-bench-{Environment.ProcessId}").FullName;
        var disk = Directory.CreateTempSubdirectory("signet-bench-").FullName;
        try
        {
            using var random = RandomNumberGenerator.Create();
            await using var plain = await PlainRequest.StartAsync(null, random);
            await using var overTls = await PlainRequest.StartAsync(Path.Combine(memory, "tls"), random);
            using var small = new Signatures(rsa: false);
            using var large = new Signatures(rsa: true);
            await using var signedSmall = await PlainRequest.StartAsync(Path.Combine(memory, "tls-es"), random, small);
            await using var signedLarge = await PlainRequest.StartAsync(Path.Combine(memory, "tls-ps"), random, large);
            await using var log = new BareRows(Signet.Store.DatabaseSource.Sqlite(Path.Combine(memory, "log.db")));
            await using var states = new BareRows(Signet.Store.DatabaseSource.Sqlite(Path.Combine(memory, "states.db")));
            await using var recordedSmall = await PlainRequest.StartAsync(Path.Combine(memory, "tls-es-rows"), random, small, (log, states));
            await using var recordedLarge = await PlainRequest.StartAsync(Path.Combine(memory, "tls-ps-rows"), random, large, (log, states));
            await using var es256 = await Pipeline.StartAsync(Path.Combine(memory, "es"), rsa: false);
            await using var ps256 = await Pipeline.StartAsync(Path.Combine(memory, "ps"), rsa: true);
            await using var inMemory = await WholeCenter.StartAsync(Path.Combine(memory, "house"));
            await using var onDisk = await WholeCenter.StartAsync(Path.Combine(disk, "house"));
            (string Name, Func<Task> Once)[] ways =
            [
                ("plain MQTT 5 over TCP, QoS 1, no security", plain.OnceAsync),
                ("part: the same over mutual TLS, with as many bytes as command and receipt, unsigned", overTls.OnceAsync),
                ("part: the four signatures bare, ES256", small.AllAsync),
                ("part: the four signatures bare, PS256 and ES256", large.AllAsync),
                ("floor: mutual TLS with the four bare signatures at their places, ES256", signedSmall.OnceAsync),
                ("floor: mutual TLS with the four bare signatures at their places, PS256 and ES256", signedLarge.OnceAsync),
                ("floor: the same and four commits of one bare row each in memory, two before the command leaves and two before its receipt counts, ES256", recordedSmall.OnceAsync),
                ("floor: the same, PS256 and ES256", recordedLarge.OnceAsync),
                ("part: ES256 command, the whole device, receipt, without a broker", es256.WithoutBrokerAsync),
                ("ES256 command and receipt, mutual TLS, device journal in memory", es256.OnceAsync),
                ("PS256 command, ES256 receipt, mutual TLS, device journal in memory", ps256.OnceAsync),
                ("the whole center (PS256), audit log and databases in memory", inMemory.OnceAsync),
                ("the whole center (PS256), audit log and databases on the disk", onDisk.OnceAsync),
            ];
            if (arguments.Text("only") is { } only) ways = [.. ways.Where(w => w.Name.Contains(only, StringComparison.Ordinal))];
            await WarmUpAsync(ways);
            if (blocks > 0) Show($"{blocks * Block} each, one directly after the other, the ways by turns in blocks of {Block}", ways, await ByTurnsAsync(ways, blocks, Block, TimeSpan.Zero));
            if (paced > 0) Show($"{paced} each, one every {pause.TotalMilliseconds:0} ms, the ways by turns", ways, await ByTurnsAsync(ways, paced, 1, pause));
            return 0;
        }
        finally
        {
            Directory.Delete(memory, recursive: true);
            Directory.Delete(disk, recursive: true);
        }
    }

    /// <summary>Milliseconds of each request, in the order of size, and the processor time of all of a way's.</summary>
    private static async Task<(List<double> Times, TimeSpan Processor)[]> ByTurnsAsync((string Name, Func<Task> Once)[] ways, int rounds, int block, TimeSpan pause)
    {
        var taken = ways.Select(_ => (Times: new List<double>(rounds * block), Processor: TimeSpan.Zero)).ToArray();
        for (var round = -Settling; round < rounds; round++)
            for (var way = 0; way < ways.Length; way++)
            {
                if (pause > TimeSpan.Zero) await Task.Delay(pause);
                var before = Environment.CpuUsage.TotalTime;
                for (var i = 0; i < block; i++)
                {
                    var began = Stopwatch.GetTimestamp();
                    await ways[way].Once();
                    if (round >= 0) taken[way].Times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                }

                if (round >= 0) taken[way].Processor += Environment.CpuUsage.TotalTime - before;
            }

        foreach (var (times, _) in taken) times.Sort();
        return taken;
    }

    /// <summary>Rounds before the first that counts, once everything is compiled.</summary>
    private const int Settling = 4;
    private const int WarmBlocks = 40, FewMethods = 15;

    /// <summary>A center runs for weeks: what is measured is its code as it is then. Goes on until the runtime has next to nothing left to compile anew (tiered compilation), at most three minutes.</summary>
    private static async Task WarmUpAsync((string Name, Func<Task> Once)[] ways)
    {
        var began = Stopwatch.GetTimestamp();
        long compiled;
        do
        {
            compiled = System.Runtime.JitInfo.GetCompiledMethodCount();
            for (var block = 0; block < WarmBlocks; block++)
                foreach (var (_, once) in ways)
                    for (var i = 0; i < Block; i++) await once();
        }
        while (System.Runtime.JitInfo.GetCompiledMethodCount() - compiled > FewMethods && Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(3));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"warm after {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s: {System.Runtime.JitInfo.GetCompiledMethodCount()} methods compiled, {System.Runtime.JitInfo.GetCompiledMethodCount() - compiled} of them in the last {WarmBlocks * Block} of each way"));
    }

    private static void Show(string how, (string Name, Func<Task> Once)[] ways, (List<double> Times, TimeSpan Processor)[] taken)
    {
        Console.WriteLine($"\n{how}\n\n| way | p50 ms | p99 ms | p50 to plain | processor ms each |\n|---|---|---|---|---|");
        for (var way = 0; way < ways.Length; way++)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {ways[way].Name} | {At(taken[way].Times, 0.5):0.000} | {At(taken[way].Times, 0.99):0.000} | **{At(taken[way].Times, 0.5) / At(taken[0].Times, 0.5):0.0}** | {taken[way].Processor.TotalMilliseconds / taken[way].Times.Count:0.00} |"));
    }

    private static double At(List<double> sorted, double share) => sorted[(int)(sorted.Count * share)];
}
