using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Signet.Lab;

/// <summary>
/// The broker of the paper's secure house: Mosquitto with a password file and access rules, no TLS, on a free loopback port. Gone when it is disposed.
/// </summary>
internal sealed class PaperMosquitto : IAsyncDisposable
{
    private static readonly string[] Places = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto"];
    private readonly Process _process;

    private PaperMosquitto(Process process, int port) => (_process, Port) = (process, port);

    public int Port { get; }

    /// <summary>Where the program is; null: it is not installed, and the paper's house then runs on the house's own broker with the same accounts and rules.</summary>
    public static string? Program => Places.FirstOrDefault(File.Exists)
        ?? (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(p => Path.Combine(p, "mosquitto")).FirstOrDefault(File.Exists);

    /// <summary>For example <c>mosquitto version 2.0.11</c>; null: it is not installed.</summary>
    public static async Task<string?> VersionAsync(CancellationToken cancellationToken)
    {
        if (Program is not { } program) return null;
        // Asked for its help it prints its version first, and ends with an error.
        using var process = Process.Start(new ProcessStartInfo(program, ["-h"]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })!;
        var first = await process.StandardOutput.ReadLineAsync(cancellationToken);
        await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        return string.IsNullOrWhiteSpace(first) ? "mosquitto" : first.Trim();
    }

    /// <param name="passwords">Name and password of each account.</param>
    /// <exception cref="LabException">It did not start; one line says why.</exception>
    public static async Task<PaperMosquitto> StartAsync(string program, string folder, IReadOnlyDictionary<string, string> passwords, TimeProvider time, CancellationToken cancellationToken)
    {
        // Mosquitto cannot be told to take a free port: between looking and listening somebody else, another lab perhaps, may take it.
        for (var left = 3; ; left--)
        {
            try
            {
                return await StartAsync(program, folder, FreePort(), passwords, time, cancellationToken);
            }
            catch (LabException) when (left > 1)
            {
                // with another port
            }
        }
    }

    internal static async Task<PaperMosquitto> StartAsync(string program, string folder, int port, IReadOnlyDictionary<string, string> passwords, TimeProvider time, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(folder);
        await WriteAsync(program, folder, port, passwords, cancellationToken);
        var process = Process.Start(new ProcessStartInfo(program) { ArgumentList = { "-c", Path.Combine(folder, "mosquitto.conf") }, UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })
            ?? throw new LabException("mosquitto did not start");
        var broker = new PaperMosquitto(process, port);
        _ = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var words = ReadAsync(process.StandardError);
        // That the port answers is not enough: it may be somebody else's.
        if (await Waiting.UntilAsync(() => process.HasExited || words.Runs, time, cancellationToken, LabLimits.Ready) && !process.HasExited) return broker;
        await broker.DisposeAsync();
        await words.Ended;
        throw new LabException($"mosquitto did not start on port {port}: {words.Last}");
    }

    /// <summary>What it says about itself, to its end: a pipe that nobody reads would stop it.</summary>
    private sealed class Words
    {
        public volatile bool Runs;
        public volatile string Last = "it says nothing";
        public Task Ended = Task.CompletedTask;
    }

    private static Words ReadAsync(StreamReader errors)
    {
        var words = new Words();
        words.Ended = Task.Run(async () =>
        {
            while (await errors.ReadLineAsync() is { } line)
            {
                if (line.Length > 0) words.Last = line;
                if (line.EndsWith(" running", StringComparison.Ordinal)) words.Runs = true;
            }
        });
        return words;
    }

    private static async Task WriteAsync(string program, string folder, int port, IReadOnlyDictionary<string, string> passwords, CancellationToken cancellationToken)
    {
        var passwordFile = Path.Combine(folder, "passwords");
        await File.WriteAllLinesAsync(passwordFile, passwords.Select(p => $"{p.Key}:{p.Value}"), cancellationToken);
        Private(passwordFile);
        // Replaces the plain passwords in the file by their hashes.
        var tool = new[] { Path.Combine(Path.GetDirectoryName(program)!, "mosquitto_passwd"), "/usr/bin/mosquitto_passwd", "/usr/local/bin/mosquitto_passwd" }.FirstOrDefault(File.Exists) ?? "mosquitto_passwd";
        await RunAsync(tool, ["-U", passwordFile], cancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder, "rules"), $"""
            user {PaperNames.SecureSensorClient}
            topic write {PaperNames.SecureTopic}

            user {PaperNames.SecureActuatorClient}
            topic read {PaperNames.SecureTopic}

            user {PaperNames.SecureAttacker}
            topic readwrite {PaperNames.SecureTopic}

            """, cancellationToken);
        // Started by root it would change to a user of its own, who could not read these files.
        await File.WriteAllTextAsync(Path.Combine(folder, "mosquitto.conf"), $"""
            listener {port} 127.0.0.1
            allow_anonymous false
            password_file {passwordFile}
            acl_file {Path.Combine(folder, "rules")}
            {(Environment.UserName == "root" ? "user root" : "")}
            """, cancellationToken);
    }

    private static async Task RunAsync(string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })!;
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0) throw new LabException($"{program} failed: {(await process.StandardError.ReadToEndAsync(cancellationToken)).Trim()}");
        }
        catch (Win32Exception e)
        {
            throw new LabException($"{program} is not there; it comes with Mosquitto", e);
        }
    }

    private static void Private(string path)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }
        catch (InvalidOperationException)
        {
            // it had ended
        }
        _process.Dispose();
    }
}
