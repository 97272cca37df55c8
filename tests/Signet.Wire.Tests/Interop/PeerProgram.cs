using System.Diagnostics;

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

    public static Task<string> PythonAsync(string script, string input) => RunAsync("/usr/bin/python3", [Path.Combine(AppContext.BaseDirectory, "Interop", script)], input);
}
