using System.Runtime.InteropServices;
using Signet.Proof;

namespace Signet.Audit;

/// <summary>
/// The newest entries as the writer made them durable, for the search index: reading them back costs the database, and on PostgreSQL a second server's work, more than indexing them.
/// A ring of fixed size; what has been written over, and what is too large to be kept here, is read from the database.
/// Concurrency: any thread.
/// </summary>
internal sealed class RecentEntries
{
    /// <summary>Entries. A guess: 3 MB of usual ones, and 16 MB at most; a sixth of a second of a busy log.</summary>
    public const int Capacity = 32 * SearchIndex.Stretch;

    private const int LargestBody = 2048;

    private readonly Slot[] _slots = new Slot[Capacity];
    private readonly Lock _gate = new();

    /// <summary>Entries of one commit.</summary>
    public void Add(IReadOnlyList<Pending> rows)
    {
        lock (_gate)
            for (var i = 0; i < rows.Count; i++)
                if (rows[i] is { Kind: PendingKind.Entry, Body.Length: <= LargestBody } row)
                    _slots[row.Sequence % Capacity] = new(row.Sequence, row.Body, row.Mac);
    }

    /// <summary>The bodies of a whole stretch, and the HMAC of its last entry; false when one of them is not here.</summary>
    public bool TryStretch(long stretch, Span<byte[]> bodies, out Digest mac)
    {
        mac = default;
        lock (_gate)
            for (var i = 0; i < SearchIndex.Stretch; i++)
            {
                var number = stretch * SearchIndex.Stretch + i + 1;
                ref readonly var slot = ref _slots[number % Capacity];
                if (slot.Number != number) return false;
                (bodies[i], mac) = (slot.Body, slot.Mac);
            }
        return true;
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Slot(long Number, byte[] Body, Digest Mac);
}
