namespace Signet.Agent;

/// <summary>Receipts that wait for the broker, in the order of their numbers: the center would take an older epoch after a newer one for a replay. One sender walks through it for each connection and removes what was acknowledged. Safe for concurrent use. Whoever posts lends its thread to the waiting sender until that waits for the network: a receipt wakes nobody else.</summary>
internal sealed class Outbox
{
    private readonly Lock _one = new();
    private readonly SortedDictionary<long, SignedReceipt> _waiting = [];
    private TaskCompletionSource _more = new();
    private long _last;

    public int Count { get { lock (_one) return _waiting.Count; } }

    public bool IsFull => Count >= AgentLimits.Outbox;

    public void Post(SignedReceipt receipt)
    {
        TaskCompletionSource more;
        lock (_one)
        {
            _waiting.Add(++_last, receipt);
            more = _more;
        }

        more.TrySetResult();
    }

    /// <summary>The first receipt behind <paramref name="place"/>; waits for one.</summary>
    public async Task<(long Place, SignedReceipt Receipt)> NextAsync(long place, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task more;
            lock (_one)
            {
                foreach (var (at, receipt) in _waiting)
                    if (at > place) return (at, receipt);
                if (_more.Task.IsCompleted) _more = new();
                more = _more.Task;
            }
            await more.WaitAsync(cancellationToken);
        }
    }

    public void Remove(long place)
    {
        lock (_one) _waiting.Remove(place);
    }
}
