using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Audit;
using Signet.Proof;
using Signet.Store;

namespace Signet.Bench;

/// <summary>
/// The audit log against the bare database: the same rows in the same batches through the same group-commit writer, side by side in one run, alternately.
/// Every figure is printed with what it stands beside; nothing is asserted.
/// </summary>
internal static class AuditBench
{
    public static async Task<int> RunAsync(Arguments args)
    {
        var directory = Directory.CreateTempSubdirectory("signet-bench-").FullName;
        try
        {
            switch (args.Text("what") ?? "append")
            {
                case "append":
                    await using (var postgres = args.Has("postgres") ? await OwnPostgres.ForAsync(args) : null)
                        await AppendAsync(directory, args.Number("producers", 64), args.Number("rounds", 3), TimeSpan.FromSeconds(args.Number("seconds", 3)), postgres?.Address, args.Text("only"));
                    break;
                case "latency": await LatencyAsync(directory, args.Number("rate", 10_000), TimeSpan.FromSeconds(args.Number("seconds", 10))); break;
                case "verify": await VerifyAsync(directory, args.Number("entries", 1_000_000)); break;
                case "search": await SearchAsync(directory, args.Number("entries", 1_000_000), args.Number("rounds", 30)); break;
                case "grow": await AuditGrowth.RunAsync(directory, args.Number("entries", 10_000_000), !args.Has("no-search")); break;
                default: return 2;
            }
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    // Three side by side: the bare rows through the driver, the bare rows the way the log inserts them, and the log.
    private static async Task AppendAsync(string directory, int producers, int rounds, TimeSpan time, PostgresAddress? postgres, string? only)
    {
        var forms = new (string Name, Func<int, Task<(double Rate, double Cpu)>> Run, List<(double Rate, double Cpu)> Seen)[]
        {
            ("bare, through the driver", round => BareAsync(Source(directory, $"driver-{round}", postgres), producers, time, isDriver: true), []),
            ("bare, inserted as the log does", round => BareAsync(Source(directory, $"bare-{round}", postgres), producers, time, isDriver: false), []),
            ("log without its search index", round => LogAsync(Path.Combine(directory, $"plain-{round}"), producers, time, postgres is null ? null : Source(directory, $"plain-{round}", postgres), indexed: false), []),
            ("log", round => LogAsync(Path.Combine(directory, $"log-{round}"), producers, time, postgres is null ? null : Source(directory, $"log-{round}", postgres)), []),
        };
        if (only is not null) forms = [.. forms.Where(form => form.Name == only)];   // for a profile: nothing else in it
        for (var round = 0; round <= rounds; round++)   // the first one warms up
            foreach (var form in forms)
            {
                var seen = await form.Run(round);
                if (round > 0) form.Seen.Add(seen);
            }
        var log = Median(forms[^1].Seen, s => s.Rate);
        foreach (var (name, _, seen) in forms)
            Line($"{(postgres is null ? "SQLite" : "PostgreSQL")}, {producers} producers, median of {rounds}: {name} {Median(seen, s => s.Rate):N0}/s ({seen.Min(s => s.Rate):N0}-{seen.Max(s => s.Rate):N0}), CPU {Median(seen, s => s.Cpu):0.0} us each, the log does {log / Median(seen, s => s.Rate):0.00} of it");
    }

    private static DatabaseSource Source(string directory, string name, PostgresAddress? postgres) => postgres is null ? DatabaseSource.Sqlite(Path.Combine(directory, name + ".db"))
        : DatabaseSource.Postgres(postgres, "bench_" + name.Replace('-', '_') + "_" + Environment.ProcessId.ToString(CultureInfo.InvariantCulture));

    // What a form wrote goes as soon as it was measured: the next one then finds memory for its pages that the machine has already touched, as a machine that runs for long does.
    private static async Task<(double, double)> LogAsync(string directory, int producers, TimeSpan time, DatabaseSource? source, bool indexed = true)
    {
        try
        {
            using var random = RandomNumberGenerator.Create();
            await using var log = await AuditLog.OpenAsync(new AuditOptions { Directory = directory, Database = source, ReserveBytes = 0, Indexed = indexed }, TimeProvider.System, random);
            return await DriveAsync(producers, time, i => log.AppendAsync(Record(i)).AsTask());
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<(double, double)> BareAsync(DatabaseSource source, int producers, TimeSpan time, bool isDriver)
    {
        try
        {
            await using var rows = new BareRows(source, isDriver);
            return await DriveAsync(producers, time, _ => rows.WriteAsync());
        }
        finally
        {
            if (source.Path is { } path)
                foreach (var file in new[] { path, path + "-wal", path + "-shm" }) File.Delete(file);
        }
    }

    /// <returns>Entries a second, and microseconds of this process's CPU for each.</returns>
    private static async Task<(double Rate, double Cpu)> DriveAsync(int producers, TimeSpan time, Func<int, Task> append)
    {
        var count = 0L;
        var cpu = Environment.CpuUsage.TotalTime;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, producers).Select(producer => Task.Run(async () =>
        {
            for (var i = producer; clock.Elapsed < time; i += producers)
            {
                await append(i);
                Interlocked.Increment(ref count);
            }
        })));
        return (count / clock.Elapsed.TotalSeconds, (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / count);
    }

    private static async Task LatencyAsync(string directory, int rate, TimeSpan time)
    {
        using var random = RandomNumberGenerator.Create();
        await using var log = await AuditLog.OpenAsync(new AuditOptions { Directory = directory, ReserveBytes = 0 }, TimeProvider.System, random);
        const int producers = 64;
        var latencies = new List<double>[producers];
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, producers).Select(producer => Task.Run(async () =>
        {
            var mine = latencies[producer] = [];
            // Each entry has its time; one that comes late counts from the time it was due.
            for (var i = 0L; ; i++)
            {
                var due = TimeSpan.FromSeconds((i * producers + producer) / (double)rate);
                if (due > time) return;
                if (due - clock.Elapsed is { } wait && wait > TimeSpan.FromMilliseconds(1)) await Task.Delay(wait);
                await log.AppendAsync(Record((int)i));
                mine.Add((clock.Elapsed - due).TotalMilliseconds);
            }
        })));
        var all = latencies.SelectMany(l => l).Order().ToList();
        Line($"{rate:N0}/s for {time.TotalSeconds:0} s: {all.Count:N0} entries, p50 {all[all.Count / 2]:0.00} ms, p99 {all[(int)(all.Count * 0.99)]:0.00} ms, p99.9 {all[(int)(all.Count * 0.999)]:0.00} ms, most {all[^1]:0.0} ms (from the moment each was due)");
    }

    private static async Task VerifyAsync(string directory, int entries)
    {
        using var random = RandomNumberGenerator.Create();
        byte[] first = [];
        await FillAsync(directory, random, entries, key => first = key.ToArray());
        var bodies = new List<byte[]>();
        using (var log = await AuditLog.OpenAsync(new AuditOptions { Directory = directory, ReserveBytes = 0 }, TimeProvider.System, random) is var opened ? new Closing(opened) : null!)
            foreach (var entry in await log.Log.AfterAsync(0, 200_000)) bodies.Add(entry.Body.ToArray());
        for (var round = 0; round < 5; round++)
        {
            using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, first);
            var hash = new byte[32];
            var bareClock = Stopwatch.StartNew();
            foreach (var body in bodies)
            {
                SHA256.HashData(body, hash);
                hmac.AppendData(body);
                hmac.GetHashAndReset(hash);
            }
            var bare = bodies.Count / bareClock.Elapsed.TotalSeconds;
            using var key = new ForwardKey(first, 0);
            bareClock.Restart();
            foreach (var body in bodies)
            {
                _ = Digest.Sha256(body);
                _ = key.Mac(body);
            }
            var own = bodies.Count / bareClock.Elapsed.TotalSeconds;
            var clock = Stopwatch.StartNew();
            var verdict = AuditOffline.Verify(directory, firstKey: first);
            var rate = verdict.Entries / clock.Elapsed.TotalSeconds;
            clock.Restart();
            var sealedOnly = AuditOffline.Verify(directory).Entries / clock.Elapsed.TotalSeconds;
            Line($"sealed parts by their signed roots: {sealedOnly:N0} entries/s");
            Line($"{verdict.Summary}, every HMAC with the first key: {rate:N0} entries/s; bare SHA-256 + HMAC of the platform over the same bodies {bare:N0}/s; ratio {rate / bare:0.00}; the same two with the calls the log makes {own:N0}/s, ratio {rate / own:0.00}; peak {Process.GetCurrentProcess().PeakWorkingSet64 >> 20} MiB");
        }
    }

