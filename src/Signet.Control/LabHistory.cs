using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Control;

/// <summary>One attack as a run of the lab found it.</summary>
/// <param name="Insecure"><c>succeeded, blocked, not-applicable, not-run</c>; the others likewise.</param>
/// <param name="WithoutControl">Against the secure house without <paramref name="Control"/>; empty when it was not tried.</param>
public sealed record LabAttack(string Name, string Layer, string Says, string Insecure, string Secure, long Attempts, string Reason, string ExpectedReason, string Control, string WithoutControl);

/// <summary>One run of the attack lab, as its <c>results.json</c> tells it.</summary>
/// <param name="Name">The run's folder below <c>lab/</c>.</param>
/// <param name="Ended">False while it is under way, or when it was killed.</param>
/// <param name="InsecureRate">Share of the attacks that apply that succeeded, 0 to 1; NaN when none ran. The others likewise.</param>
/// <param name="Overhead">Mean latency of each suite as a multiple of the insecure one.</param>
/// <param name="Plots">Names of the plots that lie beside it, without ending.</param>
public sealed record LabOutcome(
    string Name, DateTimeOffset Started, TimeSpan Duration, bool Ended, bool Complete, bool Passed, IReadOnlyList<string> Problems, long Seed, string Version,
    double InsecureRate, long InsecureApplicable, double SecureRate, long Kinds, long Attempts, double KillRate, IReadOnlyDictionary<string, double> Overhead,
    string ReplaySummary, IReadOnlyList<LabAttack> Attacks, IReadOnlyList<string> Plots);

/// <summary>
/// The results that <c>signet lab run</c> left in <c>lab/</c> of the data directory. Files are read and nothing in them is believed: sizes are bounded, what does not fit is left out.
/// </summary>
public sealed class LabHistory(string directory)
{
    /// <summary>Runs read at most, newest first; bytes of one results file and of one plot; attacks of one run.</summary>
    private const int Runs = 30, ResultsBytes = 8 << 20, PlotBytes = 4 << 20, MostAttacks = 1_000, LongestText = 400;

    /// <summary>Newest first. What cannot be read is left out.</summary>
    public IReadOnlyList<LabOutcome> List()
    {
        if (!Directory.Exists(directory)) return [];
        try
        {
            return [.. Directory.EnumerateDirectories(directory).Select(Path.GetFileName).OfType<string>().Where(IsName).OrderDescending(StringComparer.Ordinal).Take(Runs).Select(Read).OfType<LabOutcome>()];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The SVG of a plot; null: there is none of that name.</summary>
    public byte[]? Plot(string run, string plot)
    {
        var path = IsName(run) && IsName(plot) ? Path.Combine(directory, run, plot + ".svg") : null;
        try
        {
            return path is not null && new FileInfo(path) is { Exists: true, Length: <= PlotBytes } ? File.ReadAllBytes(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    // Letters, digits and hyphens: no name leads out of the folder.
    private static bool IsName(string name) => name.Length is > 0 and <= 64 && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-');

    private LabOutcome? Read(string name)
    {
        var file = new FileInfo(Path.Combine(directory, name, "results.json"));
        if (!file.Exists || file.Length > ResultsBytes) return null;
        try
        {
            return JsonNode.Parse(File.ReadAllBytes(file.FullName), documentOptions: new() { MaxDepth = 16 }) is JsonObject json ? Of(name, json) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or ArgumentException)
        {
            return null;
        }
    }

    private LabOutcome Of(string name, JsonObject json)
    {
        var (insecure, secure, replay) = (json["insecure"] as JsonObject, json["secure"] as JsonObject, json["replay"] as JsonObject);
        return new(name,
            DateTimeOffset.TryParse(Text(json["started"]), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var started) ? started : DateTimeOffset.UnixEpoch,
            TimeSpan.FromSeconds(Math.Clamp(Number(json["durationSeconds"], 0), 0, 1e7)), Flag(json["ended"]), Flag(json["complete"]), Flag(json["passed"]),
            [.. Items(json["problems"]).Concat(Items(json["failures"])).Take(20).Select(Text)], (long)Number(json["seed"], 0), Text((json["versions"] as JsonObject)?["signet"]),
            Number(insecure?["successRate"]), (long)Number(insecure?["applicable"], 0), Number(secure?["successRate"]), (long)Number(secure?["kinds"], 0), (long)Number(secure?["attempts"], 0),
            Number(json["controlKillRate"]),
            (json["overheadRatio"] as JsonObject ?? []).Where(p => !double.IsNaN(Number(p.Value))).Take(20).ToDictionary(p => p.Key, p => Number(p.Value), StringComparer.Ordinal),
            replay is null ? "" : $"{Number(replay["attempts"], 0):0} copies, {Number(replay["executions"], 0):0} carried out, {Number(replay["refusals"], 0):0} signed refusals, {Number(replay["auditEntries"], 0):0} audit entries",
            [.. Items(json["attacks"]).OfType<JsonObject>().Take(MostAttacks).Select(Attack)],
            [.. Directory.EnumerateFiles(Path.Combine(directory, name), "*.svg").Select(Path.GetFileNameWithoutExtension).OfType<string>().Where(IsName).Order(StringComparer.Ordinal)]);
    }

    private static LabAttack Attack(JsonObject one) => new(Text(one["name"]), Text(one["layer"]), Text(one["says"]), Text(one["insecure"]), Text(one["secure"]), (long)Number(one["attempts"], 0),
        Text(one["reason"]), Text(one["expectedReason"]), Text(one["control"]), Text(one["withoutControl"]));

    private static IEnumerable<JsonNode?> Items(JsonNode? node) => node as JsonArray ?? [];

    private static string Text(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text.Length <= LongestText ? text : text[..LongestText] : "";

    private static bool Flag(JsonNode? node) => node is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;

    private static double Number(JsonNode? node, double otherwise = double.NaN) => node is JsonValue value && value.TryGetValue<double>(out var number) && double.IsFinite(number) ? number : otherwise;
}
