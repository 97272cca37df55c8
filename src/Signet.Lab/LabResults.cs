using System.Text.Json.Nodes;

namespace Signet.Lab;

/// <summary>One attack with its end in each house.</summary>
/// <param name="WithoutControl">Against the secure house without the attack's control; null: not run.</param>
public sealed record AttackResult(Attack Attack, Strike Open, Strike Secure, Strike? WithoutControl)
{
    /// <summary>Blocked, and for the reason the attack was meant to meet.</summary>
    public bool BlockedAsExpected => Secure.Result == StrikeResult.Blocked && Secure.Reason == Attack.Reason;
}

/// <summary>Latency and cost of one suite.</summary>
/// <param name="Milliseconds">From the beginning of making a message to the end of acting on it, over the broker.</param>
/// <param name="Bytes">Of one message.</param>
/// <param name="CpuMilliseconds">Processor time of the whole process for one message: what stands for energy here.</param>
public sealed record SuiteResult(string Suite, string Meaning, Summary Milliseconds, int Bytes, double CpuMilliseconds);

/// <summary>Round trips of a device while somebody floods its house.</summary>
/// <param name="Points">Seconds since the start, milliseconds; null: no answer in time.</param>
public sealed record FloodSeries(string House, IReadOnlyList<(double Seconds, double? Milliseconds)> Points, double FloodFrom, double FloodTo);

/// <summary>What the soak found.</summary>
public sealed record SoakResult(TimeSpan Duration, long Attempts, long Successes, long Genuine, long GenuineLost, long MemoryBefore, long MemoryAfter);

/// <summary>Everything a run found, as far as it came.</summary>
public sealed record LabResults
{
    public bool Complete { get; set; }
    public List<string> Problems { get; } = [];
    public required int Seed { get; init; }
    public required DateTimeOffset Started { get; init; }
    public TimeSpan Duration { get; set; }
    public List<AttackResult> Attacks { get; } = [];
    public List<PaperRun> Paper { get; } = [];
    public List<SuiteResult> Suites { get; } = [];
    public Summary? Fsync { get; set; }
    public Summary? Handshake { get; set; }
    public List<FloodSeries> Floods { get; } = [];
    public List<TimingFinding> Timing { get; } = [];
    public SoakResult? Soak { get; set; }

    public double InsecureSuccessRate => Rate(Attacks.Select(a => a.Open));
    public double SecureSuccessRate => Rate(Attacks.Select(a => a.Secure));
    public int SecureAttempts => Attacks.Sum(a => a.Secure.Attempts);

    /// <summary>Share of controls whose every attack got through when it was left out. Not a number when none ran.</summary>
    public double ControlKillRate
    {
        get
        {
            var controls = Attacks.Where(a => a.WithoutControl is not null).GroupBy(a => a.Attack.Control, StringComparer.Ordinal).ToList();
            return controls.Count == 0 ? double.NaN : (double)controls.Count(c => c.All(a => a.WithoutControl!.Result == StrikeResult.Succeeded)) / controls.Count;
        }
    }

    /// <summary>All that must hold does: what <c>signet lab run</c> answers with its exit code.</summary>
    public bool Passed => Complete && SecureSuccessRate == 0 && !(InsecureSuccessRate < 1) && !(ControlKillRate < 1) && Attacks.All(a => a.BlockedAsExpected)
        && Timing.All(t => t.Worst.Leaks == t.ExpectLeak) && Soak is null or { Successes: 0 };

    private static double Rate(IEnumerable<Strike> strikes)
    {
        var applicable = strikes.Where(s => s.Result is StrikeResult.Succeeded or StrikeResult.Blocked).ToList();
        return applicable.Count == 0 ? double.NaN : (double)applicable.Count(s => s.Result == StrikeResult.Succeeded) / applicable.Count;
    }

    public Summary? InsecureLatency => Suites.Find(s => s.Suite == LatencyStudy.Insecure)?.Milliseconds;