    // What a page asks, at the log itself: newest entries, then each kind of filter; the rare ones stand at the very bottom.
    private static async Task SearchAsync(string directory, int entries, int rounds)
    {
        using var random = RandomNumberGenerator.Create();
        await using var log = await AuditLog.OpenAsync(new AuditOptions { Directory = directory, ReserveBytes = 0, SegmentEntries = 1_000_000_000 }, TimeProvider.System, random);
        await log.AppendAsync(new(AuditTypes.Security, "mallory", "gate-1", "door-forced", "failed", "crowbar"));
        var filling = Stopwatch.StartNew();
        await AppendManyAsync(log, entries);
        var filled = filling.Elapsed;
        while (log.Size - log.Searchable >= 512) await Task.Delay(20);
        Line($"{entries:N0} entries in {filled.TotalSeconds:0.0} s, indexed {(filling.Elapsed - filled).TotalSeconds:0.0} s later; search.db {new FileInfo(Path.Combine(directory, "search.db")).Length >> 20} MiB beside {new FileInfo(Path.Combine(directory, "audit.db")).Length >> 20} MiB");
        AuditFilter[] filters =
        [
            new(), new() { Type = "command" }, new() { Type = "security" }, new() { Type = "auth" }, new() { Actor = "mallory" }, new() { Subject = "gate-1", Outcome = "failed" }, new() { Text = "crowbar" }, new() { Text = "no-such-text" },
            new() { Text = $"\"sequence\":{entries / 2}" }, new() { Text = "zz" }, new() { To = (await log.FindAsync(100))!.Time },
        ];
        foreach (var filter in filters)
        {
            var times = new List<double>();
            AuditPage page = null!;
            for (var round = -3; round < rounds; round++)
            {
                var clock = Stopwatch.StartNew();
                page = await log.QueryAsync(filter);
                if (round >= 0) times.Add(clock.Elapsed.TotalMilliseconds);
            }
            times.Sort();
            var wanted = string.Join(", ", new[] { filter.Type, filter.Actor, filter.Subject, filter.Outcome, filter.Text, filter.To is null ? null : "before the 100th entry" }.Where(w => w is not null));
            Line($"  {(wanted.Length == 0 ? "no filter" : wanted),-28} p50 {times[times.Count / 2]:0.0} ms, p95 {times[(int)(times.Count * 0.95)]:0.0} ms, found {page.Entries.Count}, {(page.Next is null ? "to the beginning" : "a page")}");
        }
    }

