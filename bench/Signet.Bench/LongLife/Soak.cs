using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Signet.Audit;
using Signet.Control;
using Signet.Proof;
using Signet.Store;

namespace Signet.Bench;

/// <summary>
/// A long time in a short one: the whole house and its fleet under a clock that runs ahead, through renewals, rotations, log segments, retention, the schedule, sleeping devices and reconnect
/// storms. At the end nothing may be lost, the log must verify, and memory and latency must be as they were after the first hours.
/// Simulated time stands for timers and clocks; sockets, disk, TLS and signatures are real, so the clock is held to real time while a command is on its way or devices reconnect: a real
/// answer would else come too late in simulated time.
/// </summary>
internal sealed class Soak
{
    private int Samples => _isShort ? 12 : 24;
    private static readonly TimeSpan Gentle = TimeSpan.FromMilliseconds(20);
    private readonly SoakHouse _house;
    private readonly TimeSpan _time, _within, _limit;
    private TimeSpan _reached;
    private readonly bool _isShort;
    private readonly int _step;
    private readonly List<double> _latencies = [];
    private readonly List<string> _lost = [];
    private readonly List<(string Id, DateTimeOffset NotBefore)> _kept = [];
    private readonly List<SoakSample> _samples = [];
    private readonly Random _random = new(1);
    private long _sent;
    private int _storms;
    private long _checkpoint;

    private Soak(SoakHouse house, TimeSpan time, TimeSpan within, TimeSpan limit, int step, bool isShort) => (_house, _time, _within, _limit, _step, _isShort, _reached) = (house, time, within, limit, step, isShort, time);

