using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Signet.Control;
using Signet.Wire;

namespace Signet.Lab;

/// <summary>One of the paper's five cases: how much of the guess is right.</summary>
public sealed record TimingCase(string Name, int RightBytes);

/// <summary>One comparison under the clock.</summary>
/// <param name="Name">Of the comparison.</param>
/// <param name="Meaning">One line for people.</param>
/// <param name="Cases">Time of each case in microseconds.</param>
/// <param name="Worst">The case that differs most from the first, tested.</param>
/// <param name="ExpectLeak">What the lab knows beforehand; a run that finds otherwise failed to measure, or found something.</param>
public sealed record TimingFinding(string Name, string Meaning, IReadOnlyList<(TimingCase Case, Summary Microseconds)> Cases, WelchResult Worst, string WorstCase, bool ExpectLeak)
{
    public double Range => Cases.Max(c => c.Microseconds.Median) - Cases.Min(c => c.Microseconds.Median);

    /// <summary>The paper's words, decided by the test and not by the range.</summary>
    public string Verdict => Worst.Leaks ? "VULNERABLE" : "RESISTANT";
}

/// <summary>
/// The paper's timing study with enough samples and a test. Cases are measured in random order, each measurement being <see cref="Batch"/> comparisons in a row because one takes about as long
/// as the clock takes to read; the cases of one comparison share their buffers' sizes and differ in nothing but the bytes.
/// </summary>
public sealed class TimingLab(TimeProvider time, int seed, RandomNumberGenerator secrets)
{
    /// <summary>The paper's secret.</summary>
    public static readonly byte[] Secret = [.. "SECRET_KEY_12345"u8];

    public static IReadOnlyList<TimingCase> Cases { get; } =
    [
        new("All wrong", 0), new("First 6 bytes correct", 6), new("First 10 bytes correct", 10), new("First 15 bytes correct", 15), new("All correct", 16),
    ];

    /// <summary>Characters of the base64url tag that are falsified: in its first byte, in its sixteenth, in its thirty-first.</summary>
    private static readonly int[] TagPlaces = [0, 21, 40];

    /// <summary>Comparisons in one measurement.</summary>
    public const int Batch = 64;

    /// <summary>Measurements of each case. With 20,000 a difference of a tenth of the spread is found (t = 10).</summary>
    public const int Measurements = 20_000;

    /// <summary>All comparisons: the paper's two, the platform's, and where Signet itself compares secrets that somebody sends.</summary>
    public IReadOnlyList<TimingFinding> Run(int measurements = Measurements, Action<string>? progress = null, CancellationToken cancellationToken = default)
    {
        var findings = new List<TimingFinding>();
        foreach (var (name, meaning, compare, leaks) in new (string, string, Func<byte[], byte[], bool>, bool)[]
        {
            ("vulnerable_compare", "early exit at the first difference, as in the paper", Comparisons.VulnerableCompare, true),
            ("secure_compare", "differences gathered with XOR, as in the paper", Comparisons.SecureCompare, false),
            ("FixedTimeEquals", "the platform's comparison for secrets, the one Signet uses", Comparisons.FixedTimeEquals, false),
        })
        {
            progress?.Invoke(name);
            findings.Add(Measure(name, meaning, Cases, [.. Cases.Select(c => Guess(c.RightBytes))], g => compare(Secret, g), Batch, measurements, leaks, cancellationToken));
        }
        progress?.Invoke("PinnedKey (HS256)");
        findings.Add(OwnTagCheck(measurements / 4, cancellationToken));
        progress?.Invoke("SetupLink");
        findings.Add(OwnLinkCheck(measurements / 4, cancellationToken));
        progress?.Invoke("OneTimeCode");
        findings.Add(OwnCodeCheck(measurements / 4, cancellationToken));
        return findings;
    }

    /// <summary>Signet's own comparison of a secret, by the road hostile bytes take: a telemetry message whose HMAC tag is wrong in its first byte, in the middle, in its last byte.</summary>
    private TimingFinding OwnTagCheck(int measurements, CancellationToken cancellationToken)
    {
        var secret = new byte[32];
        new Random(seed).NextBytes(secret); // shared by both sides of this measurement alone
        using var key = SigningKey.Hs256(secret, "timing");
        using var pinned = PinnedKey.Hs256(secret, "thermostat-1", "timing");
        var now = time.GetUtcNow();
        var genuine = TelemetryMessage.Sign(new()
        {
            Issuer = "thermostat-1", Id = "01ARZ3NDEKTSV4RRFFQ69G5FAV", IssuedAt = now, Epoch = 1, Sequence = 1, Topic = Topics.Telemetry("thermostat-1", "temperature"), Name = "temperature",
            Value = System.Text.Json.Nodes.JsonValue.Create(21.5),
        }, key);
        var expected = new Expectation { Keys = KeyRing.Empty.With(pinned), Topic = Topics.Telemetry("thermostat-1", "temperature"), Now = now };
        var tag = genuine.AsSpan().LastIndexOf((byte)'.') + 1;
        TimingCase[] cases = [new("Tag wrong in byte 1", 0), new("Tag wrong in byte 16", 16), new("Tag wrong in byte 31", 31)];
        var guesses = TagPlaces.Select(at =>
        {
            byte[] wrong = [.. genuine];
            wrong[tag + at] = wrong[tag + at] == (byte)'A' ? (byte)'B' : (byte)'A';
            return wrong;
        }).ToArray();
        if (guesses.Any(g => TelemetryMessage.TryVerify(g, expected, out _, out var why) || why.Reason != RejectReason.BadSignature))
            throw new LabException("the timing lab's forged tags are not refused as bad-signature: nothing to measure");
        return Measure("PinnedKey (HS256)", "Signet's check of a message's HMAC tag, whole verification of hostile bytes", cases, guesses,
            g => TelemetryMessage.TryVerify(g, expected, out _, out _), batch: 4, measurements, expectLeak: false, cancellationToken);
    }

