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
/// <param name="WireBytes">What the broker reads for one message: the payload in its PUBLISH packet. Inside TLS 1.3 each adds 22 bytes (RFC 8446 section 5.2).</param>
public sealed record SuiteResult(string Suite, string Meaning, Summary Milliseconds, int Bytes, double CpuMilliseconds, double WireBytes);

/// <summary>Round trips of a device while somebody floods its house.</summary>
/// <param name="Points">Seconds since the start, milliseconds; null: no answer in time.</param>
public sealed record FloodSeries(string House, IReadOnlyList<(double Seconds, double? Milliseconds)> Points, double FloodFrom, double FloodTo);

/// <summary>What the soak found.</summary>
/// <param name="Genuine">Commands sent through the center meanwhile; <paramref name="GenuineLost"/>: those that were not executed in time.</param>
/// <param name="P99">Milliseconds from sending a genuine command to its receipt, in 99 of 100 cases.</param>
/// <param name="Memory">Bytes in use, all garbage collected: after each tenth of the time, and at the end.</param>
public sealed record SoakResult(TimeSpan Duration, long Attempts, long Successes, long Genuine, long GenuineLost, double P50, double P99, IReadOnlyList<long> Memory)
{
    /// <summary>After a tenth of the time: what the houses need.</summary>
    public long MemoryBefore => Memory[0];

    public long MemoryAfter => Memory[^1];

    /// <summary>Growth that counts as none: caches, pools and the audit log's index fill up at the beginning.</summary>
    public const long GrowthAllowed = 24 << 20;

    /// <summary>Service level: a command is answered within this in 99 of 100 cases.</summary>
    public const double P99Allowed = 2_000;

    public bool Holds => Successes == 0 && GenuineLost == 0 && P99 <= P99Allowed && MemoryAfter - MemoryBefore <= GrowthAllowed;

    public JsonObject ToJson() => new()
    {
        ["seconds"] = Math.Round(Duration.TotalSeconds, 1), ["attempts"] = Attempts, ["successes"] = Successes, ["genuine"] = Genuine, ["genuineLost"] = GenuineLost,
        ["p50Ms"] = Math.Round(P50, 2), ["p99Ms"] = Math.Round(P99, 2), ["memoryBeforeBytes"] = MemoryBefore, ["memoryAfterBytes"] = MemoryAfter, ["memoryBytes"] = new JsonArray([.. Memory.Select(m => JsonValue.Create(m))]), ["holds"] = Holds,
    };

    public static SoakResult Of(JsonObject json) => new(TimeSpan.FromSeconds((double)json["seconds"]!), (long)json["attempts"]!, (long)json["successes"]!, (long)json["genuine"]!, (long)json["genuineLost"]!,
        (double)json["p50Ms"]!, (double)json["p99Ms"]!,
        json["memoryBytes"] is JsonArray memory ? [.. memory.Select(m => (long)m!)] : [(long)json["memoryBeforeBytes"]!, (long)json["memoryAfterBytes"]!]);
}

/// <summary>Everything a run found, as far as it came.</summary>
public sealed record LabResults
{
    /// <summary>The run came to its end, whatever it found. False in the file of a run that is under way or was killed.</summary>
    public bool Ended { get; set; }

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

    /// <summary>A connection without TLS to the open house, for comparison.</summary>
    public Summary? PlainConnect { get; set; }
    public List<FloodSeries> Floods { get; } = [];
    public List<TimingFinding> Timing { get; } = [];
    public SoakResult? Soak { get; set; }
    public ReplayFinding? Replay { get; set; }
    public LogMetrics? Logs { get; set; }

    /// <summary>What the paper's secure house ran on.</summary>
    public string PaperBroker { get; set; } = "";

    /// <summary>What the numbers depend on besides the code.</summary>
    public JsonObject Versions { get; init; } = LabVersions.ToJson();

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
    public bool Passed => Complete && Failures.Count == 0;

