using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Signet.Agent;

namespace Signet.Bench;

/// <summary>Many devices in one process, each the whole program around a device as <c>signet device run</c> is it: home on the disk, journal, renewal, coming back.</summary>
/// <param name="clock">Their clock.</param>
internal sealed class SimulatedDevices(TimeProvider clock) : IAsyncDisposable
{
    private const int LinesKept = 200;
    private readonly Dictionary<string, (CancellationTokenSource Stop, Task<int> Running)> _running = new(StringComparer.Ordinal);
    private readonly Said _said = new();

    public IReadOnlyCollection<string> Running => _running.Keys;

    /// <summary>The latest warnings of all of them.</summary>
    public IReadOnlyList<string> Warnings => _said.Warnings;

    public long WarningCount => _said.Count;

    /// <summary>Certificates that were renewed.</summary>
    public long Renewals => _said.Renewals;

    public bool HasRenewed(string name) => _said.HasRenewed(name);

    /// <param name="home">The device's directory.</param>
    /// <param name="share">At which part of its certificate's life the device renews, 0 (two thirds) to 1 (23 days of 30); null: by chance.</param>
    public void SwitchOn(string home, double? share = null)
    {
        var stop = new CancellationTokenSource();
        var random = new FirstScripted(share);
        _running.Add(Path.GetFileName(home), (stop, Task.Run(() => AgentProgram.RunAsync(new(home), TextWriter.Null, _said, clock, random, stop.Token), CancellationToken.None)));
    }

    public async Task SwitchOffAsync(string name)
    {
        if (!_running.Remove(name, out var device)) return;
        await device.Stop.CancelAsync();
        if (await device.Running != 0) throw new InvalidOperationException($"{name} ended with an error: {string.Join("; ", Warnings.TakeLast(3))}");
        device.Stop.Dispose();
    }

    /// <summary>A device that ended by itself; null: all run.</summary>
    public string? Fallen => _running.FirstOrDefault(d => d.Value.Running.IsCompleted).Key;

    public async ValueTask DisposeAsync()
    {
        foreach (var device in _running.Values) await device.Stop.CancelAsync();
        foreach (var device in _running.Values)
        {
            await ((Task)device.Running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            device.Stop.Dispose();
        }
        _running.Clear();
    }

    /// <summary>How often a device speaks, into the settings of its home.</summary>
    public static void Set(string home, DevicePace pace)
    {
        var path = Path.Combine(home, "device.json");
        var settings = JsonNode.Parse(File.ReadAllBytes(path))!.AsObject();
        settings["telemetrySeconds"] = pace.Interval;
        settings["heartbeatSeconds"] = pace.Heartbeat;
        settings["keepAliveSeconds"] = pace.KeepAlive;
        File.WriteAllText(path, settings.ToJsonString());
    }

    /// <summary>Which share (see <see cref="SwitchOn"/>) makes the device renew at this time.</summary>
    public static double ShareFor(string home, DateTimeOffset at)
    {
        using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(Path.Combine(home, Path.GetFileName(home) + ".crt")));
        var (starts, ends) = (new DateTimeOffset(certificate.NotBefore.ToUniversalTime()), new DateTimeOffset(certificate.NotAfter.ToUniversalTime()));
        return Math.Clamp((((at - starts) / (ends - starts)) - AgentLimits.RenewAfter) / AgentLimits.RenewJitter, 0, 1);
    }

    /// <summary>What the devices print, counted and bounded.</summary>
    private sealed class Said : TextWriter
    {
        private readonly Queue<string> _warnings = new();
        private readonly HashSet<string> _renewed = new(StringComparer.Ordinal);
        private long _count, _renewals;

        public override System.Text.Encoding Encoding => System.Text.Encoding.UTF8;

        public long Count => Volatile.Read(ref _count);

        public long Renewals => Volatile.Read(ref _renewals);

        public bool HasRenewed(string name)
        {
            lock (_renewed) return _renewed.Contains(name);
        }

        public IReadOnlyList<string> Warnings
        {
            get { lock (_warnings) return [.. _warnings]; }
        }

        public override void Write(char value) { }

        public override void WriteLine(string? value)
        {
            if (value is null) return;
            var isWarning = value.StartsWith("warning", StringComparison.Ordinal) || value.StartsWith("error", StringComparison.Ordinal);
            if (!isWarning && value.Contains(" renewed ", StringComparison.Ordinal))
            {
                Interlocked.Increment(ref _renewals);
                lock (_renewed) _renewed.Add(value[..value.IndexOf(' ', StringComparison.Ordinal)]);
            }
            if (!isWarning) return;
            lock (_warnings)
            {
                _count++;
                _warnings.Enqueue(value);
                if (_warnings.Count > LinesKept) _warnings.Dequeue();
            }
        }
    }

    /// <summary>The first four bytes, from which the moment of renewal is drawn, as wanted; everything else by chance.</summary>
    private sealed class FirstScripted(double? share) : RandomNumberGenerator
    {
        private int _asked = share is null ? 1 : 0;

        public override void GetBytes(byte[] data) => GetBytes(data.AsSpan());

        public override void GetBytes(Span<byte> data)
        {
            if (data.Length == 4 && Interlocked.Exchange(ref _asked, 1) == 0) BinaryPrimitives.WriteUInt32LittleEndian(data, (uint)(share!.Value * uint.MaxValue));
            else Fill(data);
        }
    }
}

/// <summary>How often a device speaks (docs/spec/device-home.md), in seconds.</summary>
/// <param name="Interval">Between measurements.</param>
/// <param name="Heartbeat">Between its heartbeats, and so the center's to it.</param>
/// <param name="KeepAlive">MQTT keep alive.</param>
internal sealed record DevicePace(int Interval, int Heartbeat, int KeepAlive)
{
    /// <summary>From the arguments; what is not said is as the program has it, but for the interval.</summary>
    public static DevicePace Of(Arguments args, int interval, int heartbeat = AgentLimits.HeartbeatSecondsDefault, int keepAlive = AgentLimits.KeepAliveSecondsDefault)
        => new(args.Number("interval", interval), args.Number("heartbeat", heartbeat), args.Number("keep-alive", keepAlive));

    public override string ToString() => $"readings every {Interval} s, heartbeats every {Heartbeat} s, keep alive {KeepAlive} s";
}