    /// <summary>The content of <c>results.json</c>.</summary>
    public JsonObject ToJson()
    {
        var ratios = Suites.Where(s => s.Suite != LatencyStudy.Insecure && InsecureLatency is not null).ToDictionary(s => s.Suite, s => Ratio.Of(s.Milliseconds, InsecureLatency!), StringComparer.Ordinal);
        return new JsonObject
        {
            ["complete"] = Complete,
            ["passed"] = Passed,
            ["problems"] = new JsonArray([.. Problems.Select(p => JsonValue.Create(p))]),
            ["seed"] = Seed,
            ["started"] = Started.ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture),
            ["durationSeconds"] = Math.Round(Duration.TotalSeconds, 1),
            ["versions"] = LabVersions.ToJson(),
            ["attacks"] = new JsonArray([.. Attacks.Select(Json)]),
            ["insecure"] = new JsonObject { ["successRate"] = Number(InsecureSuccessRate), ["applicable"] = Attacks.Count(a => a.Open.Result is StrikeResult.Succeeded or StrikeResult.Blocked) },
            ["secure"] = new JsonObject { ["successRate"] = Number(SecureSuccessRate), ["kinds"] = Attacks.Count, ["attempts"] = SecureAttempts },
            ["controlKillRate"] = Number(ControlKillRate),
            ["controls"] = Controls(),
            ["latencyMs"] = new JsonObject(Suites.Select(s => KeyValuePair.Create(s.Suite, (JsonNode?)s.Milliseconds.ToJson()))),
            ["overheadRatio"] = new JsonObject(ratios.Select(r => KeyValuePair.Create(r.Key, (JsonNode?)Math.Round(r.Value.Value, 3)))),
            ["overheadRatioCi95"] = new JsonObject(ratios.Select(r => KeyValuePair.Create(r.Key, (JsonNode?)new JsonArray(Math.Round(r.Value.Low, 3), Math.Round(r.Value.High, 3))))),
            ["overheadRatioOfMedians"] = InsecureLatency is null ? null : new JsonObject(Suites.Where(s => s.Suite != LatencyStudy.Insecure).Select(s => KeyValuePair.Create(s.Suite, (JsonNode?)Math.Round(s.Milliseconds.Median / InsecureLatency.Median, 3)))),
            ["bytesPerMessage"] = new JsonObject(Suites.Select(s => KeyValuePair.Create(s.Suite, (JsonNode?)s.Bytes))),
            ["cpuMsPerMessage"] = new JsonObject(Suites.Select(s => KeyValuePair.Create(s.Suite, (JsonNode?)Math.Round(s.CpuMilliseconds, 4)))),
            ["journalFsyncMs"] = Fsync?.ToJson(),
            ["handshakeMs"] = Handshake?.ToJson(),
            ["paper"] = new JsonArray([.. Paper.Select(p => p.ToJson())]),
            ["flood"] = new JsonArray([.. Floods.Select(f => new JsonObject
            {
                ["house"] = f.House, ["floodFromSeconds"] = f.FloodFrom, ["floodToSeconds"] = f.FloodTo,
                ["points"] = new JsonArray([.. f.Points.Select(p => new JsonArray(Math.Round(p.Seconds, 3), p.Milliseconds is { } ms ? Math.Round(ms, 3) : null))]),
            })]),
            ["timing"] = new JsonArray([.. Timing.Select(t => new JsonObject
            {
                ["name"] = t.Name, ["verdict"] = t.Verdict, ["t"] = Math.Round(t.Worst.T, 2), ["threshold"] = t.Worst.Threshold, ["rangeMicroseconds"] = Math.Round(t.Range, 5),
                ["cases"] = new JsonObject(t.Cases.Select(c => KeyValuePair.Create(c.Case.Name, (JsonNode?)c.Microseconds.ToJson()))),
            })]),
            ["soak"] = Soak is null ? null : new JsonObject
            {
                ["seconds"] = Math.Round(Soak.Duration.TotalSeconds, 1), ["attempts"] = Soak.Attempts, ["successes"] = Soak.Successes, ["genuine"] = Soak.Genuine, ["genuineLost"] = Soak.GenuineLost,
                ["memoryBeforeBytes"] = Soak.MemoryBefore, ["memoryAfterBytes"] = Soak.MemoryAfter,
            },
        };
    }

    private JsonArray Controls() => new([.. Catalogue.Controls.Select(c =>
    {
        var attacks = Attacks.Where(a => a.Attack.Control == c.Name && a.WithoutControl is not null).ToList();
        return new JsonObject
        {
            ["name"] = c.Name, ["meaning"] = c.Meaning, ["leftOut"] = c.LeftOut, ["requirements"] = new JsonArray([.. c.Requirements.Select(r => JsonValue.Create(r))]),
            ["attacks"] = attacks.Count, ["succeededWithout"] = attacks.Count(a => a.WithoutControl!.Result == StrikeResult.Succeeded),
        };
    })]);

    private static JsonObject Json(AttackResult result) => new()
    {
        ["name"] = result.Attack.Name,
        ["layer"] = result.Attack.Layer.ToString().ToLowerInvariant(),
        ["says"] = result.Attack.Says,
        ["insecure"] = result.Open.ResultName,
        ["secure"] = result.Secure.ResultName,
        ["attempts"] = result.Secure.Attempts,
        ["reason"] = result.Secure.Reason,
        ["expectedReason"] = result.Attack.Reason,
        ["insecureReason"] = result.Open.Reason,
        ["control"] = result.Attack.Control,
        ["withoutControl"] = result.WithoutControl?.ResultName,
        ["techniques"] = new JsonArray([.. result.Attack.Techniques.Select(t => JsonValue.Create(t))]),
    };

    private static JsonNode? Number(double value) => double.IsNaN(value) ? null : Math.Round(value, 4);
}
