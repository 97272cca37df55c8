using Signet.Audit;
using Signet.Control;

namespace Signet.Web.Looks;

/// <summary>The newest refusals, at hand for the home page: looking for them in a log of a million entries, where few are refusals, would cost a scan at every visit.
/// Safe for any number of threads.</summary>
internal sealed class LatestRefusals : IDisposable
{
    public const int Kept = 6;
    private readonly CommandCenter center;
    private readonly Lock one = new();
    private readonly SemaphoreSlim loading = new(1);
    private List<AuditEntry> newest = [];
    private bool loaded;

    public LatestRefusals(CommandCenter center)
    {
        this.center = center;
        center.Audit.Appended += Take;
    }

    /// <summary>Newest first. The first reader looks through the log, once.</summary>
    public async Task<IReadOnlyList<AuditEntry>> ReadAsync(CancellationToken stop)
    {
        if (!Volatile.Read(ref loaded))
        {
            await loading.WaitAsync(stop);
            try
            {
                if (!loaded)
                {
                    foreach (var entry in (await center.Audit.QueryAsync(new() { Outcome = "refused", Limit = Kept }, stop)).Entries) Take(entry);
                    Volatile.Write(ref loaded, true);
                }
            }
            finally
            {
                loading.Release();
            }
        }
        lock (one) return newest;
    }

    public void Dispose()
    {
        center.Audit.Appended -= Take;
        loading.Dispose();
    }

    private void Take(AuditEntry entry)
    {
        if (entry.Outcome != "refused") return;
        // A new list each time: readers keep the one they were given.
        lock (one) newest = [.. newest.Append(entry).DistinctBy(other => other.Sequence).OrderByDescending(other => other.Sequence).Take(Kept)];
    }
}
