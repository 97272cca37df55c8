using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Signet.Agent;
using Signet.Cli.Shell;
using Signet.Cli.Simulating;

namespace Signet.Cli.Verbs;

/// <summary><c>signet device simulate COUNT</c>: a fleet of simulated devices on this machine, in processes of their own.</summary>
internal static class SimulateVerb
{
    /// <summary>Devices of one process at most: each needs three open files, and most systems allow some 20,000.</summary>
    private const int PerProcess = 5_000;
    private const int Most = 50_000;

    public static Command Build()
    {
        var count = new Argument<int>("COUNT") { Description = $"How many, 1 to {Most}" };
        var prefix = new Option<string>("--prefix") { Description = "Their names are PREFIX-00001 and so on; those that are missing are added", HelpName = "WORD", DefaultValueFactory = _ => "sim" };
        var perProcess = new Option<int>("--per-process") { Description = $"Devices in one process, at most {PerProcess}", HelpName = "N", DefaultValueFactory = _ => PerProcess };
        var telemetry = new Option<bool>("--telemetry") { Description = "They publish readings every 5 seconds; else they only listen and answer" };
        var command = new Option<string?>("--command") { Description = "Send this command to all, wait for every receipt, print what it took, and end", HelpName = "NAME" };
        var within = new Option<string>("--within") { Description = "With --command: how long all may take to come online, and then to answer", HelpName = "10m", DefaultValueFactory = _ => "10m" };
        var centerProcess = new Option<int?>("--center-pid") { Description = "With --command: the center's process on this machine, whose memory and processor time are told too", HelpName = "PID" };
        var homes = new Option<string?>("--homes") { Description = "Run the devices of these folders, one a line, until standard input closes", Hidden = true };
        return Verb.Make("simulate", "Run a fleet of simulated devices on the center's machine, for example: signet device simulate 300", [count, prefix, perProcess, telemetry, command, within, centerProcess, homes], async (parsed, printer, cancellation) =>
        {
            if (parsed.GetValue(homes) is { } list)
                return await RunHomesAsync(list, parsed.GetValue(telemetry), printer, cancellation);
            var wanted = parsed.GetValue(count);
            var inOne = parsed.GetValue(perProcess);
            if (wanted is < 1 or > Most)
                throw new CliException(ExitCode.WrongUsage, $"COUNT is 1 to {Most}.");
            if (inOne is < 1 or > PerProcess)
                throw new CliException(ExitCode.WrongUsage, $"--per-process is 1 to {PerProcess}: more open files than that are rarely allowed.");
            var data = GlobalOptions.DataDirectory(parsed);
            using var center = CenterClient.Connect(parsed);
            var names = Enumerable.Range(1, wanted).Select(number => $"{parsed.GetValue(prefix)}-{number.ToString("00000", CultureInfo.InvariantCulture)}").ToList();
            await AddMissingAsync(center, names, data, printer, cancellation);
            await using var fleet = new ChildFleet(data, names, inOne, parsed.GetValue(telemetry), printer);
            var limit = Durations.Parse("--within", parsed.GetValue(within)!);
            var came = await fleet.OnlineAsync(limit, cancellation);
            printer.Line($"{fleet.Online} of {wanted} devices are online after {came.TotalSeconds:0.0} s, in {fleet.Processes} process{(fleet.Processes == 1 ? "" : "es")}, {fleet.ResidentMiB} MiB");
            if (parsed.GetValue(command) is { } name)
                return await FleetMeasurement.RunAsync(center, fleet, came, name, limit, parsed.GetValue(centerProcess), data, printer, cancellation);
            if (printer.Json)
                printer.Object(new JsonObject { ["event"] = "online", ["devices"] = wanted, ["online"] = fleet.Online, ["seconds"] = came.TotalSeconds });
            printer.Line($"try `signet command send search:{parsed.GetValue(prefix)}- check-status --wait=5m`; Ctrl-C ends them");
            await fleet.EndAsync(cancellation);
            return ExitCode.Done;
        });
    }

    private static async Task<ExitCode> RunHomesAsync(string list, bool telemetry, Printer printer, CancellationToken cancellation)
    {
        using var random = RandomNumberGenerator.Create();
        // Not Console.In: its ReadAsync blocks the caller until the pipe closes.
        using var parent = new StreamReader(Console.OpenStandardInput());
        using var fleet = new SimulatedFleet(await File.ReadAllLinesAsync(list, cancellation), telemetry, TimeProvider.System, random);
        await fleet.RunAsync(parent, printer.Output, printer.Error, cancellation);
        return ExitCode.Done;
    }

    private static async Task AddMissingAsync(CenterClient center, IReadOnlyList<string> names, string data, Printer printer, CancellationToken cancellation)
    {
        var missing = names.Where(name => !Directory.Exists(Path.Combine(data, "device", name))).ToList();
        if (missing.Count == 0) return;
        using var progress = new ProgressLine(printer, "adding devices", missing.Count);
        for (var added = 0; added < missing.Count; added++)
        {
            await AddAsync(center, missing[added], cancellation);
            progress.Report(added + 1);
        }

        if (!Directory.Exists(Path.Combine(data, "device", missing[^1])))
            throw new CliException(ExitCode.Refused, $"The center made the devices' folders somewhere else than in {data}: run this on the center's machine, with its --data.");
        printer.Line($"added {missing.Count} devices");
    }

    // Thousands at once are more than the center takes from one account in a minute: then it says how long to wait.
    private static async Task AddAsync(CenterClient center, string name, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await center.PostAsync("/api/v1/devices", new JsonObject { ["name"] = name, ["kind"] = "simulated", ["commands"] = new JsonArray("check-status", "set-value", "restart") }, cancellation);
                return;
            }
            catch (CliException busy) when (busy.RetryAfter is { } pause)
            {
                await Task.Delay(pause, cancellation);
            }
        }
    }
}
