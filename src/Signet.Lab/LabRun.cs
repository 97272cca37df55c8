using System.Security.Cryptography;
using System.Text.Json;
using Signet.Audit;
using Signet.Control;
using Signet.Mqtt;
using Signet.Pki;
using Signet.Store;
using Signet.Web;

namespace Signet.Lab;

/// <summary>
/// The whole lab, by itself on loopback:
/// <code>
/// 1 houses      the paper's insecure house with its attacker, and its secure house in both suites
/// 2 attacks     every attack against the open house and against the secure one
/// 3 controls    every attack once more, against the secure house without the control that stops it
/// 4 replay      the replay suite at a whole house: device, center, audit log and page must all have noticed
/// 5 latency     what security costs, suite by suite
/// 6 flood       whether a house stays usable
/// 7 timing      whether comparisons leak
/// 8 soak        where asked for: random attacks on a working house for as long as wanted
/// 9 report      results.json, plots, REPORT.html
/// </code>
/// Ports are free ones, so two labs can run at once. Whatever goes wrong, the run ends with what it has, marked incomplete, and cleans up.
/// </summary>
public static class LabRun
{
    private const int TimingSteps = 6;

    /// <exception cref="LabException">The output folder cannot be written; one clear line.</exception>
    public static async Task<LabResults> RunAsync(LabOptions options, TimeProvider time, RandomNumberGenerator secrets, CancellationToken cancellationToken = default) =>
        await RunAsync(options, Select(options.Only), time, secrets, cancellationToken);

