using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Signet.Wire.Tests;

/// <summary>Runs another program on some input and returns what it prints; fails with its errors if it fails.</summary>
internal static class PeerProgram
{
    public static async Task<string> RunAsync(string program, string[] arguments, string input)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var answer = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, await errors);
        return await answer;
    }

    /// <summary>A program of tests/peers; its npm packages are installed by ./test.sh (npm ci).</summary>
    public static string PathOf(string script, [CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(here, "..", "..", "..", "peers", script));
}
