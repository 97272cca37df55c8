using System.Text.Json.Nodes;

namespace Signet.Agent;

/// <summary>A valve with a position from 0 (closed) to 100 percent (open), and the flow that comes of it in litres a minute.</summary>
internal sealed class Valve(TimeProvider time, Random random)
{
    private const double FullFlow = 40;
    private readonly Uptime _uptime = new(time);
    private long _position;

    public Simulator ToSimulator() => new(
        new CommandHandlers()
            .HandleQuick("open", ArgumentSchema.None, _ => Move(100), idempotent: true)
            .HandleQuick("close", ArgumentSchema.None, _ => Move(0), idempotent: true)
            .HandleQuick("set-position", ArgumentSchema.Of(Argument.Integer("percent", 0, 100)), context => Move((long)context.Number("percent")), idempotent: true)
            .HandleQuick("check-status", ArgumentSchema.None, _ => CommandOutcome.Done(new JsonObject { ["position"] = _position, ["flow"] = Flow(), ["uptime"] = _uptime.Seconds }), idempotent: true)
            .HandleRestart(_uptime.Restart),
        () => [new("position", _position, "%"), new("flow", Flow(), "L/min")]);

    private CommandOutcome Move(long percent)
    {
        _position = percent;
        return CommandOutcome.Done(new JsonObject { ["position"] = percent });
    }

    private double Flow() => _position == 0 ? 0 : Math.Round(FullFlow * _position / 100 * (0.98 + (random.NextDouble() * 0.04)), 1);
}
