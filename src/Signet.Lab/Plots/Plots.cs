using System.Globalization;

namespace Signet.Lab;

/// <summary>The lab's plots: file name without extension, and the SVG.</summary>
internal static class Plots
{
    public static IReadOnlyList<(string Name, string Caption, string Svg)> All(LabResults results)
    {
        var plots = new List<(string, string, string)>();
        if (results.Attacks.Count > 0)
        {
            plots.Add(("attack-success", "Every attack in both houses, and in the secure house without the one control that stops it.", Outcomes(results)));
            plots.Add(("attempts-and-blocks", "Hostile attempts against blocks for each attack, in both houses (logarithmic).", EachAttempt(results)));
            plots.Add(("attempts-by-layer", "The same, summed up by layer.", Attempts(results)));
        }
        if (results.Suites.Count > 0)
        {
            plots.Add(("latency", "Latency of a message in each suite: box from first to third quartile, whiskers to 1.5 quartile ranges, diamond at the mean.", Latency(results)));
            plots.Add(("security-overhead", "Mean latency with its 95 % interval, the ratio to the insecure house, and the paper's figures beside ours.", Overhead(results)));
            plots.Add(("cost-per-message", "Bytes on the wire and processor time of one message.", Cost(results)));
        }
        if (results.Handshake is not null && results.PlainConnect is not null && results.Fsync is not null) plots.Add(("connections", "What is paid once: a connection without and with mutual TLS 1.3, and the flush of one journal record.", Connections(results)));
        if (results.Floods.Count > 0) plots.Add(("under-flood", "Time of a command to the victim while an attacker floods the house (shaded). A point at the top did not arrive.", Flood(results)));
        if (results.Timing.Count > 0) plots.Add(("timing", "Does a comparison's time tell how much of a guess is right? Medians of each case; the verdict is Welch's t.", Timing(results)));
        return plots;
    }

    private static string Outcomes(LabResults results)
    {
        const int row = 17, top = 96, name = 250, column = 130;
        var svg = new Svg(name + column * 3 + 330, top + results.Attacks.Count * row + 30, "Attacks and their end", $"{results.Attacks.Count} kinds; seed {results.Seed}");
        string[] heads = ["insecure house", "secure house", "control left out"];
        for (var i = 0; i < 3; i++) svg.Text(name + column * (i + 0.5), top - 14, heads[i], 11.5, Svg.Faint, "middle", bold: true);
        svg.Text(name + column * 3 + 12, top - 14, "the secure house's reason", 11.5, Svg.Faint, bold: true);
        var layer = (AttackLayer)0;
        for (var i = 0; i < results.Attacks.Count; i++)
        {
            var result = results.Attacks[i];
            var y = top + i * row;
            if (result.Attack.Layer != layer)
            {
                svg.Line(14, y - 1, svg.Width - 14, y - 1, Svg.Grid);
                layer = result.Attack.Layer;
                svg.Text(20, y + 12, layer.ToString().ToLowerInvariant(), 10.5, Svg.Faint, bold: true);
            }
            svg.Text(name - 10, y + 12, result.Attack.Name, 10.5, anchor: "end");
            Cell(svg, name, y, column, result.Open);
            Cell(svg, name + column, y, column, result.Secure);
            if (result.WithoutControl is { } without) Cell(svg, name + column * 2, y, column, without);
            svg.Text(name + column * 3 + 12, y + 12, Short(result.Secure.Reason, 48), 10, Svg.Faint);
        }
        return svg.ToString();

        static void Cell(Svg svg, double x, double y, double width, Strike strike)
        {
            var (fill, word) = strike.Result switch
            {
                StrikeResult.Succeeded => (Svg.Open, "succeeded"),
                StrikeResult.Blocked => (Svg.Secure, "blocked"),
                StrikeResult.NotApplicable => ("#f3f4f6", "not applicable"),
                _ => ("#fde68a", "not run"),
            };
            svg.Rect(x + 2, y + 1.5, width - 4, row - 3, fill);
            svg.Text(x + width / 2, y + 12, word, 10, strike.Result is StrikeResult.Succeeded or StrikeResult.Blocked ? "#ffffff" : Svg.Faint, "middle");
        }
    }

