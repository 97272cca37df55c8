using System.Runtime.InteropServices;

namespace Signet.Agent;

/// <summary>
/// Receipts on their way to the center, in the order of their numbers: the center would take an older epoch after a newer one for a replay. One sender walks through it for each connection. A receipt that says what came of a
/// command is kept beyond the broker's acknowledgement, until the center's heartbeat says that it is there: a broker may acknowledge, and be gone before it has handed on. Safe for concurrent use. Whoever posts lends its thread
/// to the waiting sender until that waits for the network: a receipt wakes nobody else.
/// </summary>
internal sealed class Outbox
{
    private readonly Lock _one = new();
    private readonly SortedDictionary<long, SignedReceipt> _waiting = [];
    private readonly SortedDictionary<long, (SignedReceipt Receipt, ReceiptMark? Mark)> _taken = [];
    private TaskCompletionSource _more = new();
    private long _last;

    /// <summary>Those the broker does not have.</summary>
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

    /// <summary>Nobody waits for it any more.</summary>
    public void Remove(long place)
    {
        lock (_one) _waiting.Remove(place);
    }

    /// <summary>The broker has it, the center perhaps not yet.</summary>
    /// <param name="place">Of the receipt.</param>
    /// <param name="mark">Its place in what this connection has sent; null: in none, so nothing the center says is about it.</param>
    /// <returns>One that is not kept any longer, because too many newer ones are; null for none.</returns>
    public SignedReceipt? Taken(long place, ReceiptMark? mark)
    {
        lock (_one)
        {
            if (_waiting.Remove(place, out var receipt)) _taken.Add(place, (receipt, mark));
            if (_taken.Count <= AgentLimits.Unconfirmed) return null;
            var (oldest, kept) = _taken.First();
            _taken.Remove(oldest);
            return kept.Receipt;
        }
    }

    /// <summary>The center has what was sent up to this mark.</summary>
    /// <returns>What is not kept any longer.</returns>
    public IReadOnlyList<SignedReceipt> Confirmed(ReceiptMark upTo)
    {
        lock (_one)
        {
            var there = _taken.Where(kept => kept.Value.Mark is { } mark && mark.Since == upTo.Since && mark.Number <= upTo.Number).ToList();
            foreach (var (place, _) in there) _taken.Remove(place);
            return there.ConvertAll(kept => kept.Value.Receipt);
        }
    }

    /// <summary>Another connection: what the center has not confirmed waits again, in front of what is newer.</summary>
    public void Again()
    {
        lock (_one)
        {
            foreach (var (place, kept) in _taken) _waiting.Add(place, kept.Receipt);
            _taken.Clear();
        }
    }
}

/// <summary>A place in what was sent since an <c>online</c>: the how manieth receipt.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ReceiptMark(long Since, long Number);
