using System.ComponentModel;
using System.Diagnostics;

namespace Signet.Lab;

/// <summary>Makes PNG files of SVG files with <c>rsvg-convert</c> (Debian: librsvg2-bin), or with Chromium where that is missing.</summary>
internal static class PngExport
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Null when it worked; otherwise one line that says what to install.</summary>
    public static async Task<string?> ConvertAsync(string svg, string png, int width, int height, CancellationToken cancellationToken)
    {
        if (await RunAsync("rsvg-convert", ["--zoom", "2", "--output", png, svg], cancellationToken) && File.Exists(png)) return null;
        if (await RunAsync("chromium", ["--headless", "--no-sandbox", "--disable-gpu", $"--window-size={width},{height}", $"--screenshot={png}", "file://" + Path.GetFullPath(svg)], cancellationToken) && File.Exists(png)) return null;
        return "the plots have no PNG form: install rsvg-convert (Debian: librsvg2-bin) or chromium";
    }

    private static async Task<bool> RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        try
        {
            using var process = Process.Start(start)!;
            using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            try
            {
                await Task.WhenAll(process.StandardOutput.ReadToEndAsync(both.Token), process.StandardError.ReadToEndAsync(both.Token));
                await process.WaitForExitAsync(both.Token);
                return process.ExitCode == 0;
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                cancellationToken.ThrowIfCancellationRequested();
                return false;
            }
        }
        catch (Win32Exception)
        {
            return false; // not installed
        }
    }
}
