using Signet.Proof;

namespace Signet.Control;

/// <summary>One verification of the whole log: under way, or over. Reading it is safe from any thread.</summary>
public sealed class Verification
{
    private long _done;

    internal Verification(Actor by, DateTimeOffset started, long total) => (By, Started, Total) = (by, started, total);

    /// <summary>Who asked for it first; others who ask meanwhile are shown the same.</summary>
    public Actor By { get; }

    public DateTimeOffset Started { get; }

    /// <summary>Entries there were when it began.</summary>
    public long Total { get; }

    /// <summary>Entries verified so far.</summary>
    public long Done => Volatile.Read(ref _done);

    /// <summary>Null while it runs, and when it could not be ended: then <see cref="Trouble"/> says why.</summary>
    public AuditVerdict? Verdict { get; internal set; }

    /// <summary>Why there is no verdict; null otherwise.</summary>
    public string? Trouble { get; internal set; }

    public DateTimeOffset? Ended { get; internal set; }

    public bool IsRunning => Ended is null;

    /// <summary>Done when it is over; never faults.</summary>
    public Task Completed { get; internal set; } = Task.CompletedTask;

    internal IProgress<long> Progress => new Reporter(this);

    private sealed class Reporter(Verification run) : IProgress<long>
    {
        public void Report(long value) => Volatile.Write(ref run._done, value);
    }
}
