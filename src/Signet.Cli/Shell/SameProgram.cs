using System.Diagnostics;
using System.Reflection;

namespace Signet.Cli.Shell;

/// <summary>Starts this program once more, as a child that is told nothing but its arguments, and that ends when its standard input closes if it was asked to.</summary>
internal static class SameProgram
{
    /// <returns>The child; its standard input and output are pipes, its standard error is ours.</returns>
    public static Process Start(params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false };
        // `dotnet signet.dll` and the single `signet` program both must find themselves again.
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath!).Equals("dotnet", StringComparison.OrdinalIgnoreCase))
            start.ArgumentList.Add(Assembly.GetEntryAssembly()!.Location);
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        // The parent's token and settings are none of a device's business.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("SIGNET_", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        return Process.Start(start) ?? throw new InvalidOperationException("a process that was started has no handle");
    }
}
