using System.Runtime.InteropServices;

namespace Signet.Store;

/// <summary>A row on its way, and the task its caller waits for.</summary>
internal sealed class Slot<T>(T row) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public T Row { get; } = row;
}

/// <summary>Rows that share a transaction, in their order, and who waits for them. Used again and again.</summary>
internal sealed class Batch<T>(int capacity)
{
    private readonly List<Slot<T>> _slots = new(capacity);
    private readonly List<T> _rows = new(capacity);

    public int Count => _slots.Count;

    public IReadOnlyList<T> Rows => _rows;

    public void Add(Slot<T> slot)
    {
        _slots.Add(slot);
        _rows.Add(slot.Row);
    }

    public void Clear()
    {
        _slots.Clear();
        _rows.Clear();
    }

    /// <summary>Each row as a batch of its own.</summary>
    public IEnumerable<Batch<T>> Singly()
    {
        foreach (var slot in _slots)
        {
            var one = new Batch<T>(1);
            one.Add(slot);
            yield return one;
        }
    }

    public void Fail(Exception reason)
    {
        foreach (var slot in _slots) slot.SetException(reason);
    }

    /// <summary>Each caller goes on as a work item of its own. Many of them are queued by another thread, which then has them at hand; the next batch does not wait for that.</summary>
    public void Acknowledge()
    {
        if (_slots.Count > StoreLimits.AcknowledgedAtOnce)
            ThreadPool.UnsafeQueueUserWorkItem(static done => SetResults(done), _slots.ToArray(), preferLocal: false);
        else SetResults(CollectionsMarshal.AsSpan(_slots));
    }

    private static void SetResults(ReadOnlySpan<Slot<T>> slots)
    {
        foreach (var slot in slots) slot.SetResult();
    }
}
