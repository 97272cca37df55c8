using System.Text.Json.Nodes;

namespace Signet.Browser;

/// <summary>Results as two runs of the attack lab leave them in a data directory, an older one that failed and a newer one that held, for the page that shows them. That the lab really writes this form is held by its own tests.</summary>
internal static class LabSample
{
    public const string Held = "20261125-120000-2", Fell = "20261124-120000-1";

    public static void Write(string dataDirectory)
    {
        Run(dataDirectory, Fell, "2026-11-24T12:00:00Z", passed: false);
        Run(dataDirectory, Held, "2026-11-25T12:00:00Z", passed: true);
    }

    private static void Run(string dataDirectory, string name, string started, bool passed)
    {
        var folder = Directory.CreateDirectory(Path.Combine(dataDirectory, "lab", name)).FullName;
        JsonObject Attack(string attack, string layer, string says, string insecure, string reason) => new()
        {
            ["name"] = attack, ["layer"] = layer, ["says"] = says, ["insecure"] = insecure, ["secure"] = "blocked", ["attempts"] = 100, ["reason"] = reason,
            ["expectedReason"] = passed ? reason : "another-reason", ["control"] = "replay-window", ["withoutControl"] = "succeeded", ["techniques"] = new JsonArray("T1692.001"),
        };
        var results = new JsonObject
        {
            ["ended"] = true, ["complete"] = true, ["passed"] = passed, ["problems"] = new JsonArray(), ["failures"] = passed ? [] : new JsonArray("immediate-replay was blocked as \"replayed\" <b>and not otherwise</b>"),
            ["seed"] = 1, ["started"] = started, ["durationSeconds"] = 74.2, ["versions"] = new JsonObject { ["signet"] = "0.1.0" },
            ["attacks"] = new JsonArray(
                Attack("immediate-replay", "message", "Sends an executed command again at once, 100 times.", "succeeded", "replayed"), Attack("wildcard-greed", "broker", "Subscribes to everything.", "succeeded", "no message came"),
                Attack("cross-site-form", "people", "Another page makes the operator's browser post the form that opens a door.", "not-applicable", "400")),
            ["insecure"] = new JsonObject { ["successRate"] = 1, ["applicable"] = 38 }, ["secure"] = new JsonObject { ["successRate"] = 0, ["kinds"] = 123, ["attempts"] = 14815 }, ["controlKillRate"] = 1,
            ["overheadRatio"] = new JsonObject { ["signet-es256"] = 2.1, ["signet-ps256"] = 3.9 },
            ["replay"] = new JsonObject { ["attempts"] = 10, ["executions"] = 0, ["refusals"] = 10, ["auditEntries"] = 2 },
        };
        File.WriteAllText(Path.Combine(folder, "results.json"), results.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "latency.svg"), "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"400\" height=\"120\"><rect width=\"400\" height=\"120\" fill=\"#ffffff\"/><rect x=\"20\" y=\"40\" width=\"200\" height=\"40\" fill=\"#0f766e\"/></svg>");
    }
}
