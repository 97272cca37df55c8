namespace Signet.Mqtt;

/// <summary>The peer refused, or the connection failed. <see cref="Reason"/> says why; <see cref="FromPeer"/> tells who said so.</summary>
public sealed class MqttException(ReasonCode reason, string message, bool fromPeer = false, Exception? inner = null) : Exception(message, inner)
{
    public ReasonCode Reason { get; } = reason;

    /// <summary>True when the other side sent the reason code, false when this side came to it (time-out, closed socket, malformed packet).</summary>
    public bool FromPeer { get; } = fromPeer;

    /// <summary>True when trying again later may succeed without anything being changed.</summary>
    public bool IsTransient => !FromPeer || Reason is ReasonCode.ServerUnavailable or ReasonCode.ServerBusy or ReasonCode.ServerShuttingDown
        or ReasonCode.KeepAliveTimeout or ReasonCode.MessageRateTooHigh or ReasonCode.QuotaExceeded or ReasonCode.ConnectionRateExceeded;
}
