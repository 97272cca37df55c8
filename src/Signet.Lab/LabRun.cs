using System.Security.Cryptography;
using System.Text.Json;
using Signet.Mqtt;

namespace Signet.Lab;

/// <summary>
/// The whole lab, by itself on loopback:
/// <code>
/// 1 houses      the paper's insecure house with its attacker, and its secure house in both suites
/// 2 attacks     every attack against the open house and against the secure one
/// 3 controls    every attack once more, against the secure house without the control that stops it
/// 4 latency     what security costs, suite by suite
/// 5 flood       whether a house stays usable
/// 6 timing      whether comparisons leak
/// 7 soak        where asked for: random attacks on a working house for as long as wanted
/// 8 report      results.json, plots, REPORT.html
/// </code>
/// Ports are free ones, so two labs can run at once. Whatever goes wrong, the run ends with what it has, marked incomplete, and cleans up.
/// </summary>
public static class LabRun
{
    /// <exception cref="LabException">The output folder cannot be written; one clear line.</exception>
    public static async Task<LabResults> RunAsync(LabOptions options, TimeProvider time, RandomNumberGenerator secrets, CancellationToken cancellationToken = default)
    {
        using var output = OutputFolder.Prepare(options.OutDirectory);
        var results = new LabResults { Seed = options.Seed, Started = time.GetUtcNow() };
        var begin = time.GetTimestamp();
        var attacks = Select(options.Only);
        using var limit = new CancellationTokenSource(LabLimits.Run + (options.Soak ?? TimeSpan.Zero), time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using (var logs = new LabLogs(output.Logs, time))
        {
            try
            {
                await using var lab = new LabContext(output.Scratch, options.Seed, logs, time, secrets);
                using var keys = PaperKeys.Generate();
                if (options.Only is null) await RunHousesAsync(lab, keys, results, options, stop.Token);
                await RunAttacksAsync(lab, attacks, results, options, stop.Token);
                if (options.Only is null)
                {
                    await new LatencyStudy(lab, keys, options.LatencySamples).RunAsync(results, item => Tell(options, "latency", item, results.Suites.Count, 6, ""), stop.Token);
                    Tell(options, "flood", "insecure house", 0, 2, "");
                    results.Floods.Add(await FloodStudy.OpenAsync(lab, stop.Token));
                    Tell(options, "flood", "secure house", 1, 2, "");
                    results.Floods.Add(await FloodStudy.SecureAsync(lab, stop.Token));
                    results.Timing.AddRange(new TimingLab(time, options.Seed).Run(progress: name => Tell(options, "timing", name, 0, 4, ""), cancellationToken: stop.Token));
                }
                if (options.Soak is { } soak) results.Soak = await SoakStudy.RunAsync(lab, soak, options, stop.Token);
                results.Complete = results.Problems.Count == 0;
            }
            catch (OperationCanceledException)
            {
                results.Problems.Add(cancellationToken.IsCancellationRequested ? "the run was stopped" : $"the run took longer than {LabLimits.Run.TotalMinutes} minutes");
            }
            catch (Exception e) when (e is LabException or MqttException or IOException or CryptographicException or System.Net.Sockets.SocketException or UnauthorizedAccessException)
            {
                results.Problems.Add(e.Message);
            }
        }
        results.Duration = time.GetElapsedTime(begin);
        Tell(options, "report", "REPORT.html", 1, 1, "");
        await LabReport.WriteAsync(options.OutDirectory, results, CancellationToken.None); // also after Ctrl-C: it ends with what it has
        return results;
    }

    /// <summary>The timing study alone: writes <c>timing.json</c>, its plot, and returns the findings for <see cref="TimingText"/>.</summary>
    public static async Task<LabResults> TimingAsync(LabOptions options, TimeProvider time, CancellationToken cancellationToken = default)
    {
        using var output = OutputFolder.Prepare(options.OutDirectory);
        var results = new LabResults { Seed = options.Seed, Started = time.GetUtcNow(), Complete = true };
        results.Timing.AddRange(new TimingLab(time, options.Seed).Run(progress: name => Tell(options, "timing", name, 0, 4, ""), cancellationToken: cancellationToken));
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

    private static IReadOnlyList<Attack> Select(IReadOnlyList<string>? only)
    {
        if (only is null) return Catalogue.Attacks;
        var unknown = only.Where(o => !Enum.TryParse<AttackLayer>(o, ignoreCase: true, out _) && Catalogue.Attacks.All(a => a.Name != o)).ToList();
        if (unknown.Count > 0) throw new LabException($"no attack or layer is called {string.Join(", ", unknown)}; layers are {string.Join(", ", Enum.GetNames<AttackLayer>().Select(n => n.ToLowerInvariant()))}");
        return [.. Catalogue.Attacks.Where(a => only.Contains(a.Name, StringComparer.Ordinal) || only.Any(o => string.Equals(o, a.Layer.ToString(), StringComparison.OrdinalIgnoreCase)))];
    }

    private static async Task RunHousesAsync(LabContext lab, PaperKeys keys, LabResults results, LabOptions options, CancellationToken cancellationToken)
    {
        Tell(options, "houses", "insecure house", 1, 3, "");
        await InsecureDemo.RunAsync(lab, cancellationToken);
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
    private static async Task<Strike> TryAsync(LabResults results, Attack attack, string where, Func<CancellationToken, Task<Strike>> run, TimeProvider time, CancellationToken cancellationToken)
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
            problem = e is LabException or MqttException or IOException ? e.Message : $"{e.GetType().Name}: {e.Message}";
        }
        results.Problems.Add($"{attack.Name} ({where}): {problem}");
        return Strike.NotRun(problem);
    }

    private static void Tell(LabOptions options, string phase, string item, int done, int total, string outcome) => options.Progress?.Report(new(phase, item, done, total, outcome));
}
