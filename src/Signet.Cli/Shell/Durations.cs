using System.Globalization;

namespace Signet.Cli.Shell;

/// <summary>Times as people type them: <c>90s</c>, <c>10m</c>, <c>2h</c>, <c>7d</c>; a moment as ISO 8601, or <c>+10m</c> from now.</summary>
internal static class Durations
{
    /// <exception cref="CliException">Says what the option takes.</exception>
    public static TimeSpan Parse(string option, string text)
    {
        var unit = text.Length > 0 ? text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3_600, 'd' => 86_400, _ => 0 } : 0;
        return unit > 0 && long.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 100_000_000
            ? TimeSpan.FromSeconds(number * unit)
            : throw new CliException(ExitCode.WrongUsage, $"{option} takes a time such as 90s, 10m, 2h or 7d, and \"{text}\" is none.");
    }

    /// <inheritdoc cref="Parse"/>
    public static DateTimeOffset Moment(string option, string text, DateTimeOffset now)
        => text.StartsWith('+') ? now + Parse(option, text[1..])
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var moment) ? moment
            : throw new CliException(ExitCode.WrongUsage, $"{option} takes a time such as 2026-11-25T22:00Z or +10m, and \"{text}\" is none.");
}
