using System.Globalization;
using System.Net;
using System.Text;

namespace Signet.Lab;

/// <summary>The report as one HTML page: style and plots inside, nothing fetched, no script.</summary>
internal static class ReportPage
{
    private const string Style = """
        :root{--open:#c2410c;--secure:#0f766e;--ink:#1f2937;--faint:#6b7280;--line:#e5e7eb}
        *{box-sizing:border-box}body{font:15px/1.55 system-ui,'DejaVu Sans',Verdana,sans-serif;color:var(--ink);margin:0;background:#f9fafb}
        main{max-width:1120px;margin:0 auto;padding:32px 20px 60px}h1{font-size:27px;margin:0 0 4px}h2{font-size:20px;margin:40px 0 10px}
        p{max-width:78ch}.faint{color:var(--faint);overflow-wrap:anywhere}.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:14px;margin:22px 0}
        .card{background:#fff;border:1px solid var(--line);border-radius:10px;padding:14px 16px}.card b{display:block;font-size:25px;line-height:1.25}.card span{color:var(--faint);font-size:13px}
        .good b{color:var(--secure)}.bad b{color:var(--open)}.wrap{overflow-x:auto;background:#fff;border:1px solid var(--line);border-radius:10px}
        table{border-collapse:collapse;width:100%;font-size:13px}th,td{text-align:left;padding:6px 10px;border-bottom:1px solid var(--line);vertical-align:top}th{color:var(--faint);font-weight:600;white-space:nowrap}
        tr:last-child td{border-bottom:0}td.n{text-align:right;font-variant-numeric:tabular-nums}.succeeded{color:var(--open);font-weight:600}.blocked{color:var(--secure);font-weight:600}.not-applicable,.not-run{color:var(--faint)}
        figure{margin:18px 0;background:#fff;border:1px solid var(--line);border-radius:10px;padding:12px}figure svg{max-width:100%;height:auto;display:block;margin:auto}figcaption{color:var(--faint);font-size:13px;padding:8px 6px 2px}
        .banner{border-radius:10px;padding:12px 16px;margin:18px 0;border:1px solid}.banner.bad{background:#fff7ed;border-color:#fdba74}.banner.good{background:#f0fdfa;border-color:#99f6e4}
        code{font-size:12.5px;background:#f3f4f6;padding:1px 4px;border-radius:4px}
        """;

    /// <summary>What signing may cost at most, as a multiple of the insecure round trip on the same broker in the same run.</summary>
    private const int Es256Bound = 3, Ps256Bound = 5;

