using Microsoft.Extensions.Logging;

namespace Signet.Agent;

/// <summary>Everything a device says. Never a key, a payload or an argument.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "{Device} is online at {Broker}")]
    public static partial void Online(ILogger logger, string device, string broker);

    [LoggerMessage(2, LogLevel.Warning, "{Device} has no connection to {Broker}: {Cause}; trying again")]
    public static partial void NotConnected(ILogger logger, string device, string broker, string cause);

    [LoggerMessage(3, LogLevel.Information, "{Device} said goodbye")]
    public static partial void Offline(ILogger logger, string device);

    [LoggerMessage(4, LogLevel.Information, "{Device} starts again")]
    public static partial void Restarting(ILogger logger, string device);

    [LoggerMessage(5, LogLevel.Warning, "the broker refused {Topic}: {Reason}")]
    public static partial void BrokerRefused(ILogger logger, string topic, string reason);

    [LoggerMessage(10, LogLevel.Information, "command {Id} {Command}: {State}")]
    public static partial void Executed(ILogger logger, string id, string command, string state);

    [LoggerMessage(11, LogLevel.Warning, "command {Id} refused: {Reason} ({Detail}); {Suppressed} more were not reported")]
    public static partial void Refused(ILogger logger, string id, string reason, string detail, int suppressed);

    [LoggerMessage(12, LogLevel.Error, "the handler of {Command} failed")]
    public static partial void HandlerFailed(ILogger logger, string command, Exception exception);

    [LoggerMessage(13, LogLevel.Error, "the journal cannot be written: {Cause}")]
    public static partial void JournalFailed(ILogger logger, string cause);

    [LoggerMessage(14, LogLevel.Warning, "device.json allows {Command}, which a {Kind} cannot do; it will be refused")]
    public static partial void NoHandler(ILogger logger, string command, string kind);

    [LoggerMessage(28, LogLevel.Warning, "{Device} takes no notice of a heartbeat: {Why}")]
    public static partial void HeartbeatRefused(ILogger logger, string device, string why);

    [LoggerMessage(29, LogLevel.Error, "ALARM of {Device}: messages are missing: the center had sent {Sent} commands, {Heard} came; of {Receipts} receipts the center has {Had}")]
    public static partial void MessagesMissing(ILogger logger, string device, long sent, long heard, long receipts, long had);

    [LoggerMessage(30, LogLevel.Error, "ALARM of {Device}: the center has been silent for {Seconds} s, although the connection stands")]
    public static partial void CenterSilent(ILogger logger, string device, int seconds);

    [LoggerMessage(31, LogLevel.Information, "{Device} hears the center again")]
    public static partial void CenterHeardAgain(ILogger logger, string device);

    [LoggerMessage(27, LogLevel.Error, "a simulated device does not run: {Cause}")]
    public static partial void NotSimulated(ILogger logger, string cause);

    [LoggerMessage(15, LogLevel.Warning, "command {Id} was begun before the last stop: {State}")]
    public static partial void Recovered(ILogger logger, string id, string state);

    [LoggerMessage(20, LogLevel.Error, "ALARM of {Device}, witness of the audit log: {Reason}: {Sentence}")]
    public static partial void WitnessAlarm(ILogger logger, string device, string reason, string sentence);

    [LoggerMessage(21, LogLevel.Warning, "{Device} ignores a checkpoint that the audit log did not sign")]
    public static partial void NoteIgnored(ILogger logger, string device);

    [LoggerMessage(22, LogLevel.Warning, "{Device}: enough other devices confirm the history again, up to entry {Size}")]
    public static partial void Confirmed(ILogger logger, string device, long size);

    [LoggerMessage(25, LogLevel.Information, "{Device} obeys manifest version {Version}")]
    public static partial void ManifestObeyed(ILogger logger, string device, long version);

    [LoggerMessage(26, LogLevel.Warning, "{Device} refused a manifest: {Why}")]
    public static partial void ManifestRefused(ILogger logger, string device, string why);

    [LoggerMessage(27, LogLevel.Warning, "{Device} takes commands signed under certificate {Serial} from now on")]
    public static partial void SignerTaken(ILogger logger, string device, string serial);

    [LoggerMessage(28, LogLevel.Warning, "{Device} refused another command signer: {Why}")]
    public static partial void SignerRefused(ILogger logger, string device, string why);

    [LoggerMessage(16, LogLevel.Error, "measuring failed")]
    public static partial void MeasuringFailed(ILogger logger, Exception exception);

    [LoggerMessage(17, LogLevel.Information, "{Device} renewed its certificate; it ends {Ends:u}")]
    public static partial void Renewed(ILogger logger, string device, DateTimeOffset ends);

    [LoggerMessage(18, LogLevel.Warning, "the certificate could not be renewed: {Cause}; trying again")]
    public static partial void NotRenewed(ILogger logger, string cause);

    [LoggerMessage(32, LogLevel.Warning, "{Count} more of this kind, the last: {Line}")]
    public static partial void Folded(ILogger logger, int count, string line);
}
