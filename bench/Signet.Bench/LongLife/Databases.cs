using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Access;
using Signet.Audit;
using Signet.Control;
using Signet.Store;

namespace Signet.Bench;

/// <summary>The same house doing the same work over SQLite files and over a PostgreSQL server on this machine, in turn: entries, commands to their receipts, pages of the log.</summary>
internal static class Databases
{
    private const int Devices = 20;

    public static async Task<int> RunAsync(Arguments args)
    {
        var (seconds, rounds) = (TimeSpan.FromSeconds(args.Number("seconds", 8)), args.Number("rounds", 3));
        await using var server = await OwnPostgres.ForAsync(args);
        var directory = System.IO.Directory.CreateTempSubdirectory("signet-databases-").FullName;
        var results = new Dictionary<string, List<(double Sqlite, double Postgres)>>(StringComparer.Ordinal);
        try
        {
            await using var sqlite = await House.StartAsync(Path.Combine(directory, "sqlite"), null);
            await using var postgres = await House.StartAsync(Path.Combine(directory, "postgres"), server.Address);
            for (var round = -1; round < rounds; round++)
                foreach (var (name, work) in Works)
                {
                    var (a, b) = (await work(sqlite, seconds), await work(postgres, seconds));
                    await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{name}: SQLite {a:N0}, PostgreSQL {b:N0}"));
                    if (round < 0) continue;   // warms up
                    if (!results.TryGetValue(name, out var list)) results[name] = list = [];
                    list.Add((a, b));
                }
        }
        finally
        {
            System.IO.Directory.Delete(directory, recursive: true);
        }
        Console.WriteLine($"| work | SQLite | PostgreSQL | ratio |\n|---|---|---|---|");
        foreach (var (name, list) in results)
        {
            double Median(Func<(double Sqlite, double Postgres), double> of) => list.Select(of).Order().ElementAt(list.Count / 2);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {Median(r => r.Sqlite):N0} | {Median(r => r.Postgres):N0} | {Median(r => r.Postgres / r.Sqlite):0.00} |"));
        }
        return 0;
    }

    private static readonly (string, Func<House, TimeSpan, Task<double>>)[] Works =
    [
        ("audit entries/s, 64 at once", (house, time) => RateAsync(64, time, i => house.AppendAsync(i))),
        ("audit entries/s, one after the other", (house, time) => RateAsync(1, time, i => house.AppendAsync(i))),
        ("commands executed/s, 16 at once", (house, time) => RateAsync(16, time, i => house.CommandAsync(i))),
        ("commands executed/s, one after the other", (house, time) => RateAsync(1, time, i => house.CommandAsync(i))),
        ("pages of 50 entries/s, filtered by type and subject", (house, time) => RateAsync(4, time, i => house.PageAsync(i))),
        ("pages of 50 commands/s", (house, time) => RateAsync(4, time, i => house.CommandsAsync())),
    ];

    private static async Task<double> RateAsync(int atOnce, TimeSpan time, Func<int, Task> work)
    {
        var (count, next, begin) = (0, 0, Stopwatch.GetTimestamp());
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(async () =>
        {
            while (Stopwatch.GetElapsedTime(begin) < time)
            {
                await work(Interlocked.Increment(ref next));
                Interlocked.Increment(ref count);
            }
        })));
        return count / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    private sealed class House : IAsyncDisposable
    {
        private static readonly Actor Operator = new("otto", Role.Operator, Actor.User, "local");
        private readonly SimulatedDevices _devices = new(TimeProvider.System);
        private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
        private CommandCenter _center = null!;

        public static async Task<House> StartAsync(string data, PostgresAddress? postgres)
        {
            var house = new House();
            await Installation.CreateAsync(data, new() { Postgres = postgres }, TimeProvider.System, house._random);
            house._center = await CommandCenter.OpenAsync(new() { DataDirectory = data, MqttPort = 0, Postgres = postgres }, TimeProvider.System, house._random, NullLoggerFactory.Instance);
            await house._center.StartAsync();
            for (var i = 0; i < Devices; i++)
            {
                if ((await house._center.Fleet.AddAsync(new($"dev-{i}", "valve"), Actor.Terminal)).Refusal is { } refusal) throw new InvalidOperationException(refusal.Message);
                house._devices.SwitchOn(house._center.Installation.DeviceDirectory($"dev-{i}"));
            }
            for (var wait = 0; house._center.Status().DevicesOnline < Devices; wait++)
            {
                if (wait > 600) throw new TimeoutException("the devices did not come");
                await Task.Delay(50);
            }
            return house;
        }

        public async Task AppendAsync(int i) => await _center.Audit.AppendAsync(new(AuditTypes.Device, $"person-{i % 100}", $"thing-{i % 1_000}", "device-added", "success", "", new JsonObject { ["number"] = i }));

        public async Task CommandAsync(int i)
        {
            var sent = await _center.Commands.SendAsync(new($"dev-{i % Devices}", "check-status"), Operator);
            if (!sent.TryGet(out var view, out var refusal)) throw new InvalidOperationException(refusal.Message);
            if (await _center.Commands.WaitAsync(view.Id, TimeSpan.FromSeconds(20)) is not { State: "executed" } end) throw new InvalidOperationException($"{view.Id} was not executed");
        }

        public async Task PageAsync(int i) => await _center.Audit.QueryAsync(new() { Type = AuditTypes.Device, Subject = $"thing-{i % 1_000}", Limit = 50 });

        public async Task CommandsAsync() => await _center.Commands.ListAsync(new() { Limit = 50 });

        public async ValueTask DisposeAsync()
        {
            await _devices.DisposeAsync();
            await _center.StopAsync();
            _random.Dispose();
        }
    }
}
