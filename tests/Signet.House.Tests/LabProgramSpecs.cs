using System.Diagnostics;
using System.Text.Json.Nodes;
using Signet.House.Tests.Program;

namespace Signet.House.Tests;

/// <summary><c>signet lab run</c> as people run it, when things go wrong.</summary>
[Trait("row", "S4-1")]
public sealed class LabProgramSpecs : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signet-labs-").FullName;

    [Fact]
    public async Task Ctrl_C_ends_it_with_what_it_has_and_leaves_nothing_behind()
    {
        var (lab, temporary) = (Path.Combine(_folder, "lab"), Directory.CreateDirectory(Path.Combine(_folder, "tmp")).FullName);
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in new[] { SignetProcess.Dll, "lab", "run", "--only", "message", "--out", lab, "--data", Path.Combine(_folder, "none") }) start.ArgumentList.Add(argument);
        start.Environment["TMPDIR"] = temporary;
        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            var errors = process.StandardError.ReadToEndAsync(patience.Token);
            string? line;
            do line = await process.StandardOutput.ReadLineAsync(patience.Token);
            while (line is not null && !line.StartsWith("attacks", StringComparison.Ordinal));
            Directory.GetDirectories(temporary, "signet-lab-*").ShouldHaveSingleItem();
            using (var interrupt = Process.Start("kill", ["-INT", process.Id.ToString("D")])) await interrupt.WaitForExitAsync(patience.Token);
            var rest = await process.StandardOutput.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            process.ExitCode.ShouldBe(1);
            (await errors).ShouldContain("the run was stopped");
            rest.ShouldContain("NOT passed; see ");
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
        var results = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(lab, "results.json"), patience.Token))!;
        ((bool)results["ended"]!, (bool)results["complete"]!, results["attacks"]!.AsArray().Count).ShouldBe((true, false, results["attacks"]!.AsArray().Count(a => (string)a!["secure"]! == "blocked")));
        results["attacks"]!.AsArray().ShouldNotBeEmpty();
        (await File.ReadAllTextAsync(Path.Combine(lab, "REPORT.html"), patience.Token)).ShouldContain("Incomplete");
        Directory.GetDirectories(temporary, "signet-lab-*").ShouldBeEmpty(); // keys and state of the houses
        File.Exists(Path.Combine(lab, ".reserve")).ShouldBeFalse();
    }

    [Fact]
    public async Task Two_at_once_both_hold_and_a_folder_that_cannot_be_written_is_said_in_one_line()
    {
        var both = await Task.WhenAll(new[] { "a", "b" }.Select(name => SignetProcess.RunAsync(Path.Combine(_folder, "none"), "lab", "run", "--only", "no-certificate,wildcard-greed,replayed-reading", "--out", Path.Combine(_folder, name))));
        foreach (var lab in both)
        {
            lab.ExitCode.ShouldBe(0, lab.Error);
            lab.Output.ShouldContain("held; the report is");
        }
        await File.WriteAllTextAsync(Path.Combine(_folder, "file"), "");
        var refused = await SignetProcess.RunAsync(Path.Combine(_folder, "none"), "lab", "run", "--only", "no-certificate", "--out", Path.Combine(_folder, "file", "below"));
        refused.ExitCode.ShouldNotBe(0);
        refused.Error.Trim().Split('\n').ShouldHaveSingleItem().ShouldContain("cannot write results");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
