using Microsoft.Extensions.Logging;

namespace Signet.Control;

/// <summary>Every log line of this room. What an attacker can cause at will stays at Debug; the audit log counts it. Never a key, token or payload.</summary>
internal static partial class Log
{
    [LoggerMessage(3001, LogLevel.Information, "Center {Id} opened in {Directory}; epoch {Epoch}")]
    public static partial void Opened(ILogger logger, string id, string directory, long epoch);

    [LoggerMessage(3002, LogLevel.Information, "MQTT with client certificates on {EndPoint}")]
    public static partial void Listening(ILogger logger, System.Net.IPEndPoint endPoint);

    [LoggerMessage(3003, LogLevel.Information, "Certificate {Name} renewed until {Ends:u}")]
    public static partial void Renewed(ILogger logger, string name, DateTimeOffset ends);

    [LoggerMessage(3004, LogLevel.Warning, "{Count} audit notes could not be written before the end")]
    public static partial void NotesDropped(ILogger logger, int count);

    [LoggerMessage(3005, LogLevel.Warning, "The center's own link to the broker: {State} {Cause}")]
    public static partial void LinkChanged(ILogger logger, string state, string? cause);

    [LoggerMessage(3006, LogLevel.Error, "What devices said could not be worked through and is tried again")]
    public static partial void IntakeStopped(ILogger logger, Exception cause);

    [LoggerMessage(3007, LogLevel.Warning, "The clock {Direction} by {Seconds:0.0} s")]
    public static partial void ClockJumped(ILogger logger, string direction, double seconds);

    [LoggerMessage(3008, LogLevel.Debug, "Refused at the listener: {Reason} from {Remote}")]
    public static partial void HandshakeRefused(ILogger logger, string reason, System.Net.EndPoint? remote);

    [LoggerMessage(3009, LogLevel.Warning, "Readings could not be stored and stay in memory: {Why}")]
    public static partial void ReadingsHeld(ILogger logger, string why);

    [LoggerMessage(3010, LogLevel.Warning, "{Round} failed and is tried again: {Why}")]
    public static partial void RoundFailed(ILogger logger, string round, string why);

    [LoggerMessage(3011, LogLevel.Warning, "Command {Id}: the broker did not answer: {Why}")]
    public static partial void CommandInDoubt(ILogger logger, string id, string why);

    [LoggerMessage(3020, LogLevel.Error, "ALARM of {Device}, witness of the audit log: {Alarm}")]
    public static partial void WitnessAlarm(ILogger logger, string device, string alarm);

    [LoggerMessage(3021, LogLevel.Error, "THE AUDIT LOG {State}: {Message}")]
    public static partial void AuditStopped(ILogger logger, string state, string message);

    [LoggerMessage(3022, LogLevel.Warning, "The audit log takes entries again")]
    public static partial void AuditRecovered(ILogger logger);

    [LoggerMessage(3023, LogLevel.Warning, "Audit entries could not be handed on to {Target} and wait: {Why}")]
    public static partial void ForwardingFailed(ILogger logger, string target, string why);

    [LoggerMessage(3024, LogLevel.Error, "ALARM, the broker: {Words}")]
    public static partial void OtherBrokerAlarm(ILogger logger, string words);

    [LoggerMessage(3025, LogLevel.Information, "{Program}: {Words}")]
    public static partial void OtherBrokerSays(ILogger logger, string program, string words);

    [LoggerMessage(3012, LogLevel.Information, "#{Number} {Type}: {Actor} {Action} {Subject} {Outcome} {Reason}")]
    public static partial void Audited(ILogger logger, long number, string type, string actor, string action, string subject, string outcome, string reason);

    [LoggerMessage(3020, LogLevel.Information, "{Name} was replaced on the disk and is taken from the next handshake on; it ends {Ends:u}")]
    public static partial void Reloaded(ILogger logger, string name, DateTimeOffset ends);

    [LoggerMessage(3021, LogLevel.Warning, "{Name} ({Profile}) ends on {Ends:u}, in less than {Days} days")]
    public static partial void Ending(ILogger logger, string name, string profile, DateTimeOffset ends, int days);
}
