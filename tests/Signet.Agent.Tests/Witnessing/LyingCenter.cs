using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Signet.Proof;
using Signet.Wire;

namespace Signet.Agent.Tests;

/// <summary>
/// A center that holds the key of the log and the broker, and shows each device what it likes. The devices are whole ones, connected over mutual TLS; the histories are real trees with real signatures.
/// </summary>
internal sealed class LyingCenter : IAsyncDisposable
{
    private readonly Dictionary<string, RunningDevice> _devices = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Func<long, byte[]?>> _answers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Device, long Size), string> _lines = new();
    private readonly ConcurrentQueue<(string Device, WitnessMessage.Alarm Alarm)> _alarms = new();
    private readonly ConcurrentQueue<(string Device, long Size)> _asked = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _listening = [];

    private LyingCenter(Loopback house) => House = house;

    public Loopback House { get; }

    public IReadOnlyDictionary<string, RunningDevice> Devices => _devices;

    /// <param name="fleet">Where the devices come from.</param>
    /// <param name="logKey">The log's.</param>
    /// <param name="quorum">Of all of them; 0: each judges alone.</param>
    /// <param name="names">The devices.</param>
    public static async Task<LyingCenter> StartAsync(DeviceFleet fleet, ECDsa logKey, int quorum, params string[] names)
    {
        var center = new LyingCenter(new Loopback(fleet));
        await center.House.ConnectCenterAsync();
        var homes = names.ToDictionary(name => name, name => fleet.Add(name, port: center.House.Port));
        foreach (var (name, home) in homes)
        {
            using (var known = CheckpointKey.Of(logKey)) File.WriteAllText(Path.Combine(home, "checkpoint.pub"), known.ToPem());
            if (quorum > 0) WitnessSpecs.WriteWitnesses(home, homes, quorum);
            center._listening.Add(center.ListenAsync(name));
            center._devices[name] = new RunningDevice(home);
        }
        foreach (var device in center._devices.Values) await device.OnlineAsync();
        return center;
    }

    /// <summary>How a device's questions are answered from now on; null: not at all.</summary>
    public void Answer(string device, Func<long, byte[]?> how) => _answers[device] = how;

    /// <summary>Puts a note on the device's checkpoint topic.</summary>
    public Task ShowAsync(string device, string note) => House.SayAsync(Topics.Checkpoint(device), Encoding.UTF8.GetBytes(note));

    /// <summary>Ends a device, and starts it again when this note is what it will find.</summary>
    public async Task ComeBackToAsync(string device, string note)
    {
        var home = _devices[device].Home.Directory;
        await _devices[device].DisposeAsync();
        await House.KeepAsync(Topics.Checkpoint(device), Encoding.UTF8.GetBytes(note));
        _devices[device] = new RunningDevice(home);
        await _devices[device].OnlineAsync();
    }

    /// <summary>What the device has asked so far: how many entries it had seen, each time.</summary>
    public IEnumerable<long> AskedBy(string device) => _asked.Where(asked => asked.Device == device).Select(asked => asked.Size);

    /// <summary>Shows some devices the beginning of a history, proves it when they ask, and waits until all have cosigned it.</summary>
    /// <returns>Their cosignatures, one a line.</returns>
    public async Task<string> ShowAllAsync(IEnumerable<string> devices, WitnessSpecs.History history, string note, long size)
    {
        var lines = new StringBuilder();
        foreach (var device in devices)
        {
            Answer(device, from => history.Show(from, note));
            await ShowAsync(device, note);
        }
        foreach (var device in devices)
        {
            await UntilAsync(() => _lines.ContainsKey((device, size)), $"{device} cosigns {size}");
            lines.Append(_lines[(device, size)]);
        }
        return lines.ToString();
    }

    /// <summary>The next alarm of this kind that came from the device; signed by it.</summary>
    public async Task<WitnessMessage.Alarm> AlarmAsync(string device, WitnessAlarm reason)
    {
        await UntilAsync(() => Heard(device).Any(alarm => alarm.Reason == reason), $"{device} raises {reason}");
        var raised = Heard(device).First(alarm => alarm.Reason == reason);
        raised.Verify(_devices[device].Home.Certificate.PublicKey.ExportSubjectPublicKeyInfo()).ShouldBeTrue();
        return raised;
    }

    /// <summary>Every alarm that came from the device.</summary>
    public IEnumerable<WitnessMessage.Alarm> Heard(string device) => _alarms.Where(heard => heard.Device == device).Select(heard => heard.Alarm);

    /// <summary>What stands on the device's own disk.</summary>
    public IReadOnlyList<string> OnDiskOf(string device) => [.. WitnessState.Read(_devices[device].Home.Directory).Alarms.Select(alarm => alarm.Reason)];

    public static async Task UntilAsync(Func<bool> isSo, string what)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!isSo())
        {
            limit.IsCancellationRequested.ShouldBeFalse($"not within a minute: {what}");
            await Task.Delay(20, CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var device in _devices.Values) await device.DisposeAsync();
        await _stop.CancelAsync();
        await Task.WhenAll(_listening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await House.DisposeAsync();
        _stop.Dispose();
    }

    private async Task ListenAsync(string device)
    {
        await foreach (var message in House.Witnessing(device).ReadAllAsync(_stop.Token))
        {
            WitnessMessage.TryRead(message.Payload.Span, out var said).ShouldBeTrue();
            if (said is WitnessMessage.Ask question) _asked.Enqueue((device, question.Size));
            switch (said)
            {
                case WitnessMessage.Ask ask when _answers.GetValueOrDefault(device)?.Invoke(ask.Size) is { } answer:
                    await House.SayAsync(Topics.Checkpoint(device), answer);
                    break;
                case WitnessMessage.Cosigned cosigned:
                    _lines[(device, cosigned.Size)] = cosigned.Line;
                    break;
                case WitnessMessage.Alarm alarm:
                    _alarms.Enqueue((device, alarm));
                    break;
            }
        }
    }
}
