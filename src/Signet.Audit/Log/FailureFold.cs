using System.Text.Json.Nodes;

namespace Signet.Audit;

/// <summary>
/// Takes failures that strangers can cause (refused handshakes, wrong passwords, malformed messages) and writes at most a stated number of entries a second, whatever they do:
/// the first few of a kind from one source in a window stand in full, the rest as one entry with their count at the window's end; all sources together have a limit too.
/// The source is an address, or may be: it stands beside the entry with the other facts about persons, where it can be erased.
/// Memory is bounded: sources beyond <see cref="AuditLimits.FoldedSources"/> in a window are counted together.
/// Failing to write a folded entry loses no action: the failure it reports was already refused.
/// </summary>
public sealed class FailureFold : IAsyncDisposable
{
    private readonly AuditLog _log;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private Dictionary<Kind, Counter> _counters = [];
    private int _written;
    private long _others;

    public FailureFold(AuditLog log, TimeProvider time)
    {
        _log = log;
        _timer = time.CreateTimer(_ => _ = FlushAsync(), null, AuditLimits.FoldWindow, AuditLimits.FoldWindow);
    }

    /// <summary>Records one failure.</summary>
    /// <param name="record">What the entry says when it is written in full.</param>
    /// <param name="source">Who is counted together: an address, or the name a certificate proved.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The entry, or null when the failure was counted into a later one.</returns>
    /// <exception cref="AuditUnavailableException">The log cannot be written.</exception>
    public async ValueTask<AuditEntry?> RecordAsync(AuditRecord record, string source, CancellationToken cancellationToken = default)
    {
        lock (_gate)
            if (!TakePlace(record, source))
                return null;
        return await _log.AppendAsync(record, cancellationToken);
    }

    /// <summary>Writes the counts of the window that ends now. Called by the timer and when closing.</summary>
    public async Task FlushAsync()
    {
        Dictionary<Kind, Counter> counters;
        long others;
        lock (_gate)
        {
            (counters, others) = (_counters, _others);
            (_counters, _others, _written) = ([], 0, 0);
        }
        // The loudest by name, the rest as one: the flush itself must stay within the limit.
        var folded = counters.Values.Where(c => c.Folded > 0).OrderByDescending(c => c.Folded).ToList();
        foreach (var counter in folded.Take(AuditLimits.FoldedEntries))
            await TryAppendAsync(counter.Last with { Details = Counted(counter.Last.Details, counter.Folded), Personal = Sourced(counter.Last.Personal, counter.Source) });
        var rest = others + folded.Skip(AuditLimits.FoldedEntries).Sum(c => c.Folded);
        if (rest > 0)
            await TryAppendAsync(new AuditRecord(AuditTypes.Security, "signet", "audit", "failures-counted", "refused", "too-many-sources", Counted(null, rest)));
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        await FlushAsync();
    }

    private bool TakePlace(AuditRecord record, string source)
    {
        var key = new Kind(source, record.Type, record.Action, record.Actor, record.Reason);
        if (!_counters.TryGetValue(key, out var counter))
        {
            if (_counters.Count >= AuditLimits.FoldedSources)
            {
                _others++;
                return false;
            }
            _counters.Add(key, counter = new Counter(source));
        }
        counter.Last = record;
        if (counter.Full < AuditLimits.FullFailures && _written < AuditLimits.FailuresWritten)
        {
            counter.Full++;
            _written++;
            return true;
        }
        counter.Folded++;
        return false;
    }

    private async Task TryAppendAsync(AuditRecord record)
    {
        try
        {
            await _log.AppendAsync(record);
        }
        catch (AuditUnavailableException)
        {
            // The log's health says so; the count of this window is lost, the refusals themselves stood.
        }
    }

    private static JsonObject Counted(JsonObject? details, long count)
    {
        var counted = details is null ? [] : details.DeepClone().AsObject();
        counted["count"] = count;
        counted["seconds"] = (int)AuditLimits.FoldWindow.TotalSeconds;
        return counted;
    }

    private static JsonObject Sourced(JsonObject? personal, string source)
    {
        var sourced = personal is null ? [] : personal.DeepClone().AsObject();
        sourced["source"] = source;
        return sourced;
    }

    private readonly record struct Kind(string Source, string Type, string Action, string Actor, string Reason);

    private sealed class Counter(string source)
    {
        public string Source { get; } = source;
        public AuditRecord Last { get; set; } = null!;
        public int Full { get; set; }
        public long Folded { get; set; }
    }
}
