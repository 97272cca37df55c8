using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary><c>signet policy</c> as people type it.</summary>
public sealed class PolicySpecs(RunningHouse house) : IClassFixture<RunningHouse>
{
    [Fact]
    [Trait("row", "S0-8")]
    public async Task A_policy_is_explained_compared_tested_and_applied_from_the_command_line()
    {
        var folder = Path.GetDirectoryName(house.Data)!;
        var no = await house.RunAsync("policy", "explain", "door-1", "publish", "signet/valve-1/receipt");
        no.ExitCode.ShouldBe(1);
        no.Output.ShouldContain("denied by no-rule-allows");
        no.Output.ShouldContain("smallest change that would turn it round");
        var yes = await house.RunAsync("policy", "explain", "door-1", "publish", "signet/door-1/receipt", "--json");
        yes.ExitCode.ShouldBe(0, yes.Error);
        ((string)yes.Json["rule"]!).ShouldBe("device-speaks-in-its-branch");
        ((bool)yes.Json["admitted"]!).ShouldBeTrue();
        (await house.RunAsync("policy", "explain", "nobody", "publish", "signet/nobody/receipt")).Output.ShouldContain("never gets to ask");
        (await house.RunAsync("policy", "explain", "door-1", "read", "x")).Error.ShouldContain("publish, subscribe");
        (await house.RunAsync("policy", "who-can", "publish", "signet/door-1/command")).Output.ShouldContain("service:command_center");

        var file = Path.Combine(folder, "policy.json");
        (await house.RunAsync("policy", "export", "--out", file)).ExitCode.ShouldBe(0);
        (await house.RunAsync("policy", "diff", file)).Output.ShouldContain("no difference");
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace("\"signet/{device}/telemetry/+\",", "\"signet/{device}/telemetry/+\", \"alarm/{device}\",", StringComparison.Ordinal));
        var diff = await house.RunAsync("policy", "diff", file);
        diff.Output.ShouldContain("gains");
        diff.Output.ShouldContain("alarm/door-1");
        // Nobody sees the pattern that a row was found with: without it no row stands twice.
        (await house.RunAsync("policy", "diff", file, "--json")).Json["changes"]!.AsArray().Select(row => { row!.AsObject().Remove("pattern"); return row.ToJsonString(); }).ShouldBeUnique();
        var tests = Path.Combine(folder, "policy.tests.json");
        await File.WriteAllTextAsync(tests, """{ "tests": [ { "name": "alarms are silent", "who": "door-1", "action": "publish", "topic": "alarm/door-1", "expect": "deny" } ] }""");
        (await house.RunAsync("policy", "test", tests)).ExitCode.ShouldBe(0);
        var tested = await house.RunAsync("policy", "test", tests, "--policy", file);
        (tested.ExitCode, tested.Output).ShouldBe((4, "FAILED alarms are silent: it is allowed by device-speaks-in-its-branch\n0 passed, 1 failed\n"));
        (await house.RunAsync("policy", "apply", file, "--yes")).ExitCode.ShouldBe(4, "the assertions beside the file are run first");
        File.Delete(tests);
        (await house.RunAsync("policy", "apply", file)).ExitCode.ShouldBe(1, "nobody confirmed it");
        var applied = await house.RunAsync("policy", "apply", file, "--yes");
        applied.ExitCode.ShouldBe(0, applied.Error);
        applied.Output.ShouldContain("policy version 2 is in force");
        (await house.RunAsync("policy", "explain", "door-1", "publish", "alarm/door-1")).ExitCode.ShouldBe(0);
        (await house.RunAsync("policy", "diff", "1", "2")).Output.ShouldContain("alarm/door-1");
        (await house.AuditAsync("--type", "authorization", "--action", "policy-applied")).Count.ShouldBe(1);
        var old = await house.RunAsync("policy", "apply", file, "--yes");
        old.ExitCode.ShouldBe(1);
        old.Error.ShouldContain("2 is in force");
    }
}
