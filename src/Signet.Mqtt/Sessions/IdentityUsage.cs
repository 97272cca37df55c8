namespace Signet.Mqtt.Broker.Sessions;

/// <summary>What one identity uses at the moment, over all its connections, and the rates it is held to.</summary>
internal sealed class IdentityUsage(string identity, IdentityLimits limits, TimeProvider time)
{
    private readonly Lock gate = new();
    private double messages;
    private double bytes;
    private long filledAt = time.GetTimestamp();

    public string Identity => identity;

    /// <summary>As the policy last gave them.</summary>
    public IdentityLimits Limits { get; set; } = limits;

    /// <summary>Guarded by the session table's gate.</summary>
    public int Connections { get; set; }

    /// <summary>Guarded by the session table's gate.</summary>
    public int Sessions { get; set; }

    /// <summary>
    /// Takes what was received out of the buckets and says how long the connection must be left unread to pay it back. Buckets hold one second's worth.
    /// </summary>
    public TimeSpan Charge(int messageCount, long byteCount)
    {
        var l = Limits;
        if (l.MessagesPerSecond is null && l.BytesPerSecond is null) return TimeSpan.Zero;
        lock (gate)
        {
            var now = time.GetTimestamp();
            var seconds = time.GetElapsedTime(filledAt, now).TotalSeconds;
            filledAt = now;
            var wait = 0.0;
            if (l.MessagesPerSecond is { } m) wait = Math.Max(wait, Take(ref messages, m, messageCount, seconds));
            if (l.BytesPerSecond is { } b) wait = Math.Max(wait, Take(ref bytes, b, byteCount, seconds));
            return TimeSpan.FromSeconds(wait);
        }
    }

    /// <summary>The bucket counts what is owed: it drains with time and may reach one second's worth before anyone waits.</summary>
    private static double Take(ref double owed, int rate, double used, double seconds)
    {
        owed = Math.Max(0, owed - (seconds * rate)) + used;
        return owed > rate ? (owed - rate) / rate : 0;
    }
}
