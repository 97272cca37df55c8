using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Signet.Cli.Shell;
using Signet.Control;

namespace Signet.Cli.Up;

/// <summary>
/// SIGHUP reads the settings again. What can change while sessions go on does (the log level); for the rest it says that a restart is needed. A file with a mistake changes nothing.
/// </summary>
internal sealed class RunTimeSettings : IDisposable
{
    private readonly Func<SignetSettings> _load;
    private PosixSignalRegistration? _signal;
    private SignetSettings _now;

    public RunTimeSettings(SignetSettings first, Func<SignetSettings> load) => (_now, _load, Level) = (first, load, LevelOf(first));

    /// <summary>What is written to the log now; asked for each line.</summary>
    public LogLevel Level { get; private set; }

    public void Listen(CommandCenter center, ILogger logger)
    {
        if (!OperatingSystem.IsWindows())
            _signal = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;   // the default would end the process
                _ = Task.Run(() => ReloadAsync(center, logger));
            });
    }

    private async Task ReloadAsync(CommandCenter center, ILogger logger)
    {
        try
        {
            var next = _load();
            var changed = Setting.All.Where(s => next[s] != _now[s]).ToList();
            var later = changed.Where(s => s != Setting.LogLevel).Select(s => s.Key).ToList();
            (Level, _now) = (LevelOf(next), next);
            await center.NoteReloadAsync([.. changed.Select(s => s.Key)], later, null);
            if (later.Count > 0 && logger.IsEnabled(LogLevel.Warning)) UpLog.NeedRestart(logger, string.Join(", ", later));
        }
        catch (CliException e)
        {
            UpLog.NotReloaded(logger, e.Message);
            await center.NoteReloadAsync([], [], e.Message);
        }
    }

    private static LogLevel LevelOf(SignetSettings settings) => Enum.Parse<LogLevel>(settings[Setting.LogLevel], ignoreCase: true);

    public void Dispose() => _signal?.Dispose();
}

internal static partial class UpLog
{
    [LoggerMessage(1, LogLevel.Warning, "settings read again; these take effect after a restart: {Keys}")]
    public static partial void NeedRestart(ILogger logger, string keys);

    [LoggerMessage(2, LogLevel.Error, "settings not read again, nothing was changed: {Reason}")]
    public static partial void NotReloaded(ILogger logger, string reason);
}
