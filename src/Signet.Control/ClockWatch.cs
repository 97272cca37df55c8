using Microsoft.Extensions.Logging;
using Signet.Audit;

namespace Signet.Control;

/// <summary>
/// Notices a clock that jumped, by the machine's own monotonic time. What it means: (epoch, sequence) of commands go on rising whatever the clock does; <c>iat</c> and
/// <c>exp</c> follow the clock, so devices refuse commands as <c>expired</c> or <c>issued-in-future</c> until the clocks agree again. It is on the record so that nobody wonders.
/// A clock that jumped forward does not make readings or log entries old: for a day nothing is removed for its age, so that somebody can set it right.
/// </summary>
internal sealed class ClockWatch(AuditTrail trail, TimeProvider time, ILogger logger)
{
    private readonly Lock _one = new();
    private (DateTimeOffset Wall, long Monotonic) _last = (time.GetUtcNow(), time.GetTimestamp());
    private TimeSpan _ahead;
    private long _since;

    /// <summary>False while ages are in doubt. Looks first, so that no removal comes between a jump and the next look.</summary>
    public bool MayForget()
    {
        Look();
        lock (_one) return _ahead < ControlLimits.ClockDoubt || time.GetElapsedTime(_since) > ControlLimits.ClockDoubtFor;
    }

    /// <returns>True when it jumped since the last look.</returns>
    public bool Look()
    {
        TimeSpan jump;
        lock (_one)
        {
            var (wall, monotonic) = (time.GetUtcNow(), time.GetTimestamp());
            jump = wall - _last.Wall - time.GetElapsedTime(_last.Monotonic, monotonic);
            _last = (wall, monotonic);
            if (jump.Duration() < ControlLimits.ClockJump) return false;
            _ahead = _ahead + jump > TimeSpan.Zero ? _ahead + jump : TimeSpan.Zero;
            if (jump > TimeSpan.Zero) _since = monotonic;
        }
        var direction = jump < TimeSpan.Zero ? "went back" : "went forward";
        Log.ClockJumped(logger, direction, jump.Duration().TotalSeconds);
        trail.Note(new(AuditTypes.System, Actor.Center.Name, "clock", "clock-jumped", direction, "", new() { ["milliseconds"] = (long)jump.TotalMilliseconds }));
        return true;
    }
}
