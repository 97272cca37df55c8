namespace Signet.Lab;

/// <summary>What one run does and where it writes.</summary>
public sealed record LabOptions
{
    /// <summary>Report, results, plots and <c>logs/</c> go here; made if it is not there, files of an earlier run are replaced.</summary>
    public required string OutDirectory { get; init; }

    /// <summary>The same seed gives the same attacks in the same order with the same hostile bytes. Keys and nonces are random all the same.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Names of attacks, words of them (<c>replay</c>) or layers (<c>broker</c>); null runs all.</summary>
    public IReadOnlyList<string>? Only { get; init; }

    /// <summary>Where the console of an installation looks for results (<c>DATA/lab</c>); null: they are kept in <see cref="OutDirectory"/> alone.</summary>
    public string? KeepIn { get; init; }

    /// <summary>Go on with random attacks on a working house for this long afterwards; null does not.</summary>
    public TimeSpan? Soak { get; init; }

    /// <summary>Samples of each suite's latency.</summary>
    public int LatencySamples { get; init; } = 400;

    /// <summary>Told of everything as it happens; called from one thread at a time.</summary>
    public IProgress<LabProgress>? Progress { get; init; }
}

/// <summary>One step of a run.</summary>
/// <param name="Phase"><c>houses, attacks, controls, replay, latency, flood, timing, soak, report</c>.</param>
/// <param name="Item">The attack, control or suite.</param>
/// <param name="Done">Steps of the phase that are behind, this one included.</param>
/// <param name="Outcome">How it went, in a word or two.</param>
public sealed record LabProgress(string Phase, string Item, int Done, int Total, string Outcome);