    public static string Of(LabResults r, IReadOnlyList<(string Name, string Caption, string Svg)> plots)
    {
        var page = new StringBuilder();
        page.Append("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Signet attack lab</title><style>").Append(Style).Append("</style></head><body><main>\n");
        page.Append("<h1>Signet attack lab</h1>");
        Faint(page, $"{r.Started.UtcDateTime:yyyy-MM-dd HH:mm} UTC, {r.Duration.TotalSeconds:0} s, seed {r.Seed}. {Versions(r)}.");
        Banner(page, r);
        Cards(page, r);
        void Figure(string name)
        {
            var plot = plots.FirstOrDefault(p => p.Name == name);
            if (plot.Svg is not null) page.Append("<figure>").Append(plot.Svg).Append("<figcaption>").Append(E(plot.Caption)).Append("</figcaption></figure>\n");
        }

        if (r.Attacks.Count > 0)
        {
            Head(page, "Attacks", "The same attacks against a house that is open and against Signet. Where a column says blocked, the house gave the reason beside it, and that is the reason the attack was meant to meet: a refusal by an earlier layer would not count. The last column is the same house with the one control taken out that stops the attack; it has to succeed there, or the attack proves nothing.");
            Figure("attack-success");
            Figure("attempts-by-layer");
            Figure("attempts-and-blocks");
            AttackTable(page, r);
            ControlTable(page, r);
        }
        if (r.Replay is { } replay) ReplaySection(page, replay);
        if (r.Paper.Count > 0) PaperTables(page, r);
        if (r.Logs is { } logs) Faint(page, "What the actors' logs say by themselves: " + logs.InWords());
        if (r.Suites.Count > 0)
        {
            Head(page, "What security costs", $"A door's reading is made, published, received, checked and acted on. On loopback the insecure round trip takes about {Ms(r.InsecureLatency!.Mean)}, most of it waking threads, so a ratio looks large here and small anywhere else: over a network with 20 ms of round trip, the dearest suite adds about {r.Suites.Max(s => s.Milliseconds.Mean) - r.InsecureLatency.Mean:0.0} ms to those 20. The paper measured 4.23 ms and 21.14 ms (5.0 times) with Python in containers.");
            Figure("latency");
            Figure("security-overhead");
            SuiteTable(page, r);
            Figure("cost-per-message");
            Figure("connections");
        }
        if (r.Floods.Count > 0)
        {
            Head(page, "Under flood", "Both houses go on working, and one client sends as fast as it can. In the open house it may send to the victim itself; in the secure one only in its own branch, and the broker reads it more slowly the faster it gets.");
            Figure("under-flood");
        }
        if (r.Timing.Count > 0)
        {
            Head(page, "Timing", "A comparison that stops at the first wrong byte tells an attacker how far he is. The paper called a wider range (1.852 µs) resistant and a narrower one (0.747 µs) vulnerable by looking at it; here Welch's t decides, as in the dudect tool, on 20,000 measurements a case in random order.");
            Figure("timing");
        }
        if (r.Soak is { } soak)
            Head(page, "Soak", string.Create(CultureInfo.InvariantCulture, $"{soak.Duration.TotalMinutes:0.0} minutes of random attacks on a whole house at work: {soak.Attempts:#,0} hostile attempts, {soak.Successes} successes; {soak.Genuine:#,0} genuine commands to three devices, {soak.GenuineLost} lost, answered within {soak.P50:0} ms (median) and {soak.P99:0} ms (99 of 100); memory in use after each tenth of the time and at the end: {string.Join(", ", soak.Memory.Select(m => (m / 1048576.0).ToString("0.0", CultureInfo.InvariantCulture)))} MiB. {(soak.Holds ? "Held." : "NOT held.")}"));
        if (r.Attacks.Count > 0) CoverageSection(page, r);
        Head(page, "What was not measured", "");
        page.Append("<ul><li>Radio, power and physical access. Processor time stands for energy; no current was measured.</li><li>Two machines: everything runs on loopback of one, client, broker and attacker in one process.</li><li>TLS inside the latency of a message: it is shown as handshakes, once a connection.</li><li>Passwords are hashed with 1,000 rounds in the lab's console instead of 600,000: what one guess costs an attacker was not measured.</li></ul>\n");
        page.Append("</main></body></html>\n");
        return page.ToString();
    }

    private static void Banner(StringBuilder page, LabResults r)
    {
        if (r.Passed) page.Append("<div class=\"banner good\">Complete. Everything that must hold does.</div>");
        else page.Append("<div class=\"banner bad\"><b>").Append(r.Complete ? "Not everything that must hold does." : "Incomplete: the run ended with what it had.").Append("</b>").Append(string.Concat(r.Problems.Concat(r.Failures).Select(p => "<br>" + E(p)))).Append("</div>");
    }