    /// <param name="attacks">Instead of those of the catalogue.</param>
    internal static async Task<LabResults> RunAsync(LabOptions options, IReadOnlyList<Attack> attacks, TimeProvider time, RandomNumberGenerator secrets, CancellationToken cancellationToken)
    {
        var results = new LabResults { Seed = options.Seed, Started = time.GetUtcNow() };
        using var output = OutputFolder.Prepare(options, results);
        var begin = time.GetTimestamp();
        using var limit = new CancellationTokenSource(LabLimits.Run + (options.Soak ?? TimeSpan.Zero), time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var logs = new LabLogs(output.Logs, time);
        try
        {
            await PlayAsync(options, attacks, results, output, logs, time, secrets, stop.Token);
        }
        catch (OperationCanceledException)
        {
            results.Problems.Add(cancellationToken.IsCancellationRequested ? "the run was stopped" : $"the run took longer than {LabLimits.Run.TotalMinutes} minutes");
        }
        catch (Exception e) when (IsTrouble(e))
        {
            results.Problems.Add(e.Message);
        }
        logs.Dispose();
        results.Problems.AddRange(logs.Troubles);
        try
        {
            results.Logs = LogMetrics.Collect(output.Logs);
        }
        catch (Exception e) when (IsTrouble(e))
        {
            results.Problems.Add($"the logs could not be read back: {e.Message}");
        }
        (results.Ended, results.Complete, results.Duration) = (true, results.Problems.Count == 0, time.GetElapsedTime(begin));
        Tell(options, "report", "REPORT.html", 1, 1, "");
        output.ReleaseReserve();
        await LabReport.WriteAsync(options.OutDirectory, results, CancellationToken.None); // also after Ctrl-C: it ends with what it has
        output.Keep();
        return results;
    }

    /// <summary>Makes plots and <c>REPORT.html</c> anew from the <c>results.json</c> of a folder; runs nothing.</summary>
    /// <exception cref="LabException">There are no results, or they cannot be read or written.</exception>
    public static async Task<LabResults> ReportAsync(string outDirectory, CancellationToken cancellationToken = default)
    {
        var results = await ResultsReader.ReadAsync(Path.Combine(outDirectory, "results.json"), cancellationToken);
        await LabReport.WritePagesAsync(outDirectory, results, cancellationToken);
        return results;
    }

    private static async Task PlayAsync(LabOptions options, IReadOnlyList<Attack> attacks, LabResults results, OutputFolder output, LabLogs logs, TimeProvider time, RandomNumberGenerator secrets, CancellationToken cancellationToken)
    {
        var whole = options.Only is null;
        await using var lab = new LabContext(output.Scratch, options.Seed, logs, time, secrets);
        // Parameters of a DSA key take seconds to find: only where the paper's suites run.
        using var keys = whole ? PaperKeys.Generate() : null;
        if (keys is not null) await PhaseAsync(results, "the houses", () => RunHousesAsync(lab, keys, results, options, cancellationToken));
        await RunAttacksAsync(lab, attacks, results, options, cancellationToken);
        if (whole || options.Only!.Contains("replay", StringComparer.OrdinalIgnoreCase))
        {
            Tell(options, "replay", "a whole house", 0, 1, "");
            await PhaseAsync(results, "the replay suite", async () => results.Replay = await ReplaySuite.RunAsync(lab, cancellationToken));
            if (results.Replay is { } found) Tell(options, "replay", "a whole house", 1, 1, $"{found.Attempts} copies, {found.Executions} carried out, {found.AuditEntries} audit entries");
        }
        if (keys is not null)
        {
            await PhaseAsync(results, "the latency study", () => new LatencyStudy(lab, keys, options.LatencySamples).RunAsync(results, item => Tell(options, "latency", item, results.Suites.Count, 7, ""), cancellationToken));
            await PhaseAsync(results, "the flood study", async () =>
            {
                Tell(options, "flood", "insecure house", 0, 2, "");
                results.Floods.Add(await FloodStudy.OpenAsync(lab, cancellationToken));
                Tell(options, "flood", "secure house", 1, 2, "");
                results.Floods.Add(await FloodStudy.SecureAsync(lab, cancellationToken));
            });
            var measured = 0;
            results.Timing.AddRange(new TimingLab(time, options.Seed, secrets).Run(progress: name => Tell(options, "timing", name, ++measured, TimingSteps, ""), cancellationToken: cancellationToken));
        }
        if (options.Soak is { } soak) await PhaseAsync(results, "the soak", async () => results.Soak = await SoakStudy.RunAsync(lab, soak, options, results, cancellationToken));
    }

    /// <summary>A part of the run that may fail without taking the rest along.</summary>
    private static async Task PhaseAsync(LabResults results, string what, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (Exception e) when (IsTrouble(e))
        {
            results.Problems.Add($"{what}: {e.Message}");
        }
    }

    private static bool IsTrouble(Exception e) => e is LabException or MqttException or IOException or CryptographicException or System.Net.Sockets.SocketException or UnauthorizedAccessException or HttpRequestException
        or ControlException or WebConsoleException or PkiException or StoreException or AuditUnavailableException or TimeoutException;

    /// <summary>The timing study alone: writes <c>timing.json</c>, its plot, and returns the findings for <see cref="TimingText"/>.</summary>
    public static async Task<LabResults> TimingAsync(LabOptions options, TimeProvider time, RandomNumberGenerator secrets, CancellationToken cancellationToken = default)
    {
        var results = new LabResults { Seed = options.Seed, Started = time.GetUtcNow(), Complete = true, Ended = true };
        using var output = OutputFolder.Prepare(options with { KeepIn = null }, null);
        var measured = 0;
        results.Timing.AddRange(new TimingLab(time, options.Seed, secrets).Run(progress: name => Tell(options, "timing", name, ++measured, TimingSteps, ""), cancellationToken: cancellationToken));
        await LabReport.WritePlotsAsync(options.OutDirectory, results, cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(options.OutDirectory, "timing.json"), results.ToJson()["timing"]!.ToJsonString(new JsonSerializerOptions { WriteIndented = true }), cancellationToken);
        return results;
    }

    /// <summary>Makes the paper's four key files in <c>keys/</c> and returns that folder.</summary>
    public static string WriteKeys(string outDirectory)
    {
        var folder = Path.Combine(outDirectory, "keys");
        using var keys = PaperKeys.Generate();
        keys.Save(folder);
        return folder;
    }

    /// <summary>Attacks by layer, by name, or by a word of their names (<c>replay</c>).</summary>
    internal static IReadOnlyList<Attack> Select(IReadOnlyList<string>? only)
    {
        if (only is null) return Catalogue.Attacks;
        static bool Means(Attack attack, string word) => string.Equals(attack.Layer.ToString(), word, StringComparison.OrdinalIgnoreCase) || string.Equals(attack.Name, word, StringComparison.OrdinalIgnoreCase)
            || attack.Name.Split('-').Contains(word, StringComparer.OrdinalIgnoreCase);
        var unknown = only.Where(word => !Catalogue.Attacks.Any(a => Means(a, word))).ToList();
        if (unknown.Count > 0)
            throw new LabException($"no attack or layer is called {string.Join(", ", unknown)}; layers are {string.Join(", ", Enum.GetNames<AttackLayer>().Select(n => n.ToLowerInvariant()))}, attacks go by their name or a word of it (replay, flood, certificate ...)");
        return [.. Catalogue.Attacks.Where(a => only.Any(word => Means(a, word)))];
    }

    private static async Task RunHousesAsync(LabContext lab, PaperKeys keys, LabResults results, LabOptions options, CancellationToken cancellationToken)
    {
        Tell(options, "houses", "insecure house", 1, 3, "");
        await InsecureDemo.RunAsync(lab, cancellationToken);
        results.PaperBroker = await PaperMosquitto.VersionAsync(cancellationToken) ?? "the house's own broker with the same accounts and rules, because Mosquitto is not installed here";
        foreach (var (suite, number) in new[] { (PaperNames.Faithful, 2), (PaperNames.Corrected, 3) })
        {
            Tell(options, "houses", suite, number, 3, "");
            results.Paper.Add(await PaperSecureHouse.RunAsync(lab, suite, keys, cancellationToken));
        }
    }

    private static async Task RunAttacksAsync(LabContext lab, IReadOnlyList<Attack> attacks, LabResults results, LabOptions options, CancellationToken cancellationToken)
    {
        var found = new Dictionary<string, AttackResult>(StringComparer.Ordinal);
        var order = attacks.ToArray();
        new Random(options.Seed).Shuffle(order);
        try
        {
            foreach (var attack in order)
            {
                var open = attack.Open is null ? Strike.NotApplicable(attack.WhyNotOpen) : await TryAsync(results, attack, "insecure", ct => attack.Open(lab, ct), lab.Time, cancellationToken);
                var secure = await TryAsync(results, attack, "secure", ct => attack.Secure(lab, null, ct), lab.Time, cancellationToken);
                found[attack.Name] = new(attack, open, secure, null);
                Tell(options, "attacks", attack.Name, found.Count, order.Length, $"insecure {open.ResultName}, secure {secure.ResultName} ({secure.Reason})");
            }
            var done = 0;
            foreach (var attack in order)
            {
                var without = await TryAsync(results, attack, "without " + attack.Control, ct => attack.Secure(lab, attack.Control, ct), lab.Time, cancellationToken);
                found[attack.Name] = found[attack.Name] with { WithoutControl = without };
                Tell(options, "controls", $"{attack.Control}: {attack.Name}", ++done, order.Length, without.ResultName);
            }
        }
        finally
        {
            // In the catalogue's order, whatever order they ran in.
            results.Attacks.AddRange(attacks.Where(a => found.ContainsKey(a.Name)).Select(a => found[a.Name]));
        }
    }

    /// <summary>One attack with a time limit; whatever breaks is written down and the run goes on.</summary>
    internal static async Task<Strike> TryAsync(LabResults results, Attack attack, string where, Func<CancellationToken, Task<Strike>> run, TimeProvider time, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(LabLimits.OneAttack, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        string problem;
        try
        {
            return await run(both.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            problem = $"took longer than {LabLimits.OneAttack.TotalSeconds:0} s";
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            problem = IsTrouble(e) ? e.Message : $"{e.GetType().Name}: {e.Message}";
        }
        results.Problems.Add($"{attack.Name} ({where}): {problem}");
        return Strike.NotRun(problem);
    }

    private static void Tell(LabOptions options, string phase, string item, int done, int total, string outcome) => options.Progress?.Report(new(phase, item, done, total, outcome));
}