    private static string EachAttempt(LabResults results)
    {
        const int row = 22, top = 92, left = 270;
        var svg = new Svg(1000, top + results.Attacks.Count * row + 50, "Attempts and blocks, attack by attack", "attempts (light) and how many were blocked (full); above the secure house, below the open one; nothing below: it does not apply there");
        var axis = new Axis(1, Math.Max(10, results.Attacks.Max(a => Math.Max(a.Secure.Attempts, a.Open.Attempts))), left, 860, log: true);
        var bottom = top + results.Attacks.Count * row;
        foreach (var tick in axis.Ticks())
        {
            svg.Line(axis.At(tick), top - 6, axis.At(tick), bottom, Svg.Grid);
            svg.Text(axis.At(tick), top - 12, Axis.Label(tick), 10.5, Svg.Faint, "middle");
        }
        for (var i = 0; i < results.Attacks.Count; i++)
        {
            var (attack, y) = (results.Attacks[i], top + i * row);
            svg.Text(left - 10, y + 14, attack.Attack.Name, 10.5, anchor: "end");
            Bar(svg, axis, y + 2, attack.Secure, Svg.Secure);
            Bar(svg, axis, y + 11, attack.Open, Svg.Open);
            svg.Text(872, y + 14, $"{Blocked(attack.Secure):#,0} of {attack.Secure.Attempts:#,0}", 10, Svg.Faint);
        }
        return svg.ToString();

        static int Blocked(Strike strike) => strike.Result == StrikeResult.Blocked ? strike.Attempts : 0;

        static void Bar(Svg svg, Axis axis, double y, Strike strike, string colour)
        {
            if (strike.Attempts == 0) return;
            // One attempt has no length on a logarithmic axis: every bar gets three pixels more.
            var length = axis.At(strike.Attempts) - axis.At(1) + 3;
            svg.Rect(axis.At(1), y, length, 7.5, colour, strike.Result == StrikeResult.Blocked ? 1 : 0.3);
        }
    }

    private static string Connections(LabResults results)
    {
        (string Name, string Meaning, Summary Time)[] rows =
        [
            ("plain connection", "TCP, CONNECT, CONNACK", results.PlainConnect!), ("mutual TLS 1.3", "TCP, both certificates, CONNECT", results.Handshake!), ("journal flush", "1 kB record, flushed to disk", results.Fsync!),
        ];
        var svg = new Svg(900, 110 + rows.Length * 62, "What is paid once", "median with quartiles and 99th percentile, logarithmic; the flush is paid once a command, before the device acts");
        var axis = new Axis(rows.Min(r => r.Time.Quartile1) * 0.8, rows.Max(r => r.Time.P99) * 1.2, 250, 780, log: true);
        var bottom = 80 + rows.Length * 62;
        foreach (var tick in axis.Ticks())
        {
            svg.Line(axis.At(tick), 70, axis.At(tick), bottom, Svg.Grid);
            svg.Text(axis.At(tick), bottom + 16, Axis.Label(tick) + " ms", 10.5, Svg.Faint, "middle");
        }
        for (var i = 0; i < rows.Length; i++)
        {
            var ((name, meaning, time), y) = (rows[i], 100 + i * 62);
            svg.Text(236, y, name, 12.5, anchor: "end", bold: true);
            svg.Text(236, y + 16, meaning, 10.5, Svg.Faint, "end");
            svg.Line(axis.At(time.Quartile3), y, axis.At(time.P99), y, Svg.Faint, 1.5);
            svg.Line(axis.At(time.P99), y - 6, axis.At(time.P99), y + 6, Svg.Faint, 1.5);
            svg.Rect(axis.At(time.Quartile1), y - 9, Math.Max(axis.At(time.Quartile3) - axis.At(time.Quartile1), 2), 18, i == 0 ? Svg.Open : Svg.Secure, 0.6);
            svg.Line(axis.At(time.Median), y - 9, axis.At(time.Median), y + 9, Svg.Ink, 2);
            svg.Text(792, y - 2, string.Create(CultureInfo.InvariantCulture, $"{time.Mean:0.00} ms mean"), 11);
            svg.Text(792, y + 13, string.Create(CultureInfo.InvariantCulture, $"n = {time.Count}, p99 {time.P99:0.00}"), 10.5, Svg.Faint);
        }
        return svg.ToString();
    }

