using System.Collections.Concurrent;
using Signet.Access;
using Signet.Control;

namespace Signet.Lab;

/// <summary>
/// Random attacks, one after the other, while a whole house works: command center, broker and three devices that are sent commands all the time. Nothing may get through, no command may be
/// lost, the service level must hold and memory may not grow.
/// </summary>
internal static class SoakStudy
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);

    /// <summary>Left to the main run: what makes and revokes certificates (their ledger grows by design), what restores a center, and what keeps a core busy for seconds.</summary>
    private static readonly HashSet<string> LeftOut = new(StringComparer.Ordinal)
    {
        "signature-barrage", "expired-certificate", "revoked-certificate", "reconnect-after-revocation", "stay-after-revocation", "queued-after-revocation", "request-flood", "garbage", "half-a-message",
        "session-of-a-disabled-account", "operator-issues-a-certificate", "reading-after-restore", "receipt-after-restore",
    };

    /// <param name="results">Told of attacks that broke; the soak goes on.</param>
    public static async Task<SoakResult> RunAsync(LabContext lab, TimeSpan duration, LabOptions options, LabResults results, CancellationToken cancellationToken)
    {
        var house = await lab.HouseAsync(cancellationToken);
        // The log counts repetitions instead of writing each: it is the attack that is looked at here, and the reason only where it comes at once.
        lab.AuditPatience = TimeSpan.FromMilliseconds(200);
        var random = lab.RandomFor("soak");
        var attacks = Catalogue.Attacks.Where(a => !LeftOut.Contains(a.Name)).ToArray();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var times = new ConcurrentQueue<double>();
        var lost = new ConcurrentQueue<string>();
        var working = WorkAsync(lab, house, times, lost, over.Token);
        long attempts = 0, successes = 0;
        var held = new List<long>();
        var begin = lab.Time.GetTimestamp();
        try
        {
            while (lab.Time.GetElapsedTime(begin) is var passed && passed < duration)
            {
                // What is held after a tenth of the time is what the houses need; what comes on top of it grows.
                if (passed > duration / 10 * (held.Count + 1)) held.Add(Held());
                var attack = attacks[random.Next(attacks.Length)];
                var strike = await LabRun.TryAsync(results, attack, "soak", ct => attack.Secure(lab, null, ct), lab.Time, cancellationToken);
                attempts += strike.Attempts;
                if (strike.Result == StrikeResult.Succeeded) successes++;
                options.Progress?.Report(new("soak", attack.Name, (int)passed.TotalSeconds, (int)duration.TotalSeconds, $"{attempts:#,0} attempts, {successes} successes; {times.Count:#,0} commands, {lost.Count} lost"));
            }
        }
        finally
        {
            await over.CancelAsync();
            await working;
        }
        var sorted = times.Order().ToArray();
        return new(lab.Time.GetElapsedTime(begin), attempts, successes, sorted.Length + lost.Count, lost.Count, Percentile(sorted, 0.5), Percentile(sorted, 0.99), [.. held, Held()]);
    }

    /// <summary>The house at its work: a command to one of its devices, over and over.</summary>
    private static async Task WorkAsync(LabContext lab, WholeHouse house, ConcurrentQueue<double> times, ConcurrentQueue<string> lost, CancellationToken cancellationToken)
    {
        var otto = new Actor(WholeHouse.Operator, Role.Operator, Actor.User, "local");
        var devices = house.Devices.ToArray();
        try
        {
            for (var i = 0; ; i++)
            {
                var start = lab.Time.GetTimestamp();
                var sent = await house.Center.Commands.SendAsync(new(devices[i % devices.Length], "check-status"), otto, CancellationToken.None);
                if (!sent.TryGet(out var view, out var refusal)) lost.Enqueue(refusal.Name);
                else if (await house.Center.Commands.WaitAsync(view.Id, LabLimits.Ready, CancellationToken.None) is { State: "executed" }) times.Enqueue(lab.Time.GetElapsedTime(start).TotalMilliseconds);
                else lost.Enqueue("no receipt");
                await Task.Delay(Pace, lab.Time, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // the soak is over
        }
    }

    private static double Percentile(double[] sorted, double fraction) => sorted.Length == 0 ? 0 : Summary.Percentile(sorted, fraction);

    private static long Held()
    {
        for (var i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
        return GC.GetTotalMemory(forceFullCollection: true);
    }
}
