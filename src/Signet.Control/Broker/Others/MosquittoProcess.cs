using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Signet.Audit;

namespace Signet.Control;

/// <summary>
/// Mosquitto as a child: started, watched, started again a second after it ended by itself, stopped with SIGTERM so that it writes what it keeps. One that an earlier center left behind
/// (kill -9 ends a parent alone) is stopped first.
/// </summary>
internal sealed partial class MosquittoProcess(string folder, AuditTrail trail, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Process? _process;
    private Task _watching = Task.CompletedTask;

    public async Task StartAsync(DnsEndPoint address, CancellationToken cancellationToken)
    {
        await StopLeftoverAsync(cancellationToken);
        var process = Start();
        var until = time.GetUtcNow() + ControlLimits.OtherBrokerStart;
        while (!await AnswersAsync(address, cancellationToken))
        {
            if (process.HasExited) throw new ControlException($"Mosquitto ended at its start with {process.ExitCode}: {LastWords ?? "no word"} (try it: mosquitto -c {Path.Combine(folder, "mosquitto.conf")})");
            if (time.GetUtcNow() > until) throw new ControlException($"Mosquitto does not listen on {address.Host}:{address.Port} within {ControlLimits.OtherBrokerStart.TotalSeconds} s");
            await Task.Delay(ControlLimits.OtherBrokerLook, time, cancellationToken);
        }

        _watching = WatchAsync();
    }

    public static bool IsMosquitto(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process.ToString(CultureInfo.InvariantCulture)}/comm").Trim() == "mosquitto";
        }
        catch (IOException)
        {
            return false;
        }
    }

    public static void HangUp(int process) => Send(process, 1);

    /// <summary>Somebody else may take it before it is used; then the start says so.</summary>
    public static int FreePort(IPAddress address)
    {
        using var probe = new TcpListener(address, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_process is { HasExited: false } running)
        {
            Send(running.Id, 15);
            using var patience = new CancellationTokenSource(ControlLimits.OtherBrokerStop, time);
            await running.WaitForExitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!running.HasExited) running.Kill();
        }

        _process?.Dispose();
        _stop.Dispose();
    }

    private string? LastWords { get; set; }

    private Process Start()
    {
        var program = File.Exists("/usr/sbin/mosquitto") ? "/usr/sbin/mosquitto" : "mosquitto";
        var start = new ProcessStartInfo(program, ["-c", Path.Combine(folder, "mosquitto.conf")]) { RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true, UseShellExecute = false };
        // Our own settings and secrets are none of its business.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("SIGNET_", StringComparison.OrdinalIgnoreCase)).ToList()) start.Environment.Remove(name);
        Process process;
        try
        {
            process = Process.Start(start) ?? throw new InvalidOperationException("a process that was started has no handle");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new ControlException($"Mosquitto cannot be started ({e.Message}); install the Debian package mosquitto, or choose --broker embedded", e);
        }

        process.StandardInput.Close();
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is not { Length: > 0 } words) return;
            LastWords = words;
            Log.OtherBrokerSays(logger, "mosquitto", words);
        };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return _process = process;
    }

    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await _process!.WaitForExitAsync(_stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_stop.IsCancellationRequested) return;
            trail.Note(AuditTrail.Of(AuditTypes.Broker, Actor.Center, "mosquitto", "broker-ended", "failed", "", new() { ["code"] = _process.ExitCode, ["words"] = LastWords }));
            Log.OtherBrokerAlarm(logger, $"Mosquitto ended with {_process.ExitCode}: {LastWords}; it is started again");
            _process.Dispose();
            _process = null; // until the next one begins; the center may be stopped meanwhile
            await Task.Delay(ControlLimits.OtherBrokerRestart, time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!_stop.IsCancellationRequested) Start();
        }
    }

    private async Task StopLeftoverAsync(CancellationToken cancellationToken)
    {
        var file = Path.Combine(folder, "mosquitto.pid");
        if (!File.Exists(file) || !int.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var left) || !IsMosquitto(left)) return;
        // Another Mosquitto may have been given the number since.
        if (!File.ReadAllText($"/proc/{left.ToString(CultureInfo.InvariantCulture)}/cmdline").Contains(Path.Combine(folder, "mosquitto.conf"), StringComparison.Ordinal)) return;
        Send(left, 15);
        for (var i = 0; i < 100 && IsMosquitto(left); i++) await Task.Delay(ControlLimits.OtherBrokerLook, time, cancellationToken);
        if (IsMosquitto(left)) throw new ControlException($"an earlier Mosquitto (process {left}) does not stop; end it and start again");
    }

    private static async Task<bool> AnswersAsync(DnsEndPoint address, CancellationToken cancellationToken)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(address.Host is "0.0.0.0" or "::" ? "127.0.0.1" : address.Host, address.Port, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static void Send(int process, int signal) => _ = kill(process, signal);

    [DllImport("libc", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int kill(int process, int signal);
}