    /// <summary>Each thing that must hold and does not, in a line for people. What was not run cannot fail; <see cref="Complete"/> says whether something is missing.</summary>
    public IReadOnlyList<string> Failures =>
    [
        .. Attacks.Where(a => a.Secure.Result == StrikeResult.Succeeded).Select(a => $"{a.Attack.Name} succeeded in the secure house: {a.Secure.Reason}"),
        .. Attacks.Where(a => a.Secure.Result == StrikeResult.Blocked && !a.BlockedAsExpected).Select(a => $"{a.Attack.Name} was blocked as \"{a.Secure.Reason}\" and not as \"{a.Attack.Reason}\": it did not reach what it is for"),
        .. Attacks.Where(a => a.WithoutControl?.Result == StrikeResult.Blocked).Select(a => $"{a.Attack.Name} does not get through without {a.Attack.Control}: the control survived being left out ({a.WithoutControl!.Reason})"),
        .. Attacks.Where(a => a.Open.Result == StrikeResult.Blocked).Select(a => $"{a.Attack.Name} did not succeed in the open house: {a.Open.Reason}"),
        .. Paper.SelectMany(p => p.Attacks.Where(a => a.Succeeded).Select(a => $"the paper's {a.Name} succeeded in {p.Suite}")),
        .. Paper.Where(p => p.Suite == PaperNames.Corrected).SelectMany(p => p.Defects.Where(d => d.Succeeded).Select(d => $"{p.Suite} is not cured of: {d.Name}")),
        .. Paper.Where(p => p.Suite == PaperNames.Faithful).SelectMany(p => p.Defects.Where(d => !d.Succeeded).Select(d => $"{p.Suite} does not show its defect: {d.Name}")),
        .. Timing.Where(t => t.Worst.Leaks != t.ExpectLeak).Select(t => $"{t.Name} is {t.Verdict} by its timing, which its code is not (t = {t.Worst.T:0.0})"),
        .. Replay is { Holds: false } ? ["the replay suite: not every side refused, logged and showed every copy"] : Array.Empty<string>(),
        .. Soak is { Holds: false } s ? [$"the soak: {s.Successes} successes, {s.GenuineLost} commands lost, {s.P99:0} ms for 99 of 100, memory grew by {(s.MemoryAfter - s.MemoryBefore) >> 20} MiB"] : Array.Empty<string>(),
    ];

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
            ["ended"] = Ended,
            ["complete"] = Complete,
            ["passed"] = Passed,
            ["problems"] = new JsonArray([.. Problems.Select(p => JsonValue.Create(p))]),
            ["failures"] = new JsonArray([.. Failures.Select(f => JsonValue.Create(f))]),
            ["seed"] = Seed,
            ["started"] = Started.ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture),
            ["durationSeconds"] = Math.Round(Duration.TotalSeconds, 1),
            ["versions"] = Versions.DeepClone(),
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
            ["wireBytesPerMessage"] = new JsonObject(Suites.Select(s => KeyValuePair.Create(s.Suite, (JsonNode?)Math.Round(s.WireBytes, 1)))),
            ["suites"] = new JsonObject(Suites.Select(s => KeyValuePair.Create(s.Suite, (JsonNode?)s.Meaning))),
            ["cpuMsPerMessage"] = new JsonObject(Suites.Select(s => KeyValuePair.Create(s.Suite, (JsonNode?)Math.Round(s.CpuMilliseconds, 4)))),
            ["journalFsyncMs"] = Fsync?.ToJson(),
            ["handshakeMs"] = Handshake?.ToJson(),
            ["plainConnectMs"] = PlainConnect?.ToJson(),
            ["paperBroker"] = PaperBroker,
            ["replay"] = Replay?.ToJson(),
            ["logs"] = Logs?.ToJson(),
            ["paper"] = new JsonArray([.. Paper.Select(p => p.ToJson())]),
            ["flood"] = new JsonArray([.. Floods.Select(f => new JsonObject
            {
                ["house"] = f.House, ["floodFromSeconds"] = f.FloodFrom, ["floodToSeconds"] = f.FloodTo,
                ["points"] = new JsonArray([.. f.Points.Select(p => new JsonArray(Math.Round(p.Seconds, 3), p.Milliseconds is { } ms ? Math.Round(ms, 3) : null))]),
            })]),
            ["timing"] = new JsonArray([.. Timing.Select(t => new JsonObject
            {
                ["name"] = t.Name, ["meaning"] = t.Meaning, ["verdict"] = t.Verdict, ["leakExpected"] = t.ExpectLeak, ["worstCase"] = t.WorstCase, ["t"] = Math.Round(t.Worst.T, 2), ["threshold"] = t.Worst.Threshold, ["rangeMicroseconds"] = Math.Round(t.Range, 5),
                ["cases"] = new JsonObject(t.Cases.Select(c => KeyValuePair.Create(c.Case.Name, (JsonNode?)c.Microseconds.ToJson()))),
            })]),
            ["soak"] = Soak?.ToJson(),
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
        ["insecureAttempts"] = result.Open.Attempts,
        ["control"] = result.Attack.Control,
        ["withoutControl"] = result.WithoutControl?.ResultName,
        ["withoutReason"] = result.WithoutControl?.Reason,
        ["techniques"] = new JsonArray([.. result.Attack.Techniques.Select(t => JsonValue.Create(t))]),
    };

    private static JsonNode? Number(double value) => double.IsNaN(value) ? null : Math.Round(value, 4);
}
