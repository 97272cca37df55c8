using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Signet.Agent;

/// <summary>How long to wait before the next attempt: twice as long each time, up to a limit, a random half of it less.</summary>
internal sealed class ReconnectPause(RandomNumberGenerator random)
{
    private TimeSpan _next = AgentLimits.FirstPause;

    public void Reset() => _next = AgentLimits.FirstPause;

    public TimeSpan Next()
    {
        Span<byte> bytes = stackalloc byte[4];
        random.GetBytes(bytes);
        var fraction = BinaryPrimitives.ReadUInt32LittleEndian(bytes) / (double)uint.MaxValue;
        var pause = _next * (1 - (fraction / 2));
        _next = _next * 2 < AgentLimits.LongestPause ? _next * 2 : AgentLimits.LongestPause;
        return pause;
    }
}
