using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Access;
using Signet.Audit;
using Signet.Control;
using Signet.Web;

namespace Signet.Bench;

/// <summary>How long the console's pages take over a full house, beside an empty page of the same program (the frame and nothing in it), round by round in one run.</summary>
internal static class Pages
{
    private static readonly string[] Paths = ["/settings", "/", "/devices", "/devices?q=dev-77", "/devices/dev-1", "/commands", "/certificates", "/people", "/people?q=9", "/audit", "/audit?q=needle", "/audit?type=auth", "/audit?actor=person-7", "/audit?subject=dev-77", "/audit?outcome=refused", "/audit?to=2020-01-01T00:00", "/broker", "/about", "/api/v1/devices?limit=50", "/api/v1/audit"];

    // As somebody who is limited to a group of a thousand of the devices.
    private static readonly string[] LimitedPaths = ["/", "/devices", "/devices?q=dev-77", "/devices/dev-1", "/commands", "/certificates", "/audit", "/broker"];
    private const string Limited = " (limited)";

    public static async Task<int> RunAsync(Arguments arguments)
    {
        var (devices, entries, rounds) = (arguments.Number("devices", 10_000), arguments.Number("entries", 1_000_000), arguments.Number("rounds", 150));
        var people = arguments.Number("people", 1_000);
        var data = Directory.CreateTempSubdirectory("signet-pages-").FullName;
        using var random = RandomNumberGenerator.Create();
        try
        {
            var directory = Path.Combine(data, "house");
            await Installation.CreateAsync(directory, new(), TimeProvider.System, random);
            await using var center = await CommandCenter.OpenAsync(new() { DataDirectory = directory, MqttPort = 0 }, TimeProvider.System, random, NullLoggerFactory.Instance);
            await center.StartAsync();
            await FillAsync(center, devices, entries, people);
            await using var console = await WebConsole.StartAsync(center, new() { ConsolePort = 0, PkiPort = 0 }, NullLoggerFactory.Instance);
            var token = (await center.Tokens.CreateAsync("bench", Role.Admin, TimeSpan.FromHours(1), Actor.Terminal)).Value;
            using var http = NewClient(console.ConsoleUrl, center.Authority.Root, token.Secret);
            var lesser = (await center.Tokens.CreateAsync("limited", Role.Operator, ["north"], TimeSpan.FromHours(1), Actor.Terminal)).Value;
            using var narrow = NewClient(console.ConsoleUrl, center.Authority.Root, lesser.Secret);
            var asked = Paths.Select(path => (Name: path, Path: path, Http: http)).Concat(LimitedPaths.Select(path => (Name: path + Limited, Path: path, Http: narrow))).ToList();
            var seen = asked.ToDictionary(one => one.Name, _ => new List<Seen>(), StringComparer.Ordinal);
            var collections = new int[3];
            // The first rounds warm up and are not counted.
            for (var round = -10; round < rounds; round++)
            {
                if (round == 0) collections = Collections();
                foreach (var (name, path, client) in asked)
                {
                    var (began, allocated, paused) = (Stopwatch.GetTimestamp(), GC.GetTotalAllocatedBytes(), GC.GetTotalPauseDuration());
                    using var answer = await client.GetAsync(path);
                    await answer.Content.LoadIntoBufferAsync();
                    if (answer.StatusCode != HttpStatusCode.OK) throw new InvalidOperationException($"{path} answered {(int)answer.StatusCode}");
                    if (round >= 0) seen[name].Add(new(Stopwatch.GetElapsedTime(began).TotalMilliseconds, (GC.GetTotalAllocatedBytes() - allocated) / 1024.0, (GC.GetTotalPauseDuration() - paused).TotalMilliseconds));
                }
            }

            Print(devices, entries, rounds, seen);
            Console.WriteLine($"collections of generation 0, 1, 2: {string.Join(", ", Collections().Zip(collections, (now, before) => now - before))}");
            PrintSearch(center);
            await console.StopAsync();
            return 0;
        }
        finally
        {
            Directory.Delete(data, recursive: true);
        }
    }

