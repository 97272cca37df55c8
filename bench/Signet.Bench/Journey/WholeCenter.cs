using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Signet.Agent;
using Signet.Control;

namespace Signet.Bench;

/// <summary>The center as it ships, and some devices of its fleet, commanded in turn: the broker holds each to 100 messages a second.</summary>
internal sealed class WholeCenter : IAsyncDisposable
{
    private const int Devices = 40;
    private readonly RandomNumberGenerator _random = RandomNumberGenerator.Create();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<(DeviceHome Home, DeviceAgent Agent, Task Running)> _devices = [];
    private CommandCenter _center = null!;
    private int _turn;

    public static async Task<WholeCenter> StartAsync(string directory)
    {
        var house = new WholeCenter();
        await Installation.CreateAsync(directory, new(), TimeProvider.System, house._random);
        house._center = await CommandCenter.OpenAsync(new() { DataDirectory = directory, MqttPort = 0 }, TimeProvider.System, house._random, NullLoggerFactory.Instance);
        await house._center.StartAsync();
        for (var i = 0; i < Devices; i++) await house.AddAsync($"door-{i}");
        return house;
    }

    public async Task OnceAsync()
    {
        var sent = (await _center.Commands.SendAsync(new(_devices[_turn++ % Devices].Home.Name, "open"), Actor.Terminal)).Value;
        var done = await _center.Commands.WaitAsync(sent.Id, TimeSpan.FromSeconds(20));
        if (done?.State != "executed") throw new InvalidOperationException($"{done?.State}: {done?.Reason}");
    }

    private async Task AddAsync(string name)
    {
        _ = (await _center.Fleet.AddAsync(new(name, "door", ["open", "close"]), Actor.Terminal)).Value;
        var home = DeviceHome.Open(_center.Installation.DeviceDirectory(name), TimeProvider.System);
        var agent = new DeviceAgent(home, Simulator.Of("door", home.Settings.Commands, TimeProvider.System, new Random(1)).Handlers, TimeProvider.System, _random, NullLogger.Instance);
        _devices.Add((home, agent, agent.RunAsync(_stop.Token)));
        while (_center.Fleet.Find(name)!.Presence.State != PresenceState.Online) await Task.Delay(5);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var (home, agent, running) in _devices)
        {
            await running;
            await agent.DisposeAsync();
            home.Dispose();
        }

        await _center.DisposeAsync();
        _random.Dispose();
        _stop.Dispose();
    }
}
