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
    [InlineData("deploy/systemd/signet.service")]
    [InlineData("deploy/deb/signet.service")]
    public async Task The_filter_of_system_calls_lets_through_what_the_program_needs(string unit)
    {
        var folder = Directory.CreateTempSubdirectory("signet-calls-").FullName;
        try
        {
            var traced = await Peer.RunAsync("strace", ["-f", "-qq", "-e", "signal=none", "-o", folder + "/calls", "dotnet", SignetProcess.Dll, "init", "--data", folder + "/data"], seconds: 60);
            traced.ExitCode.ShouldBe(0, traced.Error);
            var used = File.ReadLines(folder + "/calls").Select(line => Call().Match(line).Groups[1].Value).Where(call => call.Length > 0).ToHashSet(StringComparer.Ordinal);
            used.ShouldContain("sched_setaffinity", "else nothing was seen");
            var allowed = new HashSet<string>(StringComparer.Ordinal);
            foreach (var filter in (await File.ReadAllLinesAsync(Repository.PathOf(unit))).Where(line => line.StartsWith("SystemCallFilter=", StringComparison.Ordinal)).Select(line => line["SystemCallFilter=".Length..]))
                foreach (var set in filter.TrimStart('~').Split(' '))
                    if (filter[0] == '~') allowed.ExceptWith(await MembersAsync(set));
                    else allowed.UnionWith(await MembersAsync(set));
            used.Remove("fchown"); // SQLite, and only for root; the unit's user is not
            used.Except(allowed, StringComparer.Ordinal).ShouldBeEmpty();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The system calls of a set, and of the sets in it.</summary>
    private static async Task<IReadOnlyList<string>> MembersAsync(string set)
    {
        var listed = await Peer.RunAsync("systemd-analyze", ["syscall-filter", set]);
        listed.ExitCode.ShouldBe(0, listed.Error);
        var members = new List<string>();
        foreach (var line in listed.Output.Split('\n').Skip(1).Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#'))
            if (line[0] == '@') members.AddRange(await MembersAsync(line));
            else members.Add(line);
        return members;
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

    [GeneratedRegex(@"^\d+ +([a-z0-9_]+)\(", RegexOptions.None, 1000)]
    private static partial Regex Call();

    [GeneratedRegex(@"exposure level for \S+: ([0-9.]+)", RegexOptions.None, 1000)]
    private static partial Regex Exposure();
}