    private static async Task FillAsync(CommandCenter center, int devices, int entries, int people)
    {
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < devices; i++)
            if ((await center.Fleet.AddAsync(new($"dev-{i}", "valve", null, ""), Actor.Terminal)).Refusal is { } refusal) throw new InvalidOperationException(refusal.Message);
        if ((await center.Bulk.ChangeAsync(new("a thousand", BulkChange.AddGroup, "north") { Names = [.. Enumerable.Range(0, Math.Min(devices, 1_000)).Select(i => $"dev-{i}")] }, Actor.Terminal)).Refusal is { } unlabelled) throw new InvalidOperationException(unlabelled.Message);
        for (var i = 0; i < people; i++)
            if ((await center.Accounts.CreateAsync($"person {i}", null, Role.Viewer, Actor.Terminal)).Refusal is { } refusal) throw new InvalidOperationException(refusal.Message);
        await Console.Error.WriteLineAsync($"{devices} devices and {people} people in {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s");
        began = Stopwatch.GetTimestamp();
        var next = 0;
        await Task.WhenAll(Enumerable.Range(0, 256).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) <= entries;)
                await center.Audit.AppendAsync(new(AuditTypes.Command, $"person-{i % 100}", $"dev-{i % 10_000}", "command-sent", "success", "", new() { ["id"] = i }));
        })));
        while (center.Audit.Size - center.Audit.Searchable >= 512) await Task.Delay(50);
        await Console.Error.WriteLineAsync($"{entries} audit entries in {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s");
    }

    // One answer: milliseconds, KiB that client and server allocated, milliseconds that the collector stopped both.
    private sealed record Seen(double Time, double Allocated, double Paused);

    private static int[] Collections() => [GC.CollectionCount(0), GC.CollectionCount(1), GC.CollectionCount(2)];

    private static void Print(int devices, int entries, int rounds, Dictionary<string, List<Seen>> seen)
    {
        static double At(IEnumerable<double> values, double share) => values.Order().ElementAt(Math.Min(values.Count() - 1, (int)(values.Count() * share)));
        var empty = At(seen[Paths[0]].Select(one => one.Time), 0.95);
        Console.WriteLine($"{devices} devices, {entries} audit entries, {rounds} rounds; ms at the client over loopback TLS, HTTP/2; KiB of client and server together");
        Console.WriteLine("| page | p50 ms | p95 ms | p95 to that of an empty page | KiB | stopped by the collector, mean ms |\n|---|---|---|---|---|---|");
        foreach (var (path, all) in seen)
        {
            var (middle, slow) = (At(all.Select(one => one.Time), 0.5), At(all.Select(one => one.Time), 0.95));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| `{path}` | {middle:0.0} | {slow:0.0} | {slow / empty:0.0} | {At(all.Select(one => one.Allocated), 0.5):0} | {all.Average(one => one.Paused):0.00} |"));
        }
    }

    // The search alone, without page, list or network.
    private static void PrintSearch(CommandCenter center)
    {
        var (all, found, best) = (center.Fleet.List(), 0, double.MaxValue);
        for (var i = 0; i < 50; i++)
        {
            var began = Stopwatch.GetTimestamp();
            found = DeviceSearch.Search(all, "valve 77").Count();
            best = Math.Min(best, Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a search of two words over {all.Count} devices: {best:0.00} ms, {found} found"));
    }

    private static HttpClient NewClient(Uri at, X509Certificate2 root, string token)
    {
#pragma warning disable CA2000 // the client owns it
        var http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false, UseCookies = false, SslOptions = { CertificateChainPolicy = new() { TrustMode = X509ChainTrustMode.CustomRootTrust, CustomTrustStore = { root }, RevocationMode = X509RevocationMode.NoCheck } },
        })
        { BaseAddress = at, DefaultRequestVersion = HttpVersion.Version20 };
#pragma warning restore CA2000
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return http;
    }
}
