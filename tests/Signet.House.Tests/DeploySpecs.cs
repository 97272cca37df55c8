using System.Globalization;
using System.Text.RegularExpressions;
using Signet.House.Tests.Program;
using Signet.House.Tests.Rules;

namespace Signet.House.Tests;

/// <summary>What lies in <c>deploy/</c>, as far as it can be checked where nothing of it can run: by systemd's own checker and a YAML reader.</summary>
public sealed partial class DeploySpecs
{
    [Theory]
    [InlineData("deploy/systemd/signet.service")]
    [InlineData("deploy/systemd/signet-metrics.service")]
    [InlineData("deploy/systemd/signet-metrics.timer")]
    [InlineData("deploy/deb/signet.service")]
    [Trait("row", "S1-13"), Trait("row", "S4-9")]
    public async Task Units_are_sound_for_systemd_and_give_their_service_little_power(string unit)
    {
        var path = Repository.PathOf(unit);
        var verified = await Peer.RunAsync("systemd-analyze", ["verify", path]);
        // The program is not installed where this runs.
        verified.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => !line.Contains("is not executable", StringComparison.Ordinal)).ShouldBeEmpty();
        if (!unit.EndsWith(".service", StringComparison.Ordinal)) return;
        var security = await Peer.RunAsync("systemd-analyze", ["security", "--offline=true", path]);
        double.Parse(Exposure().Match(security.Output).Groups[1].Value, CultureInfo.InvariantCulture).ShouldBeLessThan(2.0, "systemd's own measure; 10 is an unguarded service");
        (await File.ReadAllTextAsync(path)).ShouldNotContain("User=root");
    }

    [Theory]
    [InlineData("deploy/compose/single-node.yml", "signet")]
    [InlineData("deploy/compose/mosquitto-nginx.yml", "mosquitto nginx")]
    [InlineData("deploy/lab/docker-compose.insecure.yml", "mqtt-broker")]
    [InlineData("deploy/lab/docker-compose.secure.yml", "command-center")]
    [Trait("row", "S2-5"), Trait("row", "S4-3")]
    public async Task Compose_files_are_whole_and_every_file_they_mount_is_there_or_is_made_first(string file, string services)
    {
        var read = await Peer.RunAsync("/usr/bin/python3", ["-c", "import sys, yaml; d = yaml.safe_load(open(sys.argv[1])); print(' '.join(sorted(d['services']))); [print(v) for s in d['services'].values() for v in s.get('volumes', [])]", Repository.PathOf(file)]);
        read.ExitCode.ShouldBe(0, read.Error);
        var lines = read.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines[0].ShouldBe(services);
        var text = await File.ReadAllTextAsync(Repository.PathOf(file));
        foreach (var host in lines.Skip(1).Select(volume => volume.Split(':')[0]).Where(host => host.StartsWith("./", StringComparison.Ordinal)))
            (Path.Exists(Path.Combine(Path.GetDirectoryName(Repository.PathOf(file))!, host)) || text.Contains(host[2..], StringComparison.Ordinal)).ShouldBeTrue(host);
    }

    [GeneratedRegex(@"exposure level for \S+: ([0-9.]+)", RegexOptions.None, 1000)]
    private static partial Regex Exposure();
}
