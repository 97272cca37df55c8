using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Lab;

/// <summary>Reads <c>results.json</c> back, so that a report can be made anew from it without running anything. An attack that this version does not know any more is left out and named.</summary>
internal static class ResultsReader
{
    /// <summary>Bytes of a results file: a full run has about 300 kB.</summary>
    private const int MostBytes = 16 << 20;

    /// <exception cref="LabException">There is no such file, or it does not hold results; one clear line.</exception>
    public static async Task<LabResults> ReadAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            var file = new FileInfo(path);
            if (!file.Exists) throw new LabException($"there is no {path}: run `signet lab run --out {Path.GetDirectoryName(path)}` first");
            if (file.Length > MostBytes) throw new LabException($"{path} is larger than {MostBytes} bytes; no run of the lab writes that much");
            return JsonNode.Parse(await File.ReadAllBytesAsync(path, cancellationToken)) is JsonObject json ? Of(json) : throw new LabException($"{path} does not hold the results of a run");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or NullReferenceException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new LabException($"{path} does not hold the results of a run: {e.Message}", e);
        }
    }

    private static LabResults Of(JsonObject json)
    {
        var results = new LabResults
        {
            Seed = (int)json["seed"]!,
            Started = DateTimeOffset.Parse((string)json["started"]!, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal),
            Versions = (JsonObject)json["versions"]!.DeepClone(),
            Complete = (bool)json["complete"]!,
            Ended = (bool?)json["ended"] ?? true,
            Duration = TimeSpan.FromSeconds((double)json["durationSeconds"]!),
            PaperBroker = (string?)json["paperBroker"] ?? "",
            Fsync = OfSummary(json["journalFsyncMs"]),
            Handshake = OfSummary(json["handshakeMs"]),
            PlainConnect = OfSummary(json["plainConnectMs"]),
            Replay = json["replay"] is JsonObject replay ? ReplayFinding.Of(replay) : null,
            Soak = json["soak"] is JsonObject soak ? SoakResult.Of(soak) : null,
            Logs = json["logs"] is JsonObject logs ? LogMetrics.Of(logs) : null,
        };
        results.Problems.AddRange(json["problems"]!.AsArray().Select(p => (string)p!));
        foreach (var one in json["attacks"]!.AsArray().OfType<JsonObject>()) Add(results, one);
        results.Suites.AddRange(json["latencyMs"]!.AsObject().Select(s => new SuiteResult(s.Key, (string?)json["suites"]?[s.Key] ?? "", OfSummary(s.Value)!,
            (int)json["bytesPerMessage"]![s.Key]!, (double)json["cpuMsPerMessage"]![s.Key]!, (double?)json["wireBytesPerMessage"]?[s.Key] ?? 0)));
        results.Paper.AddRange(json["paper"]!.AsArray().Select(p => new PaperRun((string)p!["suite"]!, new((int)p["received"]!, (int)p["accepted"]!, (int)p["rejected"]!), Rows(p["attacks"]!), Rows(p["defects"]!))));
        results.Floods.AddRange(json["flood"]!.AsArray().Select(f => new FloodSeries((string)f!["house"]!,
            [.. f["points"]!.AsArray().Select(p => ((double)p![0]!, (double?)p[1]))], (double)f["floodFromSeconds"]!, (double)f["floodToSeconds"]!)));
        results.Timing.AddRange(json["timing"]!.AsArray().Select(OfTiming));
        return results;
    }

    private static void Add(LabResults results, JsonObject one)
    {
        var name = (string)one["name"]!;
        if (Catalogue.Attacks.FirstOrDefault(a => a.Name == name) is not { } attack)
        {
            results.Problems.Add($"the results hold the attack {name}, which this version does not know; it is left out of the report");
            return;
        }
        var attempts = (int)one["attempts"]!;
        results.Attacks.Add(new(attack, Strike((string)one["insecure"]!, (string)one["insecureReason"]!, (int?)one["insecureAttempts"] ?? 1), Strike((string)one["secure"]!, (string)one["reason"]!, attempts),
            (string?)one["withoutControl"] is { } without ? Strike(without, (string?)one["withoutReason"] ?? "", 1) : null));
    }

    private static Strike Strike(string result, string reason, int attempts) => new(result switch
    {
        "succeeded" => StrikeResult.Succeeded,
        "blocked" => StrikeResult.Blocked,
        "not-applicable" => StrikeResult.NotApplicable,
        _ => StrikeResult.NotRun,
    }, reason, attempts);

    private static TimingFinding OfTiming(JsonNode? t) => new((string)t!["name"]!, (string?)t["meaning"] ?? "",
        [.. t["cases"]!.AsObject().Select(c => (new TimingCase(c.Key, 0), OfSummary(c.Value)!))],
        new((double)t["t"]!, (double)t["threshold"]!, OfSummary(t["cases"]!.AsObject().First().Value)!.Count, 0), (string?)t["worstCase"] ?? "", (bool?)t["leakExpected"] ?? false);

    private static List<(string Name, bool Succeeded, string Cause)> Rows(JsonNode rows) => [.. rows.AsArray().Select(r => ((string)r!["name"]!, (string)r["outcome"]! == "succeeded", (string)r["cause"]!))];

    private static Summary? OfSummary(JsonNode? node) => node is JsonObject summary ? Summary.Of(summary) : null;
}