    /// <summary>A one-time code that is not the present one: no digit right, the first three, the first five. It has six digits, so a comparison that told how far a guess is would need sixty tries.</summary>
    private TimingFinding OwnCodeCheck(int measurements, CancellationToken cancellationToken)
    {
        var secret = new byte[20];
        new Random(seed).NextBytes(secret);
        var now = DateTimeOffset.UnixEpoch.AddYears(50); // any moment: the same for the same seed
        var code = Encoding.ASCII.GetBytes(OneTimeCode.At(secret, OneTimeCode.StepAt(now)));
        TimingCase[] cases = [new("All digits wrong", 0), new("First 3 digits right", 3), new("First 5 digits right", 5)];
        var guesses = cases.Select(c => code.Select((digit, i) => i < c.RightBytes ? digit : (byte)('0' + (digit - '0' + 5) % 10)).ToArray()).ToArray();
        if (guesses.Any(g => OneTimeCode.Match(secret, Encoding.ASCII.GetString(g), now) is not null)) throw new LabException("the timing lab's wrong code is taken for the right one: nothing to measure");
        return Measure("OneTimeCode", "Signet's check of a person's one-time code", cases, guesses,
            g =>
            {
                Span<char> typed = stackalloc char[6];
                Encoding.ASCII.GetChars(g, typed);
                return OneTimeCode.Match(secret, typed, now) is not null;
            }, batch: 4, measurements, expectLeak: false, cancellationToken);
    }

    /// <summary>Another place where Signet compares a secret that somebody sends: the token of the first administrator's one-time link, right up to its first, its middle and its last characters.</summary>
    private TimingFinding OwnLinkCheck(int measurements, CancellationToken cancellationToken)
    {
        var link = new Web.SignIn.SetupLink(time, secrets);
        var token = Encoding.ASCII.GetBytes(link.Create());
        TimingCase[] cases = [new("All wrong", 0), new($"First {token.Length / 2} characters right", token.Length / 2), new($"First {token.Length - 1} characters right", token.Length - 1)];
        var guesses = cases.Select(c => token.Select((b, i) => i < c.RightBytes ? b : b == (byte)'A' ? (byte)'B' : (byte)'A').ToArray()).ToArray();
        if (guesses.Any(g => link.IsValid(Encoding.ASCII.GetString(g)))) throw new LabException("the timing lab's wrong link is taken for the right one: nothing to measure");
        // The text is made anew each time from one buffer: texts that lie in different places would show, and nothing else.
        return Measure("SetupLink", "Signet's check of the first administrator's one-time link", cases, guesses, g => link.IsValid(Encoding.ASCII.GetString(g)), batch: 4, measurements, expectLeak: false, cancellationToken);
    }

    private TimingFinding Measure(string name, string meaning, IReadOnlyList<TimingCase> cases, byte[][] guesses, Func<byte[], bool> compare, int batch, int measurements, bool expectLeak, CancellationToken cancellationToken)
    {
        // Every case reads the same buffer: different arrays would lie differently in the cache, and that alone shows.
        var buffer = new byte[guesses[0].Length];
        var samples = cases.Select(_ => new List<double>(measurements)).ToArray();
        var order = new Random(seed);
        var unit = 1e6 / time.TimestampFrequency / batch;
        var hits = 0;
        var total = measurements * cases.Count;
        for (var i = -total / 10; i < total; i++) // the first tenth warms up caches and the compiler
        {
            if (i % 1024 == 0) cancellationToken.ThrowIfCancellationRequested();
            var which = order.Next(cases.Count);
            guesses[which].CopyTo(buffer, 0);
            var start = time.GetTimestamp();
            // Counted without a branch: the answer itself is no secret, and a branch on it here would show as if the comparison leaked.
            for (var n = 0; n < batch; n++) hits += Unsafe.BitCast<bool, byte>(compare(buffer));
            var ticks = time.GetTimestamp() - start;
            if (i >= 0) samples[which].Add(ticks * unit);
        }
        GC.KeepAlive(hits);
        var tests = Enumerable.Range(1, cases.Count - 1).Select(i => (cases[i].Name, Result: WelchTest.Compare(samples[i], samples[0]))).ToList();
        var worst = tests.MaxBy(t => Math.Abs(t.Result.T));
        return new(name, meaning, [.. cases.Zip(samples, (c, s) => (c, Summary.Of(s)))], worst.Result, worst.Name, expectLeak);
    }

    /// <summary>The secret's first bytes, and behind them what it is not.</summary>
    private static byte[] Guess(int right) => [.. Secret.Select((b, i) => i < right ? b : (byte)(b ^ 0x20))];
}
