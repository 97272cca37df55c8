using System.Text.Json.Nodes;

namespace Signet.Agent;

/// <summary>A door that is open or closed. It stays as it is over a restart, like a real one.</summary>
internal sealed class Door(TimeProvider time)
{
    private readonly Uptime _uptime = new(time);
    private bool _open;
    private long _moves;

    public Simulator ToSimulator() => new(
        new CommandHandlers()
            .HandleQuick("open", ArgumentSchema.None, _ => Move(open: true), idempotent: true)
            .HandleQuick("close", ArgumentSchema.None, _ => Move(open: false), idempotent: true)
            .HandleQuick("check-status", ArgumentSchema.None, _ => CommandOutcome.Done(new JsonObject { ["open"] = _open, ["moves"] = _moves, ["uptime"] = _uptime.Seconds }), idempotent: true)
            .HandleRestart(_uptime.Restart),
        () => [new("open", _open), new("moves", _moves)]);

    private CommandOutcome Move(bool open)
    {
        if (_open != open) _moves++;
        _open = open;
        return CommandOutcome.Done(new JsonObject { ["open"] = open });
    }
}