    private static void Cards(StringBuilder page, LabResults r)
    {
        page.Append("<div class=\"cards\">");
        void Card(bool good, string figure, string meaning) => page.Append(CultureInfo.InvariantCulture, $"<div class=\"card {(good ? "good" : "bad")}\"><b>{E(figure)}</b><span>{E(meaning)}</span></div>");
        if (r.Attacks.Count > 0)
        {
            Card(false, Percent(r.InsecureSuccessRate), $"of the attacks that apply succeed in the insecure house");
            Card(r.SecureSuccessRate == 0, Percent(r.SecureSuccessRate), $"of {r.Attacks.Count} kinds and {r.SecureAttempts:#,0} attempts succeed in the secure house");
            Card(r.ControlKillRate == 1, Percent(r.ControlKillRate), "control kill rate: take a control out, and its attacks get through");
        }
        if (r.InsecureLatency is { } insecure)
            foreach (var suite in r.Suites.Where(s => s.Suite is LatencyStudy.Es256 or LatencyStudy.Ps256))
                Card(Ratio.Of(suite.Milliseconds, insecure).Value <= (suite.Suite == LatencyStudy.Es256 ? Es256Bound : Ps256Bound), $"{Ratio.Of(suite.Milliseconds, insecure).Value:0.0} ×", $"mean latency of {suite.Suite} to insecure (bound: {(suite.Suite == LatencyStudy.Es256 ? Es256Bound : Ps256Bound)} ×; the paper: 5.0 ×)");
        page.Append("</div>\n");
    }

    private static void AttackTable(StringBuilder page, LabResults r)
    {
        page.Append("<div class=\"wrap\"><table><tr><th>attack</th><th>layer</th><th>what the attacker does</th><th>insecure</th><th>secure</th><th>attempts</th><th>reason</th><th>control</th><th>without it</th><th>ATT&amp;CK</th></tr>\n");
        foreach (var a in r.Attacks)
            page.Append(CultureInfo.InvariantCulture, $"<tr><td><b>{E(a.Attack.Name)}</b></td><td>{a.Attack.Layer.ToString().ToLowerInvariant()}</td><td>{E(a.Attack.Says)}</td>{Cell(a.Open)}{Cell(a.Secure)}<td class=\"n\">{a.Secure.Attempts:#,0}</td><td>{E(a.Secure.Reason)}{(a.BlockedAsExpected ? "" : " <span class=\"succeeded\">(expected: " + E(a.Attack.Reason) + ")</span>")}</td><td>{E(a.Attack.Control)}</td>{(a.WithoutControl is null ? "<td></td>" : Cell(a.WithoutControl))}<td>{E(string.Join(' ', a.Attack.Techniques))}</td></tr>\n");
        page.Append("</table></div>\n");

