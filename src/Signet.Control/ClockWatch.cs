using Microsoft.Extensions.Logging;
using Signet.Audit;

namespace Signet.Control;

/// <summary>
/// Notices a clock that jumped, by the machine's own monotonic time. What it means: (epoch, sequence) of commands go on rising whatever the clock does; <c>iat</c> and
/// <c>exp</c> follow the clock, so devices refuse commands as <c>expired</c> or <c>issued-in-future</c> until the clocks agree again. It is on the record so that nobody wonders.
/// </summary>
internal sealed class ClockWatch(AuditTrail trail, TimeProvider time, ILogger logger)
{
    private (DateTimeOffset Wall, long Monotonic) _last = (time.GetUtcNow(), time.GetTimestamp());

    public void Look()
    {
        var (wall, monotonic) = (time.GetUtcNow(), time.GetTimestamp());
        var jump = wall - _last.Wall - time.GetElapsedTime(_last.Monotonic, monotonic);
        _last = (wall, monotonic);
        if (jump.Duration() < ControlLimits.ClockJump) return;
        var direction = jump < TimeSpan.Zero ? "went back" : "went forward";
        Log.ClockJumped(logger, direction, jump.Duration().TotalSeconds);
        trail.Note(new(AuditTypes.System, Actor.Center.Name, "clock", "clock-jumped", direction, "", new() { ["milliseconds"] = (long)jump.TotalMilliseconds }));
    }
}
