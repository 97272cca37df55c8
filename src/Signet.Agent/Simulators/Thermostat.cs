using System.Text.Json.Nodes;

namespace Signet.Agent;

/// <summary>A room with a heater: its temperature (degrees Celsius) moves towards the set point while the heater is active, else towards the outside, with a little noise.</summary>
internal sealed class Thermostat(TimeProvider time, Random random)
{
    private const double Least = 5, Most = 35, Outside = 12, Noise = 0.15;
    private static readonly TimeSpan Inertia = TimeSpan.FromMinutes(2); // in which the difference shrinks to 1/e

    private readonly Uptime _uptime = new(time);
    private readonly Lock _one = new();
    private bool _active = true;
    private double _setPoint = 21;
    private double _temperature = 19.5;
    private long _at = time.GetTimestamp();

    public Simulator ToSimulator() => new(
        new CommandHandlers()
            .HandleQuick("read-temperature", ArgumentSchema.None, _ => CommandOutcome.Done(new JsonObject { ["temperature"] = Temperature(), ["unit"] = "Cel" }), idempotent: true)
            .HandleQuick("set-point", ArgumentSchema.Of(Argument.Number("celsius", Least, Most)), context => SetPoint(context.Number("celsius")), idempotent: true)
            .HandleQuick("activate", ArgumentSchema.None, _ => Switch(on: true), idempotent: true)
            .HandleQuick("deactivate", ArgumentSchema.None, _ => Switch(on: false), idempotent: true)
            .HandleQuick("check-status", ArgumentSchema.None, _ => CommandOutcome.Done(Status()), idempotent: true)
            .HandleRestart(Restart),
        () => [new("temperature", Temperature(), "Cel"), new("set-point", _setPoint, "Cel"), new("active", _active)]);

    private double Temperature()
    {
        lock (_one)
        {
            var now = time.GetTimestamp();
            var goal = _active ? _setPoint : Outside;
            var elapsed = time.GetElapsedTime(_at, now);
            _temperature = goal + ((_temperature - goal) * Math.Exp(-elapsed / Inertia)) + ((random.NextDouble() - 0.5) * Noise);
            _at = now;
            return Math.Round(_temperature, 1);
        }
    }

    private CommandOutcome SetPoint(double celsius)
    {
        Temperature(); // what passed until now belongs to the old set point
        _setPoint = celsius;
        return CommandOutcome.Done(new JsonObject { ["celsius"] = _setPoint });
    }

    private CommandOutcome Switch(bool on)
    {
        Temperature();
        _active = on;
        return CommandOutcome.Done(new JsonObject { ["active"] = on });
    }

    private JsonObject Status() => new() { ["active"] = _active, ["setPoint"] = _setPoint, ["temperature"] = Temperature(), ["uptime"] = _uptime.Seconds };

    private void Restart()
    {
        _uptime.Restart();
        (_active, _setPoint) = (true, 21);
    }
}
