using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Control;

namespace Signet.Bench;

/// <summary><c>signet device run</c> as a device has it: the size of the code on its disk, the time from the start of its process until it is online over mutual TLS, and the memory it then has.</summary>
internal static class DeviceProgram
{
    /// <summary>What the device's library is made of (ARCHITECTURE.md: Agent and the rooms it may enter).</summary>
    private static readonly string[] Library = ["Signet.Agent", "Signet.Wire", "Signet.Pki", "Signet.Mqtt", "Signet.Proof", "Signet.Store"];

    public static async Task<int> RunAsync(Arguments args)
    {
        var (rounds, seconds) = (args.Number("rounds", 7), args.Number("seconds", 5));
        var program = Path.GetFullPath(args.Text("signet") ?? "artifacts/bin/Signet.Cli/release/signet.dll");
        if (!File.Exists(program)) throw new FileNotFoundException($"{program} is missing: dotnet build src/Signet.Cli -c Release");
        var directory = Directory.CreateTempSubdirectory("signet-device-").FullName;
        try
        {
            using var random = RandomNumberGenerator.Create();
            await Installation.CreateAsync(directory, new(), TimeProvider.System, random);
            await using var center = await CommandCenter.OpenAsync(new() { DataDirectory = directory, MqttPort = 0 }, TimeProvider.System, random, NullLoggerFactory.Instance);
            await center.StartAsync();
            _ = (await center.Fleet.AddAsync(new("thermostat-1", "thermostat", ["read-temperature", "set-point"]), Actor.Terminal)).Value;
            var runs = new List<(double Online, double Processor, long Resident)>();
            for (var round = -1; round < rounds; round++)
            {
                var run = await OnceAsync(program, directory, TimeSpan.FromSeconds(seconds));
                if (round >= 0) runs.Add(run);
            }

            double Median(Func<(double Online, double Processor, long Resident), double> of) => runs.Select(of).Order().ElementAt(runs.Count / 2);
            var sizes = Library.Select(name => new FileInfo(Path.Combine(Path.GetDirectoryName(program)!, name + ".dll")).Length).ToList();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"the device's own code: {sizes.Sum() / 1024.0:0} KiB ({string.Join(", ", Library.Zip(sizes, (name, size) => $"{name[7..]} {size / 1024.0:0}"))}); median of {rounds} starts: online after {Median(r => r.Online):0.00} s with {Median(r => r.Processor):0.00} s of processor time (least {runs.Min(r => r.Online):0.00}, most {runs.Max(r => r.Online):0.00}); {seconds} s later {Median(r => r.Resident / 1048576.0):0} MiB resident"));
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<(double Online, double Processor, long Resident)> OnceAsync(string program, string data, TimeSpan later)
    {
        var began = Stopwatch.GetTimestamp();
        using var device = Process.Start(new ProcessStartInfo("dotnet", [program, "device", "run", "thermostat-1", "--json"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false, Environment = { ["SIGNET_DATA"] = data },
        })!;
        var errors = device.StandardError.ReadToEndAsync();
        if (await device.StandardOutput.ReadLineAsync() is null) throw new InvalidOperationException($"signet device run ended: {await errors}");
        var (online, processor) = (Stopwatch.GetElapsedTime(began).TotalSeconds, device.TotalProcessorTime.TotalSeconds);
        await Task.Delay(later);
        device.Refresh();
        var resident = device.WorkingSet64;
        using var stop = Process.Start("kill", ["-TERM", device.Id.ToString(CultureInfo.InvariantCulture)]);
        _ = device.StandardOutput.ReadToEndAsync();
        await device.WaitForExitAsync();
        return (online, processor, resident);
    }
}
