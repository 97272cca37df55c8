using System.Text.Json.Nodes;
using Signet.House.Tests.Rules;
using Signet.Testing;

namespace Signet.House.Tests.Production;

/// <summary>A long life in a short time: a whole house under a clock that runs ahead (bench/Signet.Bench/LongLife). The long form is <c>./dev soak</c>: 24 hours, 1,000 devices.</summary>
public sealed class SoakSpecs
{
    [Fact]
    public async Task An_hour_of_fifty_devices_through_renewals_rotations_segments_retention_schedule_and_storms_loses_nothing()
    {
        var bench = Path.Combine(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd('/'))!, "..", "Signet.Bench", "debug", "Signet.Bench.dll");
        File.Exists(bench).ShouldBeTrue("build Signet.slnx first");
        var soak = await BoundedProcess.RunAsync("env", ["MALLOC_ARENA_MAX=2", "dotnet", bench, "soak", "--short", "--json"], within: TimeSpan.FromMinutes(5), directory: Repository.Root);
        soak.ExitCode.ShouldBe(0, soak.Output + soak.Errors);
        var told = JsonNode.Parse(soak.Output)!;
        ((long)told["renewals"]!).ShouldBeGreaterThanOrEqualTo(50, "every device renewed its certificate");
        ((long)told["storms"]!).ShouldBe(2);
        ((long)told["retired"]!).ShouldBeGreaterThan(999);
        ((long)told["commands"]!).ShouldBeGreaterThan(50);
        ((string)told["audit"]!).ShouldStartWith("intact");
    }
}
