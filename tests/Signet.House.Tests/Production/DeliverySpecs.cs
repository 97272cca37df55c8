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
        // The long form makes a fresh Debian without .NET; the short one lays an overlay over this machine.
        string[] form = Environment.GetEnvironmentVariable("SIGNET_FULL") == "1" ? [] : ["--short"];
        var checkedPackage = await BoundedProcess.RunAsync(Repository.PathOf("eng/package-check.sh"), form, within: TimeSpan.FromMinutes(form.Length == 0 ? 10 : 3), directory: Repository.Root);
        checkedPackage.ExitCode.ShouldBe(0, checkedPackage.Output + checkedPackage.Errors);
        checkedPackage.Output.ShouldContain("all intact; the data were kept");
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

    [Fact]
    public void Every_metric_is_documented_and_dashboards_and_alerts_name_only_what_there_is()
    {
        var page = Repository.PathOf("docs/metrics.md");
        if (Environment.GetEnvironmentVariable("SIGNET_WRITE_DOCS") == "1") File.WriteAllText(page, MetricCatalogue.Markdown());
        File.ReadAllText(page).ShouldBe(MetricCatalogue.Markdown(), "make it anew: SIGNET_WRITE_DOCS=1 and this test");

        // As a collector writes them for Prometheus: dots to underscores, unit and _total behind.
        var known = MetricCatalogue.Rows.Select(r => r.Name.Replace('.', '_') + (r.Unit == "s" ? "_seconds" : "") + (r.Kind == "counter" ? "_total" : "")).ToList();
        foreach (var file in new[] { "deploy/observability/grafana-dashboard.json", "deploy/observability/alerts.yml" })
            foreach (System.Text.RegularExpressions.Match named in MetricName.Matches(File.ReadAllText(Repository.PathOf(file))))
                known.ShouldContain(named.Value.Replace("_bucket", "", StringComparison.Ordinal), $"{file} names a metric that does not exist");
        JsonNode.Parse(File.ReadAllText(Repository.PathOf("deploy/observability/grafana-dashboard.json")))!["panels"]!.AsArray().Count.ShouldBeGreaterThan(10);
    }

    private static readonly System.Text.RegularExpressions.Regex MetricName = new(@"signet_[a-z_]+", System.Text.RegularExpressions.RegexOptions.NonBacktracking);
}
