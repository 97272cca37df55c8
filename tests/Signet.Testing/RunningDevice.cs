using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Agent;

namespace Signet.Testing;

/// <summary>A simulated device of the fleet, in this process, on real sockets.</summary>
public sealed class RunningDevice : IAsyncDisposable
{
    private readonly DeviceHome _home;
    private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
    private readonly CancellationTokenSource _stop = new();
    private readonly DeviceAgent _agent;
    private readonly Task _running;

    internal RunningDevice(string directory, CommandHandlers? handlers)
    {
        _home = DeviceHome.Open(directory, TimeProvider.System);
        var simulator = Simulator.Of(_home.Settings.Kind, _home.Settings.Commands, TimeProvider.System, new Random(1));
        _agent = new(_home, handlers ?? simulator.Handlers, TimeProvider.System, _random, NullLogger.Instance) { Measure = simulator.Measure };
        _running = Task.Run(() => _agent.RunAsync(_stop.Token));
    }

    public string Name => _home.Name;
    public DeviceHome Home => _home;
    public Task Online => _agent.Online;

    /// <summary>Says goodbye and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync();
        await _running.WaitAsync(TimeSpan.FromSeconds(10)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _agent.DisposeAsync();
        _home.Dispose();
        _random.Dispose();
        _stop.Dispose();
    }
}
