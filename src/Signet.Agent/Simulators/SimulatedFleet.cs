using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace Signet.Agent;

/// <summary>
/// Many simulated devices in one process, each with its own directory, key, connection and journal, as <see cref="AgentProgram"/> runs one. They do not renew
/// their certificates, and measure only when told to: a fleet for trying things with load, not for living with.
/// </summary>
/// <param name="homes">Directories of the devices.</param>
/// <param name="telemetry">They publish their readings at the interval of their <c>device.json</c>; else none.</param>
/// <param name="time">Their clock.</param>
/// <param name="random">Safe for concurrent use.</param>
public sealed class SimulatedFleet(IReadOnlyList<string> homes, bool telemetry, TimeProvider time, RandomNumberGenerator random) : IDisposable
{
    private readonly SemaphoreSlim _gate = new(AgentLimits.ConnectingAtOnce);
    private int _online;
    private int _failed;

    /// <summary>Runs until cancelled, or until <paramref name="parent"/> comes to its end. Tells <paramref name="output"/> in JSON, one a line, how many are online: <c>{"event":"online","count":250,"failed":0}</c>.</summary>
    public async Task RunAsync(TextReader? parent, TextWriter output, TextWriter errors, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var lines = TextWriter.Synchronized(output);
        using var logger = new FoldingLogger(new LineLogger(TextWriter.Synchronized(errors), LogLevel.Warning), time);
        var ended = parent is null ? Task.Delay(Timeout.Infinite, stop.Token) : AgentProgram.ReadToEndAsync(parent, stop.Token);
        var devices = Task.WhenAll(homes.Select(home => Task.Run(() => RunOneAsync(home, logger, lines, stop.Token), CancellationToken.None)));
        await Task.WhenAny(ended, devices);
        await stop.CancelAsync();
        await devices;
    }

    public void Dispose() => _gate.Dispose();

    private async Task RunOneAsync(string directory, FoldingLogger logger, TextWriter output, CancellationToken cancellationToken)
    {
        var isThrough = false;
        try
        {
            await _gate.WaitAsync(cancellationToken);
            using var home = DeviceHome.Open(directory, time);
            var seed = new byte[sizeof(int)];
            random.GetBytes(seed);
            var simulator = Simulator.Of(home.Settings.Kind, home.Settings.Commands, time, new Random(BitConverter.ToInt32(seed)));
            await using var agent = new DeviceAgent(home, simulator.Handlers, time, random, logger) { Measure = telemetry ? simulator.Measure : null, Details = new JsonObject { ["simulated"] = true } };
            var running = agent.RunAsync(cancellationToken);
            await Task.WhenAny(agent.Online, running);
            _gate.Release();
            isThrough = true;
            if (agent.Online.IsCompletedSuccessfully) Tell(output, Interlocked.Increment(ref _online));
            await running;
        }
        catch (OperationCanceledException)
        {
            // All end.
        }
        catch (AgentException e)
        {
            Log.NotSimulated(logger, e.Message);
            Interlocked.Increment(ref _failed);
            Tell(output, Volatile.Read(ref _online));
        }
        finally
        {
            if (!isThrough && !cancellationToken.IsCancellationRequested) _gate.Release();
        }
    }

    private void Tell(TextWriter output, int online)
    {
        if (online % 50 != 0 && online + Volatile.Read(ref _failed) < homes.Count) return;
        output.WriteLine(new JsonObject { ["event"] = "online", ["count"] = online, ["failed"] = Volatile.Read(ref _failed) }.ToJsonString());
        output.Flush();
    }
}
