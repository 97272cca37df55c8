namespace Signet.Cli.Shell;

/// <summary>How a run of the program ended. The numbers are a promise to scripts.</summary>
internal enum ExitCode
{
    Done = 0,
    Refused = 1,
    WrongUsage = 2,
    NotReachable = 3,
    VerificationFailed = 4,
}

/// <summary>Ends the command with one clear line on stderr. The message says what is wrong and what to do.</summary>
internal sealed class CliException(ExitCode exit, string message) : Exception(message)
{
    public ExitCode Exit { get; } = exit;

    /// <summary>What the center calls it; null when it did not say, or was not asked.</summary>
    public string? Reason { get; init; }

    /// <summary>The center knows no such thing.</summary>
    public bool IsNotFound { get; init; }

    /// <summary>The center knows it, and not for whoever asks.</summary>
    public bool IsForbidden { get; init; }

    /// <summary>The center takes no more from this account now, and wants to be asked again after this time; null for every other failure.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
