using System.Text.Json.Nodes;

namespace Signet.Agent;

/// <summary>A pretended device: what it can do and what it measures.</summary>
public sealed record Simulator(CommandHandlers Handlers, Func<IReadOnlyList<Measurement>> Measure)
{
    /// <summary>The simulator of a kind: thermostat, door, valve; any other kind echoes each command it is allowed.</summary>
    /// <param name="kind">From <c>device.json</c>.</param>
    /// <param name="allowed">The commands of <c>device.json</c>, for kinds of one's own.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="random">Seeded noise of the readings.</param>
    public static Simulator Of(string kind, IEnumerable<string> allowed, TimeProvider time, Random random) => kind switch
    {
        "thermostat" => new Thermostat(time, random).ToSimulator(),
        "door" => new Door(time).ToSimulator(),
        "valve" => new Valve(time, random).ToSimulator(),
        _ => Custom(allowed, time),
    };

    private static Simulator Custom(IEnumerable<string> allowed, TimeProvider time)
    {
        var uptime = new Uptime(time);
        var handlers = allowed.Where(c => c is not ("check-status" or "restart")).Aggregate(new CommandHandlers(), (all, command) => all.HandleQuick(command, ArgumentSchema.Any,
            context => CommandOutcome.Done(new JsonObject { ["command"] = command, ["arguments"] = context.Arguments.DeepClone() })));
        return new(handlers.HandleQuick("check-status", ArgumentSchema.None, _ => CommandOutcome.Done(new JsonObject { ["uptime"] = uptime.Seconds }), idempotent: true).HandleRestart(uptime.Restart),
            () => [new("uptime", uptime.Seconds, "s")]);
    }
}

/// <summary>Since when a simulated device has been switched on.</summary>
internal sealed class Uptime(TimeProvider time)
{
    private long _since = time.GetTimestamp();

    public long Seconds => (long)time.GetElapsedTime(_since).TotalSeconds;

    public void Restart() => _since = time.GetTimestamp();
}

internal static class RestartCommand
{
    /// <summary>Adds <c>restart</c>: the receipt goes out, then the device comes back as after switching it off and on.</summary>
    public static CommandHandlers HandleRestart(this CommandHandlers handlers, Action restart) => handlers.HandleQuick("restart", ArgumentSchema.None, context =>
    {
        restart();
        context.RestartWanted = true;
        return CommandOutcome.Done();
    });
}
