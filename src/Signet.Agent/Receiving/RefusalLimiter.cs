namespace Signet.Agent;

/// <summary>Lets some refusals through and counts the rest, so that a flood of forged commands is reported but not answered one by one. A token bucket. Not safe for concurrent use.</summary>
internal sealed class RefusalLimiter(TimeProvider time)
{
    private double _tokens = AgentLimits.RefusalBurst;
    private long _at = time.GetTimestamp();
    private int _suppressed;

    /// <summary>May this refusal be sent? If so, <paramref name="suppressed"/> is how many were not since the last one that was.</summary>
    public bool TryTake(out int suppressed)
    {
        var now = time.GetTimestamp();
        _tokens = Math.Min(AgentLimits.RefusalBurst, _tokens + (time.GetElapsedTime(_at, now).TotalSeconds * AgentLimits.RefusalsPerSecond));
        _at = now;
        suppressed = 0;
        if (_tokens < 1)
        {
            _suppressed++;
            return false;
        }
        _tokens--;
        (suppressed, _suppressed) = (_suppressed, 0);
        return true;
    }
}
