using System.Diagnostics;

namespace Signet.Testing;

/// <summary>What a program said and how it ended.</summary>
public sealed record ProcessResult(int ExitCode, string Output, string Errors);

/// <summary>Runs other people's programs with a bound on their time; on time-out the process (and its children) end and the test fails with what was said so far.</summary>
public static class BoundedProcess
{
    public static async Task<ProcessResult> RunAsync(string program, IEnumerable<string> arguments, string input = "", TimeSpan? within = null, string? directory = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = directory ?? "",
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"cannot start {program}");
        using var patience = new CancellationTokenSource(within ?? TimeSpan.FromSeconds(20));
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading.
        }

        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} did not end in time; it said: {await output}{await errors}", e);
        }

        return new(process.ExitCode, await output, await errors);
    }
}