        static string Cell(Strike s) => $"<td class=\"{s.ResultName}\" title=\"{E(s.Reason)}\">{s.ResultName.Replace('-', ' ')}</td>";
    }

    private static void ControlTable(StringBuilder page, LabResults r)
    {
        page.Append("<h2>Controls</h2><p>Each is left out by building the house in lab code with another part in its place. There is no switch for it anywhere: no setting, variable, flag or route.</p><div class=\"wrap\"><table><tr><th>control</th><th>what it does</th><th>left out as</th><th>attacks</th><th>succeed without it</th><th>meets</th></tr>\n");
        foreach (var c in Catalogue.Controls)
        {
            var attacks = r.Attacks.Where(a => a.Attack.Control == c.Name && a.WithoutControl is not null).ToList();
            if (attacks.Count == 0) continue;
            var killed = attacks.Count(a => a.WithoutControl!.Result == StrikeResult.Succeeded);
            page.Append(CultureInfo.InvariantCulture, $"<tr><td><b>{E(c.Name)}</b></td><td>{E(c.Meaning)}</td><td>{E(c.LeftOut)}</td><td class=\"n\">{attacks.Count}</td><td class=\"n {(killed == attacks.Count ? "blocked" : "succeeded")}\">{killed}</td><td>{E(string.Join(", ", c.Requirements))}</td></tr>\n");
        }
        page.Append("</table></div>\n");
    }

    private static void PaperTables(StringBuilder page, LabResults r)
    {
        Head(page, "The paper's house", $"The paper's own secure house, to the letter and corrected, on {r.PaperBroker}, with passwords and access rules. Its seven attacks fail in both: none of them even has the members the actuator reads. The four below them are real, and need no key: they follow from what the paper's signature leaves out, and from storing the counter before decryption.");
        page.Append("<div class=\"wrap\"><table><tr><th>attack</th>");
        foreach (var run in r.Paper) page.Append(CultureInfo.InvariantCulture, $"<th>{E(run.Suite)}</th><th>cause</th>");
        page.Append("</tr>\n");
        Rows(p => p.Attacks, "");
        Rows(p => p.Defects, "defect: ");
        page.Append("</table></div>\n");

        void Rows(Func<PaperRun, IReadOnlyList<(string Name, bool Succeeded, string Cause)>> of, string prefix)
        {
            for (var i = 0; i < of(r.Paper[0]).Count; i++)
            {
                page.Append(CultureInfo.InvariantCulture, $"<tr><td>{prefix}<b>{E(of(r.Paper[0])[i].Name)}</b></td>");
                foreach (var run in r.Paper)
                {
                    var (_, succeeded, cause) = of(run)[i];
                    page.Append(CultureInfo.InvariantCulture, $"<td class=\"{(succeeded ? "succeeded" : "blocked")}\">{(succeeded ? "succeeded" : "blocked")}</td><td>{E(cause)}</td>");
                }
                page.Append("</tr>\n");
            }
        }
    }

    private static void SuiteTable(StringBuilder page, LabResults r)
    {
        page.Append("<div class=\"wrap\"><table><tr><th>suite</th><th>what it does</th><th>n</th><th>mean ms [95 %]</th><th>p50</th><th>p95</th><th>p99</th><th>mean × insecure [95 %]</th><th>median × insecure</th><th>payload bytes</th><th>PUBLISH bytes</th><th>CPU ms</th></tr>\n");
        foreach (var s in r.Suites)
        {
            var m = s.Milliseconds;
            var ratio = Ratio.Of(m, r.InsecureLatency!);
            page.Append(CultureInfo.InvariantCulture, $"<tr><td><b>{E(s.Suite)}</b></td><td>{E(s.Meaning)}</td><td class=\"n\">{m.Count}</td><td class=\"n\">{m.Mean:0.000} [{m.Mean - m.HalfInterval:0.000}, {m.Mean + m.HalfInterval:0.000}]</td><td class=\"n\">{m.Median:0.000}</td><td class=\"n\">{m.P95:0.000}</td><td class=\"n\">{m.P99:0.000}</td><td class=\"n\">{ratio.Value:0.00} [{ratio.Low:0.00}, {ratio.High:0.00}]</td><td class=\"n\">{m.Median / r.InsecureLatency!.Median:0.00}</td><td class=\"n\">{s.Bytes:#,0}</td><td class=\"n\">{s.WireBytes:#,0}</td><td class=\"n\">{s.CpuMilliseconds:0.00}</td></tr>\n");
        }
        page.Append("</table></div>\n");
        if (r.Fsync is { } fsync && r.Handshake is { } handshake)
            Faint(page, $"Beside it: a journal record flushed to disk takes {Ms(fsync.Mean)} on average (p99 {Ms(fsync.P99)}), which a device pays once for each command before it acts; a mutual TLS 1.3 handshake with CONNECT takes {Ms(handshake.Mean)} (p99 {Ms(handshake.P99)}), once a connection.");
    }

    private static void ReplaySection(StringBuilder page, ReplayFinding f)
    {
        Head(page, "Replay suite", "Genuine commands of a whole house, played again at once, after others and after the device has restarted, by an attacker with the center's TLS key. Nothing may be carried out twice, and every side must have noticed.");
        page.Append(CultureInfo.InvariantCulture, $"<div class=\"wrap\"><table><tr><th>copies sent</th><th>carried out</th><th>signed refusals seen</th><th>lines in the device's log</th><th>entries in the audit log</th><th>copies they speak of</th><th>on the console's page</th><th>audit log verifies</th></tr><tr><td class=\"n\">{f.Attempts}</td><td class=\"n {(f.Executions == 0 ? "blocked" : "succeeded")}\">{f.Executions}</td><td class=\"n\">{f.Refusals}</td><td class=\"n\">{f.DeviceLines}</td><td class=\"n\">{f.AuditEntries}</td><td class=\"n\">{f.AuditedCopies}</td><td>{(f.OnThePage ? "yes" : "no")}</td><td>{(f.LogVerifies ? "yes" : "no")}</td></tr></table></div>\n");
    }

    private static void CoverageMap(StringBuilder page, LabResults r)
    {
        page.Append("<div class=\"wrap\"><table><tr><th>catalogue entry</th><th>what it is</th><th>attacks, or controls that were tested</th></tr>\n");
        foreach (var (id, meaning) in PinnedLists.Techniques)
            if (r.Attacks.Where(a => a.Attack.Techniques.Contains(id, StringComparer.Ordinal)).Select(a => a.Attack.Name).ToList() is { Count: > 0 } attacks) Row("ATT&CK " + id, meaning, attacks);
        foreach (var (id, meaning) in PinnedLists.Requirements)
            if (Catalogue.Controls.Where(c => c.Requirements.Contains(id, StringComparer.Ordinal)).Select(c => c.Name).ToList() is { Count: > 0 } controls) Row(id, meaning, controls);
        page.Append("</table></div>\n");

        void Row(string id, string meaning, List<string> names) => page.Append(CultureInfo.InvariantCulture, $"<tr><td><b>{E(id)}</b></td><td>{E(meaning)}</td><td>{E(string.Join(", ", names))}</td></tr>\n");
    }

    private static void CoverageSection(StringBuilder page, LabResults r)
    {
        var coverage = Coverage.Of([.. r.Attacks.Select(a => a.Attack)], Catalogue.Controls);
        Head(page, "Coverage", $"{PinnedLists.Techniques.Count - coverage.UncoveredTechniques.Count} of the {PinnedLists.Techniques.Count} ATT&CK for ICS techniques that can reach a message bus are used by at least one attack, and {PinnedLists.Requirements.Count - coverage.UncoveredRequirements.Count} of {PinnedLists.Requirements.Count} catalogue entries (OWASP IoT Top 10, ETSI EN 303 645, IEC 62443-4-2) have a control that was tested here. The rest are gaps of this lab, listed below the map.");
        CoverageMap(page, r);
        page.Append("<h2>Gaps</h2>\n");
        page.Append("<div class=\"wrap\"><table><tr><th>gap</th><th>what it is</th></tr>");
        foreach (var t in coverage.UncoveredTechniques) page.Append(CultureInfo.InvariantCulture, $"<tr><td>{E(t)}</td><td>{E(PinnedLists.Techniques[t])}</td></tr>");
        foreach (var q in coverage.UncoveredRequirements) page.Append(CultureInfo.InvariantCulture, $"<tr><td>{E(q)}</td><td>{E(PinnedLists.Requirements[q])}</td></tr>");
        page.Append("</table></div>\n");
    }

    private static void Head(StringBuilder page, string head, string text)
    {
        page.Append("<h2>").Append(E(head)).Append("</h2>\n");
        if (text.Length > 0) page.Append("<p>").Append(E(text)).Append("</p>\n");
    }

    private static void Faint(StringBuilder page, string text) => page.Append("<p class=\"faint\">").Append(E(text)).Append("</p>\n");

    private static string Versions(LabResults r)
    {
        var v = r.Versions;
        return $"Signet {v["signet"]}, {v["runtime"]}, {v["system"]}, {v["processors"]} processors, OpenSSL {v["openssl"]}, {v["configuration"]} build";
    }

    private static string Percent(double share) => double.IsNaN(share) ? "–" : share.ToString("0.# %", CultureInfo.InvariantCulture);

    private static string Ms(double milliseconds) => milliseconds.ToString("0.00 ms", CultureInfo.InvariantCulture);

    private static string E(string text) => WebUtility.HtmlEncode(text);
}