    private static string Attempts(LabResults results)
    {
        var layers = results.Attacks.GroupBy(a => a.Attack.Layer).OrderBy(g => g.Key).ToList();
        var svg = new Svg(820, 130 + layers.Count * 74, "Attempts and blocks", "secure house: hostile attempts (light) and how many were blocked (full), logarithmic; insecure house: the same");
        var axis = new Axis(1, Math.Max(10, layers.Max(l => l.Sum(a => a.Secure.Attempts))), 150, 700, log: true);
        var bottom = 80 + layers.Count * 74;
        foreach (var tick in axis.Ticks())
        {
            svg.Line(axis.At(tick), 70, axis.At(tick), bottom, Svg.Grid);
            svg.Text(axis.At(tick), bottom + 18, Axis.Label(tick), 11, Svg.Faint, "middle");
        }
        svg.Text(425, bottom + 38, "attempts", 11.5, Svg.Faint, "middle");
        for (var i = 0; i < layers.Count; i++)
        {
            var y = 80 + i * 74;
            svg.Text(138, y + 32, layers[i].Key.ToString().ToLowerInvariant(), 13, anchor: "end", bold: true);
            Pair(svg, axis, y, layers[i].Select(a => a.Secure), Svg.Secure, "secure");
            Pair(svg, axis, y + 30, layers[i].Select(a => a.Open), Svg.Open, "insecure");
        }
        return svg.ToString();

        static void Pair(Svg svg, Axis axis, double y, IEnumerable<Strike> strikes, string colour, string house)
        {
            var all = strikes.Where(s => s.Result is StrikeResult.Succeeded or StrikeResult.Blocked).ToList();
            var (attempts, blocks) = (all.Sum(s => s.Attempts), all.Where(s => s.Result == StrikeResult.Blocked).Sum(s => s.Attempts));
            if (attempts > 0) svg.Rect(axis.At(1), y, Math.Max(axis.At(attempts) - axis.At(1), 3), 22, colour, 0.25);
            if (blocks > 0) svg.Rect(axis.At(1), y + 4, Math.Max(axis.At(blocks) - axis.At(1), 3), 14, colour);
            svg.Text(axis.At(Math.Max(attempts, 1)) + 8, y + 15, attempts == 0 ? $"{house}: nothing applies" : $"{house}: {blocks:#,0} of {attempts:#,0} blocked", 11, Svg.Ink);
        }
    }

