using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Audit;
using Signet.Control;

namespace Signet.Bench;

/// <summary>From the start of the process <c>signet up</c> to its ready line: an empty house and a full one, alternately. <c>--keep DIR</c> leaves both there and takes them again the next time.</summary>
internal static class StartUp
{
    // The same at every start, as in life: addresses stand in the devices' homes, and a start that changes them has to write them all.
    private static readonly string[] Ports = [.. new[] { "--port-console", "--port-mqtt", "--port-pki", "--port-mqtt-password", "--port-auth" }.SelectMany(port => new[] { port, FreePort() })];

    private static string FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
    }

    public static async Task<int> RunAsync(Arguments args)
    {
        var (devices, entries, rounds) = (args.Number("devices", 5_000), args.Number("entries", 1_000_000), args.Number("rounds", 5));
        var program = Path.GetFullPath(args.Text("signet") ?? "artifacts/bin/Signet.Cli/release/signet.dll");
        if (!File.Exists(program)) throw new FileNotFoundException($"{program} is missing: dotnet build src/Signet.Cli -c Release");
        var kept = args.Text("keep");
        var directory = kept ?? System.IO.Directory.CreateTempSubdirectory("signet-start-").FullName;
        try
        {
            var (empty, full) = (Path.Combine(directory, "empty"), Path.Combine(directory, "full"));
            if (!System.IO.Directory.Exists(full))
            {
                await MakeAsync(empty, 0, 0);
                await MakeAsync(full, devices, entries);
            }
            var times = new Dictionary<string, List<(double Ready, double Cpu)>>(StringComparer.Ordinal) { [empty] = [], [full] = [] };
            for (var round = -1; round < rounds; round++)
                foreach (var house in new[] { empty, full })
                {
                    var took = await OnceAsync(program, house);
                    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(house)}: ready after {took.Ready:0.00} s, {took.Cpu:0.00} s of CPU"));
                    if (round >= 0) times[house].Add(took);
                }
            double Median(string house, Func<(double Ready, double Cpu), double> of) => times[house].Select(of).Order().ElementAt(times[house].Count / 2);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"start to ready, median of {rounds}: empty {Median(empty, t => t.Ready):0.00} s ({Median(empty, t => t.Cpu):0.00} s of CPU), {devices} devices and {entries} audit entries {Median(full, t => t.Ready):0.00} s ({Median(full, t => t.Cpu):0.00} s), ratio {Median(full, t => t.Ready) / Median(empty, t => t.Ready):0.00}"));
            return 0;
        }
        finally
        {
            if (kept is null) System.IO.Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task MakeAsync(string data, int devices, int entries)
    {
        using var random = RandomNumberGenerator.Create();
        await Installation.CreateAsync(data, new(), TimeProvider.System, random);
        await using var center = await CommandCenter.OpenAsync(new() { DataDirectory = data, MqttPort = 0 }, TimeProvider.System, random, NullLoggerFactory.Instance);
        await center.StartAsync();
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < devices; i++)
            if ((await center.Fleet.AddAsync(new($"dev-{i}", "valve"), Actor.Terminal)).Refusal is { } refusal) throw new InvalidOperationException(refusal.Message);
        var next = 0;
        await Task.WhenAll(Enumerable.Range(0, 256).Select(_ => Task.Run(async () =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) <= entries;)
                await center.Audit.AppendAsync(new(AuditTypes.Command, $"person-{i % 100}", $"dev-{i % 10_000}", "command-sent", "success", "", new() { ["id"] = i }));
        })));
        await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{devices} devices and {entries} entries made in {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s"));
    }

    private static async Task<(double Ready, double Cpu)> OnceAsync(string program, string data)
    {
        var began = Stopwatch.GetTimestamp();
        using var up = Process.Start(new ProcessStartInfo("dotnet", [program, "up", "--json", .. Ports])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, Environment = { ["SIGNET_DATA"] = data },
        })!;
        var errors = up.StandardError.ReadToEndAsync();
        while (await up.StandardOutput.ReadLineAsync() is { } line)
        {
            if (!line.Contains("\"event\":\"ready\"", StringComparison.Ordinal)) continue;
            var took = (Stopwatch.GetElapsedTime(began).TotalSeconds, up.TotalProcessorTime.TotalSeconds);
            using var stop = Process.Start("kill", ["-TERM", up.Id.ToString(CultureInfo.InvariantCulture)]);
            _ = up.StandardOutput.ReadToEndAsync();
            await up.WaitForExitAsync();
            return took;
        }
        throw new InvalidOperationException($"signet up ended: {await errors}");
    }
}