    public static async Task<int> RunAsync(Arguments args)
    {
        var isShort = args.Has("short");
        var (devices, hours, seconds) = (args.Number("devices", isShort ? 50 : 1_000), args.Number("hours", isShort ? 1 : 24), args.Number("seconds", isShort ? 20 : 1_080));
        var directory = System.IO.Directory.CreateTempSubdirectory("signet-soak-").FullName;
        var began = Stopwatch.GetTimestamp();
        try
        {
            var (time, pace, step) = (TimeSpan.FromHours(hours), isShort ? DevicePace.Of(args, 60) : DevicePace.Of(args, 60, 300, 300), args.Number("step", isShort ? 1 : 3));
            if (step < 1 || 60 % step != 0) throw new ArgumentException("--step divides a minute: 1, 2, 3, 4, 5 or 6 seconds");
            var postgres = args.Text("postgres") is { Length: > 0 } connection ? PostgresAddress.Parse(connection) : null;
            await using var house = await SoakHouse.MakeAsync(directory, devices, time, pace, postgres);
            Say($"{devices} devices made in {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s: {pace}; {hours} h in steps of {step} s, within some {seconds} s; MALLOC_ARENA_MAX={Environment.GetEnvironmentVariable("MALLOC_ARENA_MAX") ?? "(not set)"}");
            var soak = new Soak(house, time, TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(args.Number("limit", 0)), step, isShort);
            await soak.LiveAsync();
            var problems = await soak.JudgeAsync();
            soak.Print(devices, Stopwatch.GetElapsedTime(began), problems, args.Has("json"));
            return problems.Count == 0 ? 0 : 1;
        }
        finally
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }
    }

    private async Task LiveAsync()
    {
        await AllOnlineAsync("at the start");
        var begin = Stopwatch.GetTimestamp();
        var (end, next) = ((long)_time.TotalSeconds, 0);
        var sleepers = Array.Empty<string>();
        for (var second = 0L; ; second += _step)
        {
            var (hour, minute) = (second / 3600, second % 3600 / 60);
            var isMinute = second % 60 == 0;
            if (isMinute && minute % 10 == 0) await CommandsAsync();
            if (isMinute && minute == 5) await PlanAsync();
            if (isMinute && minute == 15) sleepers = await FallAsleepAsync();
            if (isMinute && minute == 35) await WakeAsync(sleepers);
            if (isMinute && (_time < TimeSpan.FromHours(4) ? minute is 25 or 45 : minute == 45 && hour % 4 == 3)) await StormAsync();
            if (isMinute && minute == 55 && hour == end / 3600 / 3) await RotateAsync(root: false);
            if (isMinute && minute == 55 && hour == end / 3600 * 2 / 3) await RotateAsync(root: true);
            if (second >= next * end / Samples)
            {
                Take(second / 3600.0);
                next++;
            }
            if (second == end) break;
            // At a whole hour nobody sleeps and nothing is planned: a slow machine ends there, and says how far it came.
            if (second % 3600 == 0 && second > 0 && _limit > TimeSpan.Zero && Stopwatch.GetElapsedTime(begin) > _limit)
            {
                _reached = TimeSpan.FromSeconds(second);
                break;
            }
            using (_spent.Of("the clock")) _house.Clock.Advance(TimeSpan.FromSeconds(_step));
            if (_house.IsRenewing) await GentlyAsync(() => !_house.IsRenewing, "a renewal");
            if (_house.Center.Audit.LatestCheckpoint?.Size is { } size && size != _checkpoint)
            {
                _checkpoint = size;
                await GentlyAsync(() => _house.Center.Audit.LatestCheckpoint?.Size != size || _house.Center.Witnesses.Now().Current >= _house.Devices.Running.Count, "the fleet's cosignatures");
            }
            await SettleAsync(begin, (second + _step) * (_within / end));
        }
    }

    /// <summary>Lets what the step set off be done, and keeps the pace.</summary>
    private async Task SettleAsync(long begin, TimeSpan due)
    {
        using var spent = _spent.Of("what a step sets off");
        // Nothing moves: no work is queued, no timer's work runs, no byte has passed the broker for a moment, and the processor had little to do in it (work that began counts as queued no more).
        for (var (quiet, passed, cpu, looked) = (0, 0L, Environment.CpuUsage.TotalTime, Stopwatch.GetTimestamp()); quiet < 2;)
        {
            await Task.Delay(1);
            var totals = _house.Center.Broker.Totals();
            var (now, used) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            var isQuiet = ThreadPool.PendingWorkItemCount == 0 && _house.Clock.Running == 0 && passed == totals.BytesIn + totals.BytesOut && used - cpu < Stopwatch.GetElapsedTime(looked, now) / 3;
            (passed, cpu, looked) = (totals.BytesIn + totals.BytesOut, used, now);
            quiet = isQuiet ? quiet + 1 : 0;
        }
        if (due - Stopwatch.GetElapsedTime(begin) is var wait && wait > TimeSpan.FromMilliseconds(1)) await Task.Delay(wait);
    }

    /// <summary>The clock goes as fast as real time, or <paramref name="faster"/> times as fast, until something is done.</summary>
    private async Task GentlyAsync(Func<bool> isDone, string what, int faster = 1)
    {
        using var spent = _spent.Of(what);
        var begin = Stopwatch.GetTimestamp();
        while (!isDone())
        {
            if (Stopwatch.GetElapsedTime(begin) > TimeSpan.FromMinutes(2))
            {
                _lost.Add($"waited two minutes for {what}");
                Say($"NOT in time: {what}; {string.Join("; ", _house.Devices.Warnings.TakeLast(3))}");
                return;
            }
            _house.Clock.Advance(Gentle * faster);
            await Task.Delay(Gentle);
        }
    }

    private Task AllOnlineAsync(string when) => GentlyAsync(() => _house.Center.Fleet.List().All(d => d.CanReceive || !_house.Devices.Running.Contains(d.Name)), $"every device being online {when}", 2);

    private async Task CommandsAsync()
    {
        var there = _house.Center.Fleet.List().Where(d => d.CanReceive).Select(d => (d.Name, d.Kind)).ToArray();
        _random.Shuffle(there);
        var ids = new ConcurrentBag<double>();
        var lost = new ConcurrentBag<string>();
        var chosen = there.Take(Math.Max(10, _house.Names.Count / 20)).ToArray();
        // Sixteen people at once, as one batch after the other.
        var sending = Task.WhenAll(Enumerable.Range(0, 16).Select(person => Task.Run(async () =>
        {
            for (var i = person; i < chosen.Length; i += 16)
            {
                var began = Stopwatch.GetTimestamp();
                var draft = i % 2 == 0 || chosen[i].Kind != "valve" ? new CommandDraft(chosen[i].Name, "check-status") : new(chosen[i].Name, "set-position", new JsonObject { ["percent"] = i % 101 });
                var sent = await _house.Center.Commands.SendAsync(draft, SoakHouse.Operator);
                if (!sent.TryGet(out var view, out var refusal))
                {
                    // A device may be renewing just now: refused at once and told so is not lost.
                    if (refusal.Code != RefusalCode.NoActiveConnection) lost.Add($"{chosen[i].Name}: {refusal.Message}");
                    continue;
                }
                Interlocked.Increment(ref _sent);
                var end = await _house.Center.Commands.WaitAsync(view.Id, TimeSpan.FromSeconds(20));
                if (end?.State == "executed") ids.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }
        })));
        await GentlyAsync(() => sending.IsCompleted, "commands");
        await sending;
        _latencies.AddRange(ids);
        _lost.AddRange(lost);
    }

    /// <summary>For later: ten commands in twenty minutes.</summary>
    private async Task PlanAsync()
    {
        var at = _house.Clock.GetUtcNow() + TimeSpan.FromMinutes(20);
        foreach (var name in _house.Names.Where(n => _house.Devices.Running.Contains(n)).OrderBy(_ => _random.Next()).Take(10)) await KeepAsync(new(name, "check-status", NotBefore: at, Wait: TimeSpan.FromMinutes(20)), at);
    }

    /// <summary>Five devices go to sleep, and something waits for each.</summary>
    private async Task<string[]> FallAsleepAsync()
    {
        var sleepers = _house.Names.Where(n => _house.Devices.Running.Contains(n)).OrderBy(_ => _random.Next()).Take(5).ToArray();
        var switching = Task.WhenAll(sleepers.Select(_house.Devices.SwitchOffAsync));
        await GentlyAsync(() => switching.IsCompleted, "devices going to sleep");
        await switching;
        foreach (var name in sleepers) await KeepAsync(new(name, "check-status", Wait: TimeSpan.FromHours(1)), _house.Clock.GetUtcNow());
        return sleepers;
    }

    private async Task KeepAsync(CommandDraft draft, DateTimeOffset notBefore)
    {
        var kept = await _house.Center.Commands.SendAsync(draft, SoakHouse.Operator);
        if (kept.TryGet(out var view, out var refusal)) _kept.Add((view.Id, notBefore));
        else _lost.Add(refusal.Message);
    }

    private async Task WakeAsync(string[] sleepers)
    {
        foreach (var name in sleepers) _house.SwitchOn(name);
        await AllOnlineAsync("after sleeping");
    }

    /// <summary>Everybody at once: sessions cut by an operator, and the center started again, in turn.</summary>
    private async Task StormAsync()
    {
        if (_storms++ % 2 == 0)
        {
            foreach (var name in _house.Names) await _house.Center.Broker.KickAsync(name, null, SoakHouse.Operator with { Role = Access.Role.Admin });
        }
        else
        {
            var again = AgainAsync();
            await GentlyAsync(() => again.IsCompleted, "the center starting again");
            await again;
        }
        var began = Stopwatch.GetTimestamp();
        await AllOnlineAsync("after a storm");
        Say($"storm {_storms} ({(_storms % 2 == 1 ? "all sessions cut" : "center started again")}): {_house.Names.Count} devices back in {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s");

        async Task AgainAsync()
        {
            await _house.CloseAsync();
            await _house.OpenAsync();
        }
    }

    private async Task RotateAsync(bool root)
    {
        var rotated = await _house.Center.Authorities.RotateAsync(root, Actor.Terminal);
        if (rotated.Refusal is { } refusal) _lost.Add(refusal.Message);
        else Say($"{(root ? "root" : "intermediate")} rotated");
    }

    private void Take(double hour)
    {
        using var spent = _spent.Of("samples");
        var sample = SoakSample.Take(_house, hour, _latencies);
        _samples.Add(sample);
        _latencies.Clear();
        if (_house.Devices.Fallen is { } fallen) throw new InvalidOperationException($"{fallen} ended by itself: {string.Join("; ", _house.Devices.Warnings.TakeLast(3))}");
        Say($"hour {hour,5:0.0}: heap {sample.Heap / 1e6:0.0} MB, resident {sample.Resident / 1e6:0} MB, {sample.Files} files, {sample.Threads} threads, {sample.Online} online, p50 {sample.P50:0.0} ms, p99 {sample.P99:0.0} ms, {sample.Entries} entries ({sample.Retired} retired, {sample.Segments} segments), {sample.Renewals} renewals, {sample.Disk / 1e6:0} MB on disk, {sample.Cpu:0} s of CPU; {MemoryAccount.Take()}");
    }

    private async Task<List<string>> JudgeAsync()
    {
        var problems = new List<string>(_lost);
        await GentlyAsync(() => _kept.TrueForAll(k => _house.Center.Commands.FindAsync(k.Id).GetAwaiter().GetResult() is { IsSettled: true }), "planned commands");
        foreach (var (id, notBefore) in _kept)
        {
            var view = await _house.Center.Commands.FindAsync(id);
            if (view is not { State: "executed" }) problems.Add($"planned command {id} is {view?.State ?? "gone"} ({view?.Reason})");
            else if (view.Sent < notBefore) problems.Add($"planned command {id} left {(notBefore - view.Sent.Value).TotalMilliseconds} ms too early");
        }
        // Every command that was taken has an end, and the log has one receipt "executed" for each.
        var (count, page, unfinished) = (0L, (string?)null, new Dictionary<string, int>(StringComparer.Ordinal));
        do
        {
            var found = await _house.Center.Commands.ListAsync(new() { Limit = 500, Before = page });
            count += found.Commands.Count;
            foreach (var command in found.Commands.Where(c => c.State != "executed")) unfinished[command.State] = unfinished.GetValueOrDefault(command.State) + 1;
            page = found.Next;
        }
        while (page is not null);
        if (count != _sent + _kept.Count) problems.Add($"{_sent + _kept.Count} commands were taken, {count} are known");
        foreach (var (state, number) in unfinished) problems.Add($"{number} commands ended as {state}");
        var executed = _house.Center.Audit.Entries(new() { Type = AuditTypes.Command, Action = "receipt", Outcome = "executed" }).Select(e => (string?)e.Details["id"]).ToList();
        if (executed.Count != count || executed.Distinct(StringComparer.Ordinal).Count() != count) problems.Add($"{count} commands, {executed.Count} receipts of execution in the log, {executed.Distinct(StringComparer.Ordinal).Count()} different");
        foreach (var type in new[] { AuditTypes.Replay, AuditTypes.Security, AuditTypes.Validation })
            if (_house.Center.Audit.Entries(new() { Type = type }).FirstOrDefault() is { } entry) problems.Add($"the log holds {entry.Type} {entry.Action} of {entry.Subject}: {entry.Reason}");

        if (_house.Devices.Renewals < _house.Due) problems.Add($"{_house.Devices.Renewals} renewals, {_house.Due} were due");
        var audit = _house.Center.Audit;
        if (audit.Retired == 0 || audit.Segments.Count == 0) problems.Add($"no segment was sealed and retired ({audit.Retired} entries, {audit.Segments.Count} segments)");
        var verdict = await audit.VerifyAsync();
        if (!verdict.IsIntact) problems.Add(verdict.Summary);
        _verdict = verdict.Summary;
        if (!CheckpointKey.TryReadPem(audit.TrustPem, out var trust, out var why)) throw new InvalidOperationException(why);
        foreach (var file in System.IO.Directory.GetFiles(Path.Combine(_house.Data, "audit"), "*.ndjson*", SearchOption.AllDirectories))
        {
            await using var stream = File.OpenRead(file);
            var part = ExportVerification.Verify(stream, trust);
            if (!part.IsIntact) problems.Add($"{Path.GetFileName(file)}: {part.Summary}");
            _files++;
        }
        if (_samples.Count < 8) return problems;   // ended too early to compare anything
        // The first quarter warms up; the second and the last are compared.
        var (early, late) = (_samples[(_samples.Count / 4)..(_samples.Count / 2)], _samples[(_samples.Count * 3 / 4)..]);
        Flat("heap", Middle(early, s => s.Heap), Middle(late, s => s.Heap), _isShort ? 1.5 : 1.1);
        Flat("resident memory", Middle(early, s => s.Resident), Middle(late, s => s.Resident), _isShort ? 1.5 : 1.15);
        Flat("open files", early.Average(s => s.Files), late.Average(s => s.Files), 1.1);
        // Of a short run on a busy machine no time is asserted.
        if (!_isShort) Flat("p50 of a command", early.Where(s => s.Commands > 0).Average(s => s.P50), late.Where(s => s.Commands > 0).Average(s => s.P50), 1.5);
        return problems;

        // The median: a sample may fall into a storm, when two centers are in the process.
        static double Middle(List<SoakSample> some, Func<SoakSample, double> of) => some.Select(of).Order().ElementAt(some.Count / 2);

        void Flat(string what, double before, double after, double most)
        {
            _flat.Add(string.Create(CultureInfo.InvariantCulture, $"{what} {after / before:0.00}"));
            if (after > before * most) problems.Add(string.Create(CultureInfo.InvariantCulture, $"{what} grew from {before:N0} to {after:N0}"));
        }
    }

    private readonly SoakTime _spent = new();
    private readonly List<string> _flat = [];
    private string _verdict = "";
    private int _files;

    private void Print(int devices, TimeSpan took, List<string> problems, bool json)
    {
        if (json)
        {
            Console.WriteLine(new JsonObject
            {
                ["devices"] = devices, ["hours"] = _reached.TotalHours, ["seconds"] = took.TotalSeconds, ["commands"] = _sent, ["planned"] = _kept.Count, ["storms"] = _storms, ["renewals"] = _house.Devices.Renewals,
                ["entries"] = _house.Center.Audit.Size, ["retired"] = _house.Center.Audit.Retired, ["segmentFiles"] = _files, ["audit"] = _verdict, ["spent"] = _spent.ToString(), ["held"] = problems.Count == 0,
                ["problems"] = new JsonArray([.. problems.Select(p => JsonValue.Create(p))]),
            }.ToJsonString());
            return;
        }
        Say($"{_reached.TotalHours} of {_time.TotalHours} h of {devices} devices in {took.TotalSeconds:0} s: {_sent} commands and {_kept.Count} planned ones, {_storms} storms, {_house.Devices.Renewals} renewals, {_house.Center.Audit.Size} entries, {_house.Center.Audit.Retired} of them retired, {_files} segment files; {_verdict}");
        Say($"time went to: {_spent}");
        Say($"the last quarter beside the second: {string.Join(", ", _flat)}");
        foreach (var problem in problems.Take(20)) Say($"NOT held: {problem}");
        if (problems.Count == 0) Say($"held");
        else foreach (var line in _house.Devices.Warnings.TakeLast(10)) Say($"a device said: {line}");
    }

    private static void Say(FormattableString text) => Console.Error.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
