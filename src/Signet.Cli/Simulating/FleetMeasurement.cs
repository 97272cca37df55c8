using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Signet.Cli.Shell;

namespace Signet.Cli.Simulating;

/// <summary>One command to the whole fleet, and what it took: time, memory, processor time, and how much of that is the four signatures of each command.</summary>
internal static class FleetMeasurement
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);

    /// <returns>0 when every device executed it, which the center says only after it verified the device's signed receipt.</returns>
    public static async Task<ExitCode> RunAsync(CenterClient center, ChildFleet fleet, TimeSpan came, string command, TimeSpan within, int? centerProcess, string data, Printer printer, CancellationToken cancellation)
    {
        var heard = came + await HeardAsync(center, fleet, within, cancellation);
        // Alone, before the command: what one signature costs on this machine at this moment.
        var costs = Costs(Path.Combine(data, "pki", "center_sign.crt"));
        using var server = centerProcess is { } pid ? Process.GetProcessById(pid) : null;
        var (devicesBefore, centerBefore) = (fleet.ProcessorTime, server?.TotalProcessorTime ?? TimeSpan.Zero);
        var began = Stopwatch.GetTimestamp();
        var rollout = await center.PostAsync("/api/v1/rollouts", new JsonObject { ["command"] = command, ["arguments"] = new JsonObject(), ["devices"] = "kind:simulated", ["perMinute"] = 0, ["stopShare"] = 1 }, cancellation, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
        using (var progress = new ProgressLine(printer, "answered", (int?)rollout["total"]))
        {
            // A late answer counts when it comes: silence is no end of a measurement.
            while (((string?)rollout["state"] == "running" || Unanswered(rollout) > 0) && Stopwatch.GetElapsedTime(began) < within)
            {
                await Task.Delay(Look, cancellation);
                rollout = await center.GetAsync($"/api/v1/rollouts/{rollout["id"]}", cancellation);
                progress.Report(((int?)rollout["settled"] ?? 0) - Unanswered(rollout));
            }
        }

        var took = Stopwatch.GetElapsedTime(began);
        server?.Refresh();
        var (devices, house) = (fleet.ProcessorTime - devicesBefore, (server?.TotalProcessorTime ?? TimeSpan.Zero) - centerBefore);
        var executed = (int?)rollout["executed"] ?? 0;
        var signatures = TimeSpan.FromTicks(costs.Sum(cost => cost.Each.Ticks) * executed);
        var isWhole = server is not null;
        var report = new JsonObject
        {
            ["event"] = "measured", ["devices"] = fleet.Online, ["onlineSeconds"] = Round(came), ["heardSeconds"] = Round(heard), ["processes"] = fleet.Processes, ["command"] = command, ["total"] = rollout["total"]?.DeepClone(), ["executed"] = executed,
            ["counts"] = rollout["counts"]?.DeepClone(), ["leftOut"] = (rollout["leftOut"] as JsonObject)?.Count ?? 0, ["seconds"] = Round(took), ["devicesMiB"] = fleet.ResidentMiB, ["devicesProcessorSeconds"] = Round(devices),
            ["centerMiB"] = isWhole ? server!.WorkingSet64 >> 20 : null, ["centerProcessorSeconds"] = isWhole ? Round(house) : null, ["signatureSeconds"] = Round(signatures),
            ["signatureShare"] = isWhole ? Math.Round(signatures / (devices + house), 3) : null, ["signatureMicroseconds"] = new JsonObject(costs.Select(cost => KeyValuePair.Create(cost.Name, (JsonNode?)Math.Round(cost.Each.TotalMicroseconds, 1)))),
        };
        if (printer.Json) printer.Object(report);
        else Print(printer, report, LeftOut(rollout["leftOut"] as JsonObject ?? []));
        return executed == fleet.Online && executed == (int?)rollout["total"] ? ExitCode.Done : ExitCode.Refused;
    }

    /// <summary>A device is online for itself when the broker has its status, and for the center when that was read and verified: only then is a command sent to it. How long that took.</summary>
    private static async Task<TimeSpan> HeardAsync(CenterClient center, ChildFleet fleet, TimeSpan within, CancellationToken cancellation)
    {
        var began = Stopwatch.GetTimestamp();
        while ((int?)(await center.GetAsync("/api/v1/status", cancellation))["devicesOnline"] < fleet.Online && Stopwatch.GetElapsedTime(began) < within) await Task.Delay(Look, cancellation);
        return Stopwatch.GetElapsedTime(began);
    }

    private static int Unanswered(JsonObject rollout) => (int?)rollout["counts"]?["unanswered"] ?? 0;

    /// <summary>Devices of the selection that were sent nothing, and why: those of an earlier simulation that exist and are not there now, for instance.</summary>
    private static string LeftOut(JsonObject devices) => devices.Count == 0 ? "none left out"
        : $"{devices.Count} left out ({string.Join(", ", devices.CountBy(device => (string?)device.Value ?? "-").Select(reason => $"{reason.Value} {(reason.Key == "no-active-connection" ? "not online" : Printer.Inert(reason.Key))}"))})";

    private static void Print(Printer printer, JsonObject report, string leftOut)
    {
        string Of(string name) => Convert.ToString((object?)report[name]?.ToString() ?? "-", CultureInfo.InvariantCulture)!;
        printer.Facts(
            ("online", $"{Of("devices")} devices after {Of("onlineSeconds")} s, all of them known to the center after {Of("heardSeconds")} s"),
            ("answered", $"{Of("executed")} of {Of("total")} executed, every receipt verified, in {Of("seconds")} s; {leftOut}"),
            ("devices", $"{Of("devicesMiB")} MiB in {Of("processes")} processes, {Of("devicesProcessorSeconds")} s of processor time for it"),
            ("center", report["centerMiB"] is null ? "say --center-pid to see it" : $"{Of("centerMiB")} MiB, {Of("centerProcessorSeconds")} s of processor time for it"),
            ("signatures", $"{Of("signatureSeconds")} s of it for four signatures each (share {Of("signatureShare")}); microseconds: {report["signatureMicroseconds"]!.ToJsonString()}"));
    }

    /// <summary>The operations of one command, bare: the center signs and the device verifies PS256 with the center's key size; the device signs and the center verifies ES256.</summary>
    private static IReadOnlyList<(string Name, TimeSpan Each)> Costs(string centerCertificate)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(centerCertificate);
        using var published = certificate.GetRSAPublicKey();
        using var rsa = RSA.Create(published?.KeySize ?? 3072);
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var message = new byte[700];
        var (byRsa, byEcdsa) = (rsa.SignData(message, HashAlgorithmName.SHA256, RSASignaturePadding.Pss), ecdsa.SignData(message, HashAlgorithmName.SHA256));
        return
        [
            ($"PS256 sign ({rsa.KeySize})", Each(() => rsa.SignData(message, HashAlgorithmName.SHA256, RSASignaturePadding.Pss))),
            ("PS256 verify", Each(() => rsa.VerifyData(message, byRsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pss))),
            ("ES256 sign", Each(() => ecdsa.SignData(message, HashAlgorithmName.SHA256))),
            ("ES256 verify", Each(() => ecdsa.VerifyData(message, byEcdsa, HashAlgorithmName.SHA256))),
        ];
    }

    private static TimeSpan Each(Action act)
    {
        // The least of several rounds: whatever else the machine does only makes it longer.
        var least = TimeSpan.MaxValue;
        for (var round = 0; round < 7; round++)
        {
            var began = Stopwatch.GetTimestamp();
            for (var i = 0; i < 50; i++) act();
            var each = Stopwatch.GetElapsedTime(began) / 50;
            if (each < least) least = each;
        }

        return least;
    }

    private static double Round(TimeSpan time) => Math.Round(time.TotalSeconds, 2);
}