    private static string Latency(LabResults results)
    {
        var svg = new Svg(900, 470, "Latency by suite", $"make, send over the same plain loopback broker, verify, act; n = {results.Suites[0].Milliseconds.Count} each, in random order");
        var axis = new Axis(results.Suites.Min(s => s.Milliseconds.LowWhisker) * 0.9, results.Suites.Max(s => Math.Max(s.Milliseconds.P99, s.Milliseconds.Mean)) * 1.1, 390, 80, log: true);
        Horizontal(svg, axis, 80, 870, "milliseconds");
        var width = 790.0 / results.Suites.Count;
        for (var i = 0; i < results.Suites.Count; i++)
        {
            var (s, x) = (results.Suites[i].Milliseconds, 80 + width * (i + 0.5));
            var colour = results.Suites[i].Suite == LatencyStudy.Insecure ? Svg.Open : Svg.Secure;
            svg.Line(x, axis.At(s.LowWhisker), x, axis.At(s.HighWhisker), Svg.Ink, 1.2);
            foreach (var end in new[] { s.LowWhisker, s.HighWhisker }) svg.Line(x - 12, axis.At(end), x + 12, axis.At(end), Svg.Ink, 1.2);
            svg.Rect(x - 26, axis.At(s.Quartile3), 52, Math.Max(axis.At(s.Quartile1) - axis.At(s.Quartile3), 1.5), colour, 0.55, colour);
            svg.Line(x - 26, axis.At(s.Median), x + 26, axis.At(s.Median), Svg.Ink, 2);
            svg.Path([(x, axis.At(s.Mean) - 5), (x + 5, axis.At(s.Mean)), (x, axis.At(s.Mean) + 5), (x - 5, axis.At(s.Mean)), (x, axis.At(s.Mean) - 5)], Svg.Mark, 2);
            svg.Line(x - 6, axis.At(s.P99), x + 6, axis.At(s.P99), Svg.Faint, 1.2, "2 2");
            svg.Text(x, 412, results.Suites[i].Suite, 11.5, anchor: "middle", bold: true);
            svg.Text(x, 429, string.Create(CultureInfo.InvariantCulture, $"mean {s.Mean:0.000}"), 10.5, Svg.Faint, "middle");
            svg.Text(x, 444, string.Create(CultureInfo.InvariantCulture, $"p99 {s.P99:0.000}"), 10.5, Svg.Faint, "middle");
        }
        return svg.ToString();
    }

    private static string Overhead(LabResults results)
    {
        var bars = results.Suites.Select(s => (Name: s.Suite, s.Milliseconds.Mean, Half: s.Milliseconds.HalfInterval, Paper: false, Ratio: results.InsecureLatency is { } i ? Ratio.Of(s.Milliseconds, i) : null)).ToList();
        bars.Add(("paper: insecure", 4.23, 0, true, null));
        bars.Add(("paper: secure", 21.14, 0, true, null));
        var svg = new Svg(1120, 470, "Security overhead", "mean latency with its 95 % interval; in grey what the paper measured on its machine, in Python, over Docker (ratio 5.0)");
        var axis = new Axis(Math.Min(0.05, bars.Min(b => b.Mean) * 0.8), 30, 390, 80, log: true);
        Horizontal(svg, axis, 80, 1100, "milliseconds");
        var width = 1010.0 / bars.Count;
        for (var i = 0; i < bars.Count; i++)
        {
            var (bar, x) = (bars[i], 85 + width * (i + 0.5));
            var colour = bar.Paper ? "#9ca3af" : bar.Name == LatencyStudy.Insecure ? Svg.Open : Svg.Secure;
            svg.Rect(x - width * 0.32, axis.At(bar.Mean), width * 0.64, 390 - axis.At(bar.Mean), colour, 0.85);
            if (bar.Half > 0)
            {
                var (low, high) = (axis.At(bar.Mean - bar.Half), axis.At(bar.Mean + bar.Half));
                svg.Line(x, low, x, high, Svg.Ink, 1.5);
                foreach (var end in new[] { low, high }) svg.Line(x - 7, end, x + 7, end, Svg.Ink, 1.5);
            }
            svg.Text(x, axis.At(bar.Mean + bar.Half) - 9, string.Create(CultureInfo.InvariantCulture, $"{bar.Mean:0.###} ms"), 11.5, anchor: "middle", bold: true);
            svg.Text(x, 411, bar.Name, 11, anchor: "middle", bold: true);
            if (bar.Ratio is { } ratio && bar.Name != LatencyStudy.Insecure)
            {
                svg.Text(x, 428, string.Create(CultureInfo.InvariantCulture, $"{ratio.Value:0.0} x insecure"), 10.5, Svg.Faint, "middle");
                svg.Text(x, 443, string.Create(CultureInfo.InvariantCulture, $"[{ratio.Low:0.00}, {ratio.High:0.00}]"), 10, Svg.Faint, "middle");
            }
            else if (bar.Name == "paper: secure") svg.Text(x, 428, "5.0 x insecure", 10.5, Svg.Faint, "middle");
        }
        return svg.ToString();
    }

