using System.Runtime.InteropServices;

namespace Signet.Mqtt.Broker.Storage;

/// <summary>
/// Takes out of one batch what undoes itself within it: a message that was queued, delivered and acknowledged before the batch was cut needs no row, and a packet identifier goes into
/// its queue entry's row. A batch is kept whole or not at all, so nobody can see the difference; across two batches it would not be so, because a failed one may be found on the disk.
/// One thread.
/// </summary>
internal sealed class BatchCondenser
{
    private readonly Dictionary<long, int> messages = [];
    private readonly Dictionary<(long Session, long Order), int> entries = [];

    /// <summary>Leaves the list with what must be written, in its order.</summary>
    public void Condense(List<StoreChange> changes)
    {
        var all = CollectionsMarshal.AsSpan(changes);
        var kept = 0;
        for (var i = 0; i < all.Length; i++)
        {
            if (IsUndone(all[i], kept, all)) continue;
            all[kept++] = all[i];
        }

        kept = Close(all[..kept]);
        changes.RemoveRange(kept, changes.Count - kept);
        messages.Clear();
        entries.Clear();
    }

    /// <summary>Notes where a message or queue entry begins; true when the change only alters or removes what begins in this batch, and was applied there.</summary>
    private bool IsUndone(StoreChange change, int place, Span<StoreChange> all)
    {
        switch (change)
        {
            case StoreChange.MessageSaved { Message.Id: var id }:
                messages[id] = place;
                return false;
            case StoreChange.Queued q:
                entries[(q.Session, q.Order)] = place;
                return false;
            case StoreChange.Sent s when entries.TryGetValue((s.Session, s.Order), out var at):
                all[at] = (StoreChange.Queued)all[at] with { PacketId = s.PacketId, Released = s.Released };
                return true;
            case StoreChange.MessageDropped d when messages.Remove(d.Message, out var at):
                all[at] = null!;
                return true;
            case StoreChange.Unqueued u when entries.Remove((u.Session, u.Order), out var at):
                all[at] = null!;
                return true;
            default:
                return false;
        }
    }

    private static int Close(Span<StoreChange> gaps)
    {
        var kept = 0;
        foreach (var change in gaps)
        {
            if (change is not null) gaps[kept++] = change;
        }

        return kept;
    }
}
