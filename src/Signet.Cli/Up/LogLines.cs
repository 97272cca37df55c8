using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Signet.Cli.Up;

/// <summary>How log lines look and where they go.</summary>
internal static class LogLines
{
    public static ILoggingBuilder AddLines(this ILoggingBuilder logging, bool json, bool toStandardError)
    {
        if (json)
            logging.AddJsonConsole(format =>
            {
                (format.UseUtcTimestamp, format.TimestampFormat, format.IncludeScopes) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ", false);
                format.JsonWriterOptions = new JsonWriterOptions { Indented = false };
            });
        else
            logging.AddSimpleConsole(format => (format.SingleLine, format.UseUtcTimestamp, format.TimestampFormat) = (true, true, "yyyy-MM-ddTHH:mm:ssZ "));
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = toStandardError ? LogLevel.Trace : LogLevel.None);
        return logging;
    }
}