    private static async Task FillAsync(string directory, RandomNumberGenerator random, int entries, Action<ReadOnlyMemory<byte>> key)
    {
        await using var log = await AuditLog.OpenAsync(new AuditOptions { Directory = directory, ReserveBytes = 0, ExportFirstKey = key, SegmentEntries = 1_000_000_000 }, TimeProvider.System, random);
        await AppendManyAsync(log, entries);
    }

    internal static Task AppendManyAsync(AuditLog log, int entries) => Task.WhenAll(Enumerable.Range(0, 256).Select(producer => Task.Run(async () =>
    {
        for (var i = producer; i < entries; i += 256) await log.AppendAsync(Record(i));
    })));

    private static AuditRecord Record(int i) => new(AuditTypes.Command, "operator-1", "thermostat-1", "command-sent", "recorded", "", new JsonObject { ["id"] = "01JDEXAMPLE0000000000000000", ["command"] = "set-temperature", ["sequence"] = i });

    internal static EntryDraft Draft(int i)
    {
        var record = Record(i);
        return EntryDraft.Create(record.Type, record.Actor, record.Subject, record.Action, record.Outcome, record.Reason, record.Details, null);
    }

    private static double Median<T>(List<T> values, Func<T, double> of) => values.Select(of).Order().ElementAt(values.Count / 2);

    private static void Line(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));

    private sealed class Closing(AuditLog log) : IDisposable
    {
        public AuditLog Log { get; } = log;
        public void Dispose() => Log.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
