using System.Text.Json.Nodes;
using Signet.Control;
using Signet.House.Tests.Program;
using Signet.House.Tests.Rules;
using Signet.Testing;

namespace Signet.House.Tests.Production;

/// <summary>What people get: package, container, bill of materials, dashboards.</summary>
public sealed class DeliverySpecs
{
    [Fact]
    public async Task The_package_is_installed_started_upgraded_removed_and_purged_in_a_chroot()
    {
        // The long form makes a fresh Debian without .NET, and builds and runs the container image; the short one lays an overlay over this machine.
        string[] form = Environment.GetEnvironmentVariable("SIGNET_FULL") == "1" ? [] : ["--short"];
        var checkedPackage = await BoundedProcess.RunAsync(Repository.PathOf("eng/package-check.sh"), form, within: TimeSpan.FromMinutes(form.Length == 0 ? 10 : 3), directory: Repository.Root);
        checkedPackage.ExitCode.ShouldBe(0, checkedPackage.Output + checkedPackage.Errors);
        checkedPackage.Output.ShouldContain("all intact; the data were kept");
        if (form.Length == 0) checkedPackage.Output.ShouldContain("== image: done");
    }

    [Fact]
    public async Task There_is_one_version()
    {
        var told = await SignetProcess.RunAsync(null, "--version");
        told.ExitCode.ShouldBe(0);
        told.Output.Trim().ShouldBe(CommandCenter.Version);
        File.ReadAllText(Repository.PathOf("Directory.Build.props")).ShouldContain($"<Version>{CommandCenter.Version}</Version>");
    }

    [Fact]
    public async Task The_bill_of_materials_names_every_package_of_the_program()
    {
        var printed = await BoundedProcess.RunAsync(Repository.PathOf("eng/sbom"), ["1.2.3"]);
        printed.ExitCode.ShouldBe(0, printed.Errors);
        var names = JsonNode.Parse(printed.Output)!["packages"]!.AsArray().Select(p => (string)p!["name"]!).ToList();
        foreach (var one in new[] { "signet", "Npgsql", "Dapper", "Spectre.Console", "OpenTelemetry", "htmx.org" }) names.ShouldContain(one);
        names.ShouldNotContain("xunit.v3", customMessage: "tests are not delivered");
    }

    [Fact]
    public void The_container_runs_as_nobody_in_particular_and_brings_no_secret()
    {
        var lines = File.ReadAllLines(Repository.PathOf("deploy/container/Dockerfile"));
        lines.ShouldContain("USER signet");
        lines.ShouldContain("STOPSIGNAL SIGTERM");
        lines.Last(l => l.StartsWith("USER", StringComparison.Ordinal)).ShouldNotBe("USER root");
        string.Join('\n', lines).ShouldNotContain("signet-data");
    }

    [Theory]
    [InlineData("deploy/container/Dockerfile")]
    [InlineData("deploy/systemd/signet.service")]
    [InlineData("deploy/deb/signet.service")]
    [InlineData("dev")]
    public void However_it_is_started_the_C_library_keeps_few_heaps(string file)
        => File.ReadAllLines(Repository.PathOf(file)).ShouldContain(l => !l.TrimStart().StartsWith('#') && l.Contains("MALLOC_ARENA_MAX=2", StringComparison.Ordinal), "resident memory rises with every return of a fleet else");

    [Fact]
    public async Task Every_metric_is_documented_and_dashboards_and_alerts_name_only_what_there_is()
    {
        var page = Repository.PathOf("docs/metrics.md");
        if (Environment.GetEnvironmentVariable("SIGNET_WRITE_DOCS") == "1") File.WriteAllText(page, MetricCatalogue.Markdown());
        File.ReadAllText(page).ShouldBe(MetricCatalogue.Markdown(), "make it anew: SIGNET_WRITE_DOCS=1 and this test");

        // As a collector writes them for Prometheus: dots to underscores, unit and _total behind.
        var known = MetricCatalogue.Rows.Select(r => r.Name.Replace('.', '_') + (r.Unit == "s" ? "_seconds" : "") + (r.Kind == "counter" ? "_total" : "")).ToList();
        foreach (var file in new[] { "deploy/observability/grafana-dashboard.json", "deploy/observability/alerts.yml" })
            foreach (System.Text.RegularExpressions.Match named in MetricName.Matches(File.ReadAllText(Repository.PathOf(file))))
                known.ShouldContain(named.Value.Replace("_bucket", "", StringComparison.Ordinal), $"{file} names a metric that does not exist");
        // A label that the metric does not have would match nothing, or everything.
        var labels = MetricCatalogue.Rows.SelectMany(r => r.Attributes.Split(',')).Select(l => l.Split([':', '('])[0].Trim()).Where(l => l.Length > 0).Append("le").ToHashSet(StringComparer.Ordinal);
        var rules = await BoundedProcess.RunAsync("/usr/bin/python3", ["-c", "import json,sys,yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)", Repository.PathOf("deploy/observability/alerts.yml")]);
        rules.ExitCode.ShouldBe(0, rules.Errors);
        var alerts = JsonNode.Parse(rules.Output)!["groups"]!.AsArray().SelectMany(g => g!["rules"]!.AsArray()).Select(r => r!.AsObject()).ToList();
        alerts.Count.ShouldBeGreaterThan(10);
        alerts.Select(a => (string)a["alert"]!).ShouldBeUnique();
        foreach (var alert in alerts)
        {
            foreach (var part in new[] { "expr", "for", "labels", "annotations" }) alert.ContainsKey(part).ShouldBeTrue($"{alert["alert"]} has no {part}");
            foreach (System.Text.RegularExpressions.Match by in ByLabels.Matches((string)alert["expr"]!))
                foreach (var label in by.Groups[1].Value.Split(',')) labels.ShouldContain(label.Trim(), $"{alert["alert"]}");
        }
        // What somebody has to be told: ends, denials, revocation time, audit lag, queue depth, silent devices.
        var all = string.Join(' ', alerts.Select(a => (string)a["expr"]!));
        foreach (var metric in new[] { "signet_certificate_left", "signet_crl_left", "signet_denials", "signet_revocation_duration", "signet_audit_lag", "signet_broker_queued", "signet_devices_silent" }) all.ShouldContain(metric);
        JsonNode.Parse(File.ReadAllText(Repository.PathOf("deploy/observability/grafana-dashboard.json")))!["panels"]!.AsArray().Count.ShouldBeGreaterThan(10);
    }

    private static readonly System.Text.RegularExpressions.Regex ByLabels = new(@"by \(([a-z_, ]+)\)", System.Text.RegularExpressions.RegexOptions.NonBacktracking);

    private static readonly System.Text.RegularExpressions.Regex MetricName = new(@"signet_[a-z_]+", System.Text.RegularExpressions.RegexOptions.NonBacktracking);
}
