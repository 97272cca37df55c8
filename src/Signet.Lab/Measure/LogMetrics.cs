using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signet.Lab;

/// <summary>What the actors' logs of a run say by themselves: the paper's metrics, taken from the same lines in the same way (accepted and rejected messages, attacks by name, time to verify).</summary>
/// <param name="Lines">Lines read, of all actors.</param>
/// <param name="Accepted">Messages the secure actuators accepted; likewise <paramref name="Rejected"/>.</param>
/// <param name="Attacks">Lines in which an attacker names what it does: name and count.</param>
/// <param name="VerifyMs">Milliseconds from bytes to verdict, as the secure actuators logged them; null when there are fewer than two.</param>
/// <param name="PlainActions">What the insecure actuator did without a check.</param>
public sealed record LogMetrics(int Lines, int Accepted, int Rejected, IReadOnlyDictionary<string, int> Attacks, Summary? VerifyMs, int PlainActions)
{
    /// <summary>Bytes of one log file. A full run writes some hundred kB.</summary>
    private const long MostBytes = 64 << 20;

    public JsonObject ToJson() => new()
    {
        ["lines"] = Lines, ["accepted"] = Accepted, ["rejected"] = Rejected, ["insecureActions"] = PlainActions, ["verifyMs"] = VerifyMs?.ToJson(),
        ["attacks"] = new JsonObject(Attacks.Select(a => KeyValuePair.Create(a.Key, (JsonNode?)a.Value))),
    };

    public static LogMetrics Of(JsonObject json) => new((int)json["lines"]!, (int)json["accepted"]!, (int)json["rejected"]!,
        json["attacks"]!.AsObject().ToDictionary(a => a.Key, a => (int)a.Value!, StringComparer.Ordinal), json["verifyMs"] is JsonObject s ? Summary.Of(s) : null, (int)json["insecureActions"]!);

    /// <summary>Reads every <c>*.ndjson</c> of a folder. A line that is none of ours is passed over.</summary>
    public static LogMetrics Collect(string directory)
    {
        var (lines, accepted, rejected, actions) = (0, 0, 0, 0);
        var attacks = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var verify = new List<double>();
        foreach (var line in Directory.EnumerateFiles(directory, "*.ndjson").Where(f => new FileInfo(f) is { Length: <= MostBytes, LinkTarget: null }).SelectMany(ReadShared))
        {
            if (Parse(line) is not { } entry) continue;
            lines++;
            var message = (string?)entry["message"] ?? "";
            if (message == "Message accepted") accepted++;
            else if (message == "Message rejected") rejected++;
            else if (message == "Actuator performed action" && ((string?)entry["logger"] ?? "") == PaperNames.OpenActuator) actions++;
            else if (message.StartsWith("ATTACK: ", StringComparison.Ordinal)) attacks[message["ATTACK: ".Length..]] = attacks.GetValueOrDefault(message["ATTACK: ".Length..]) + 1;
            if (message is "Message accepted" or "Message rejected" && entry["extra_data"]?["verify_time_ms"] is JsonValue time && time.TryGetValue<double>(out var ms)) verify.Add(ms);
        }
        return new(lines, accepted, rejected, attacks, verify.Count > 1 ? Summary.Of(verify) : null, actions);
    }

    public string InWords() => string.Create(CultureInfo.InvariantCulture, $"{Lines:#,0} lines: the secure actuators accepted {Accepted} messages and rejected {Rejected}, the insecure one acted {PlainActions:#,0} times; {Attacks.Values.Sum()} attacks are named by their attackers.")
        + (VerifyMs is { } v ? string.Create(CultureInfo.InvariantCulture, $" A verdict took {v.Mean:0.000} ms on average (n = {v.Count}, 95 % interval {v.Mean - v.HalfInterval:0.000} to {v.Mean + v.HalfInterval:0.000}).") : "");

    // The logs may still be open for writing.
    private static IEnumerable<string> ReadShared(string path)
    {
        using var file = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (file.ReadLine() is { } line) yield return line;
    }

    private static JsonObject? Parse(string line)
    {
        try
        {
            return JsonNode.Parse(line) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
