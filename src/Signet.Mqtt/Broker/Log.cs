using System.Net;
using Microsoft.Extensions.Logging;

namespace Signet.Mqtt.Broker;

/// <summary>Every log line of the broker. Hostile input logs at Debug, so that nobody can fill a disk from outside; counters and the observer tell it in full.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Debug, "refused {Kind} ({Code}): {Reason}; identity {Identity}, client {Client}, from {Remote}")]
    public static partial void Refused(ILogger logger, RefusalKind kind, ReasonCode code, string reason, string? identity, string? client, EndPoint? remote);

    [LoggerMessage(2, LogLevel.Error, "a defect was caught; the connection or call it happened in was ended")]
    public static partial void Bug(ILogger logger, Exception e);

    [LoggerMessage(3, LogLevel.Critical, "the session store failed; nothing durable is acknowledged any more")]
    public static partial void StoreLost(ILogger logger, Exception e);

    [LoggerMessage(4, LogLevel.Information, "listener {Name} on {EndPoint}, TLS {Tls}")]
    public static partial void Listening(ILogger logger, string name, EndPoint endPoint, bool tls);

    [LoggerMessage(5, LogLevel.Debug, "listener {Name} refused {Remote}: {Reason}")]
    public static partial void HandshakeRefused(ILogger logger, string name, EndPoint? remote, string reason);

    [LoggerMessage(6, LogLevel.Error, "listener {Name} cannot accept; it tries again")]
    public static partial void AcceptFailed(ILogger logger, Exception e, string name);
}