    private static string Cost(LabResults results)
    {
        var svg = new Svg(900, 90 + results.Suites.Count * 46 + 40, "Cost of one message", "left: bytes of the PUBLISH packet, payload in full colour; right: processor time of both ends and the broker together");
        var bytes = new Axis(0, results.Suites.Max(s => Math.Max(s.Bytes, s.WireBytes)) * 1.25, 150, 480);
        var cpu = new Axis(0, Math.Max(results.Suites.Max(s => s.CpuMilliseconds) * 1.25, 0.01), 530, 860);
        var bottom = 84 + results.Suites.Count * 46;
        foreach (var (axis, unit) in new[] { (bytes, "bytes"), (cpu, "ms of processor time") })
        {
            foreach (var tick in axis.Ticks())
            {
                svg.Line(axis.At(tick), 70, axis.At(tick), bottom, Svg.Grid);
                svg.Text(axis.At(tick), bottom + 16, Axis.Label(tick), 10.5, Svg.Faint, "middle");
            }
            svg.Text(axis.At(0) + 150, bottom + 34, unit, 11, Svg.Faint, "middle");
        }
        for (var i = 0; i < results.Suites.Count; i++)
        {
            var (suite, y) = (results.Suites[i], 78 + i * 46);
            var colour = suite.Suite == LatencyStudy.Insecure ? Svg.Open : Svg.Secure;
            svg.Text(138, y + 22, suite.Suite, 12, anchor: "end", bold: true);
            var wire = Math.Max(suite.WireBytes, suite.Bytes);
            svg.Rect(150, y + 4, bytes.At(wire) - 150, 26, colour, 0.3);
            svg.Rect(150, y + 4, bytes.At(suite.Bytes) - 150, 26, colour, 0.85);
            svg.Text(bytes.At(wire) + 6, y + 22, wire.ToString("#,0", CultureInfo.InvariantCulture), 11);
            svg.Rect(530, y + 4, cpu.At(suite.CpuMilliseconds) - 530, 26, colour, 0.85);
            svg.Text(cpu.At(suite.CpuMilliseconds) + 6, y + 22, suite.CpuMilliseconds.ToString("0.00", CultureInfo.InvariantCulture), 11);
        }
        return svg.ToString();
    }

    private static string Flood(LabResults results)
    {
        var svg = new Svg(900, 70 + results.Floods.Count * 200, "Under flood", "a command every 25 ms; shaded: one client sends as fast as it can");
        var most = results.Floods.SelectMany(f => f.Points).Max(p => p.Milliseconds) ?? 1;
        var least = results.Floods.SelectMany(f => f.Points).Min(p => p.Milliseconds) ?? 0.1;
        for (var i = 0; i < results.Floods.Count; i++)
        {
            var (flood, top) = (results.Floods[i], 80 + i * 200);
            var y = new Axis(Math.Max(least * 0.8, 0.01), Math.Max(most * 1.2, 1), top + 150, top + 10, log: true);
            var x = new Axis(0, 6.1, 80, 880);
            svg.Rect(x.At(flood.FloodFrom), top + 10, x.At(flood.FloodTo) - x.At(flood.FloodFrom), 140, Svg.Open, 0.1);
            Horizontal(svg, y, 80, 880, "ms");
            var arrived = flood.Points.Where(p => p.Milliseconds is not null).ToList();
            var colour = flood.House == "secure" ? Svg.Secure : Svg.Open;
            svg.Path(arrived.Select(p => (x.At(p.Seconds), y.At(p.Milliseconds!.Value))), colour, 1.2);
            foreach (var lost in flood.Points.Where(p => p.Milliseconds is null)) svg.Dot(x.At(lost.Seconds), top + 12, 3, Svg.Mark);
            foreach (var tick in new[] { 0, 1, 2, 3, 4, 5, 6 }) svg.Text(x.At(tick), top + 168, tick + " s", 10.5, Svg.Faint, "middle");
            svg.Text(86, top + 4, $"{flood.House} house: {flood.Points.Count - arrived.Count} of {flood.Points.Count} commands lost", 12, bold: true);
        }
        return svg.ToString();
    }

