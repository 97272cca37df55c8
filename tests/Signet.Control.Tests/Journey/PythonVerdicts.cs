using System.Diagnostics;
using System.Reflection;
using System.Text.Json.Nodes;

namespace Signet.Control.Tests;

/// <summary>What <c>tests/verify_receipt.py</c> says, which shares no code with the program.</summary>
internal static class PythonVerdicts
{
    private static readonly string Script = Path.Combine(
        typeof(PythonVerdicts).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!, "tests", "verify_receipt.py");

    /// <summary>Is each file proven? One line each.</summary>
    public static async Task<IReadOnlyList<bool>> OfAsync(IEnumerable<string> files, params string[] trust)
    {
        var start = new ProcessStartInfo("/usr/bin/python3") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[Script, .. files, .. trust.SelectMany(t => new[] { "--trust", t })]) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var lines = (await process.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        await process.WaitForExitAsync();
        lines.Length.ShouldBeGreaterThan(0, await errors);
        return [.. lines.Select(line => (bool)JsonNode.Parse(line)!["valid"]!)];
    }
}
