using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Signet.Agent;

/// <summary>How <c>signet device run</c> runs one simulated device.</summary>
/// <param name="Directory">The device's directory.</param>
/// <param name="Parent">When this reader comes to its end (the parent closed its pipe, or died), the device says goodbye and ends; null: it runs until it is stopped.</param>
/// <param name="Json">Events as JSON, one a line: <c>{"event":"online","device":NAME}</c>.</param>
public sealed record AgentProgramOptions(string Directory, TextReader? Parent = null, bool Json = false);

/// <summary>The program around a simulated device: opens its directory, runs it, and says in plain lines what goes on.</summary>
public static class AgentProgram
{
    /// <returns>0 when it was stopped or its parent ended, 1 when it could not run (one line on <paramref name="errors"/> says why).</returns>
    public static async Task<int> RunAsync(AgentProgramOptions options, TextWriter output, TextWriter errors, TimeProvider time, RandomNumberGenerator random, CancellationToken cancellationToken)
    {
        var logger = new LineLogger(TextWriter.Synchronized(errors));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var parentEnds = options.Parent is null ? Task.CompletedTask : StopWithAsync(options.Parent, stop);
        try
        {
            // A renewed certificate is a new start: everything is opened again from the directory.
            while (await RunOnceAsync(options, output, logger, time, random, stop.Token)) { }
            return 0;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 0;
        }
        catch (AgentException e)
        {
            await errors.WriteLineAsync(e.Message);
            return 1;
        }
        finally
        {
            await stop.CancelAsync();
            await parentEnds.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>True when the certificate was renewed and the device is to start again.</returns>
    private static async Task<bool> RunOnceAsync(AgentProgramOptions options, TextWriter output, LineLogger logger, TimeProvider time, RandomNumberGenerator random, CancellationToken cancellationToken)
    {
        var renewal = new DeviceRenewal(options.Directory, time, random, logger);
        // Away for too long: nothing works before this does.
        if (renewal.Due() is { } due && due < time.GetUtcNow() && renewal.IsOver()) await renewal.RunAsync(cancellationToken);
        using var home = DeviceHome.Open(options.Directory, time);
        var seed = new byte[4];
        random.GetBytes(seed);
        var simulator = Simulator.Of(home.Settings.Kind, home.Settings.Commands, time, new Random(BitConverter.ToInt32(seed)));
        await using var agent = new DeviceAgent(home, simulator.Handlers, time, random, logger)
        {
            Measure = simulator.Measure,
            Details = new JsonObject { ["simulated"] = true, ["version"] = typeof(AgentProgram).Assembly.GetName().Version?.ToString(3) },
        };
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = agent.RunAsync(end.Token);
        var renewing = renewal.RunAsync(end.Token);
        var announcing = AnnounceAsync(agent, home.Name, options.Json, output);
        await Task.WhenAny(running, renewing);
        var isRenewed = renewing.IsCompletedSuccessfully;
        await end.CancelAsync();
        await renewing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await running;
        await agent.DisposeAsync();
        await announcing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return isRenewed;
    }

    private static async Task StopWithAsync(TextReader parent, CancellationTokenSource stop)
    {
        await ReadToEndAsync(parent, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await stop.CancelAsync();
    }

    internal static async Task ReadToEndAsync(TextReader parent, CancellationToken cancellationToken)
    {
        // Reading from a console or pipe may ignore the token; the program ends without waiting for it.
        var buffer = new char[256];
        while (await parent.ReadAsync(buffer.AsMemory(), cancellationToken).AsTask().WaitAsync(cancellationToken) > 0)
        {
        }
    }

    private static async Task AnnounceAsync(DeviceAgent agent, string name, bool json, TextWriter output)
    {
        await agent.Online;
        await output.WriteLineAsync(json ? new JsonObject { ["event"] = "online", ["device"] = name }.ToJsonString() : $"{name} is online");
        await output.FlushAsync();
    }
}
