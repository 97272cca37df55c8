using System.Diagnostics;

namespace Signet.House.Tests.Program;

/// <summary>Somebody else's program: runs to its end within a bound, or is ended.</summary>
public static class Peer
{
    public static async Task<Outcome> RunAsync(string program, IEnumerable<string> arguments, string? input = null, int seconds = 60)
    {
        using var process = Begin(program, arguments);
        if (input is not null)
            await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        return await EndAsync(process, seconds);
    }

    public static Process Begin(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new FileNotFoundException($"{program} is missing: ./test.sh installs it, or says which package brings it", program);
        }
    }

    /// <summary>What a program prints, until these words are in it, it ends, or <paramref name="seconds"/> have passed. It may go on printing: read the rest with <see cref="EndAsync"/>.</summary>
    public static async Task<string> ReadUntilAsync(Process process, string words, int seconds = 60)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        var said = new System.Text.StringBuilder();
        var buffer = new char[4096];
        try
        {
            while (!said.ToString().Contains(words, StringComparison.Ordinal) && await process.StandardOutput.ReadAsync(buffer, patience.Token) is var count and > 0) said.Append(buffer, 0, count);
        }
        catch (OperationCanceledException)
        {
            // What was said so far must do.
        }

        return said.ToString();
    }

    public static async Task<Outcome> EndAsync(Process process, int seconds = 60)
    {
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
        }

        return new Outcome(process.ExitCode, await output, await error);
    }
}