    private static string Timing(LabResults results)
    {
        static int Panel(TimingFinding finding) => Math.Max(finding.Cases.Count * 21, 88) + 43;
        var svg = new Svg(960, 78 + results.Timing.Sum(Panel), "Timing of comparisons", "median of each case and its quartiles, in nanoseconds; each panel has its own scale; a leak is |t| > 10");
        for (var (i, top) = (0, 74); i < results.Timing.Count; top += Panel(results.Timing[i]), i++)
        {
            var finding = results.Timing[i];
            var colour = finding.Worst.Leaks ? Svg.Open : Svg.Secure;
            svg.Text(20, top + 14, finding.Name, 13, bold: true);
            svg.Text(20, top + 32, finding.Verdict, 12, colour, bold: true);
            svg.Text(20, top + 50, string.Create(CultureInfo.InvariantCulture, $"t = {finding.Worst.T:0.0}"), 11.5, Svg.Faint);
            svg.Text(20, top + 66, string.Create(CultureInfo.InvariantCulture, $"range {finding.Range * 1000:0.00} ns"), 11.5, Svg.Faint);
            svg.Text(20, top + 82, string.Create(CultureInfo.InvariantCulture, $"n ≥ {finding.Cases.Min(c => c.Microseconds.Count):#,0} each"), 11.5, Svg.Faint);
            var low = finding.Cases.Min(c => c.Microseconds.Quartile1) * 1000;
            var high = finding.Cases.Max(c => c.Microseconds.Quartile3) * 1000;
            var pad = Math.Max((high - low) * 0.15, 0.05);
            var axis = new Axis(Math.Max(0, low - pad), high + pad, 330, 920);
            foreach (var tick in axis.Ticks())
            {
                svg.Line(axis.At(tick), top, axis.At(tick), top + finding.Cases.Count * 21 + 2, Svg.Grid);
                svg.Text(axis.At(tick), top + finding.Cases.Count * 21 + 16, tick.ToString(high - low < 0.8 ? "0.00" : high - low < 8 ? "0.0" : "#,0", CultureInfo.InvariantCulture) + " ns", 10, Svg.Faint, "middle");
            }
            for (var n = 0; n < finding.Cases.Count; n++)
            {
                var (timed, time) = finding.Cases[n];
                var y = top + n * 21 + 12;
                svg.Text(320, y + 4, timed.Name, 11, anchor: "end");
                svg.Line(axis.At(time.Quartile1 * 1000), y, axis.At(time.Quartile3 * 1000), y, colour, 7);
                svg.Dot(axis.At(time.Median * 1000), y, 4.5, Svg.Ink);
            }
        }
        return svg.ToString();
    }

    /// <summary>Grid lines and labels of a vertical value axis.</summary>
    private static void Horizontal(Svg svg, Axis axis, double left, double right, string unit)
    {
        foreach (var tick in axis.Ticks())
        {
            svg.Line(left, axis.At(tick), right, axis.At(tick), Svg.Grid);
            svg.Text(left - 8, axis.At(tick) + 4, Axis.Label(tick), 10.5, Svg.Faint, "end");
        }
        svg.Text(left - 8, axis.At(axis.Ticks().Last()) - 10, unit, 10.5, Svg.Faint, "end");
    }

    private static string Short(string text, int most) => text.Length <= most ? text : text[..(most - 1)] + "…";
}
