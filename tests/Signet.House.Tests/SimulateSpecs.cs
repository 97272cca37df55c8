using System.Text.Json.Nodes;
using Signet.House.Tests.Program;
using Signet.Testing;

namespace Signet.House.Tests;

/// <summary><c>signet device simulate</c>: a fleet in processes of its own, that ends with the command.</summary>
public sealed class SimulateSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-simulate-").FullName;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_fleet_in_several_processes_is_added_comes_online_answers_and_is_measured()
    {
        await using var center = await SignetProcess.UpAsync(Data);

        var run = await SignetProcess.RunAsync(Data, "device", "simulate", "5", "--per-process", "2", "--command", "check-status", "--center-pid", center.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), "--within", "50s", "--json");

        run.ExitCode.ShouldBe(0, run.Error + run.Output);
        var measured = JsonNode.Parse(run.Output.Trim().Split('\n')[^1])!;
        ((int)measured["devices"]!, (int)measured["processes"]!, (int)measured["executed"]!).ShouldBe((5, 3, 5));
        ((double)measured["signatureShare"]!).ShouldBeInRange(0, 1);
        ((double)measured["heardSeconds"]!).ShouldBeGreaterThanOrEqualTo((double)measured["onlineSeconds"]!);
        SignetProcess.ChildrenOf(center.Id).ShouldBeEmpty();
        var devices = (await SignetProcess.RunAsync(Data, "device", "list", "--select", "kind:simulated", "--json")).Json["devices"]!.AsArray();
        devices.Select(device => (string)device!["name"]!).ShouldBe(["sim-00001", "sim-00002", "sim-00003", "sim-00004", "sim-00005"]);

        // A smaller fleet afterwards: the others exist, are of the same kind, and are not there.
        await Eventually.Some(async () => (int)(await SignetProcess.RunAsync(Data, "status", "--json")).Json["devicesOnline"]! == 0 ? "gone" : null, "the fleet is gone");
        var smaller = await SignetProcess.RunAsync(Data, "device", "simulate", "2", "--command", "check-status", "--within", "50s");
        smaller.ExitCode.ShouldBe(0, smaller.Error + smaller.Output);
        smaller.Output.ShouldContain("2 of 2 executed");
        smaller.Output.ShouldContain("3 left out (3 not online)");
    }

    [Fact]
    public async Task Where_the_center_says_that_it_was_asked_too_often_adding_waits_and_goes_on()
    {
        await using var center = await SignetProcess.UpAsync(Data);
        // Twice as many requests as one account may send in a minute: nothing is left of its share.
        var asked = await Peer.RunAsync("curl", ["-s", "-Z", "--parallel-max", "16", "--cacert", (string)center.Ready["rootCertificate"]!, "-H", $"Authorization: Bearer {(string)center.Ready["token"]!}", "-o", "/dev/null", "-w", "%{http_code}\n", (string)center.Ready["console"]! + "/api/v1/devices?limit=1&cursor=[1-6000]"], seconds: 60);
        asked.Output.Split('\n').Count(code => code == "429").ShouldBeGreaterThan(1000, "the account has nothing left");

        var run = await SignetProcess.RunAsync(Data, "device", "simulate", "3", "--command", "check-status", "--within", "50s", "--json");

        run.ExitCode.ShouldBe(0, run.Error + run.Output);
        ((int)JsonNode.Parse(run.Output.Trim().Split('\n')[^1])!["executed"]!).ShouldBe(3);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("50001")]
    [InlineData("2", "--per-process", "5001")]
    public async Task A_fleet_that_cannot_be_is_refused_before_anything_is_made(params string[] arguments)
    {
        var refused = await SignetProcess.RunAsync(Data, ["device", "simulate", .. arguments]);
        refused.ExitCode.ShouldBe(2, refused.Error);
        Directory.Exists(Data).ShouldBeFalse();
    }
}
