using System.Data.Common;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>Hashes of complete subtrees, from the stored nodes (levels 8, 16 ...) and, below them, from the entries themselves.</summary>
internal sealed class TreeReader(DbConnection connection) : IDisposable
{
    private readonly DbCommand _one = connection.Command("SELECT hash FROM nodes WHERE level = @level AND idx = @index", "@level", "@index");
    private readonly DbCommand _many = connection.Command("SELECT hash FROM nodes WHERE level = @level AND idx >= @first AND idx < @end ORDER BY idx", "@level", "@first", "@end");
    private readonly DbCommand _bodies = connection.Command("SELECT body FROM entries WHERE seq > @first AND seq <= @end ORDER BY seq", "@first", "@end");

    /// <exception cref="StoreException">A hash or entry that must be there is not.</exception>
    public Digest Node(int level, long index)
    {
        var stored = level / StoredLog.NodeLevels * StoredLog.NodeLevels;
        var (first, count) = (index << (level - stored), 1 << (level - stored));
        var hashes = Read(stored, first, count);
        while (hashes.Count > 1)
        {
            var half = new List<Digest>(hashes.Count / 2);
            for (var i = 0; i < hashes.Count; i += 2) half.Add(MerkleTree.NodeHash(hashes[i], hashes[i + 1]));
            hashes = half;
        }
        return hashes[0];
    }

    /// <summary>The stored hash as it is, null when there is none: for comparing.</summary>
    public Digest? Stored(int level, long index)
    {
        (_one.Parameters[0].Value, _one.Parameters[1].Value) = (level, index);
        using var reader = _one.ExecuteReader();
        return reader.Read() && Digest.TryFrom(reader.Bytes(0), out var hash) ? hash : null;
    }

    public void Dispose()
    {
        _one.Dispose();
        _many.Dispose();
        _bodies.Dispose();
    }

    private List<Digest> Read(int level, long first, int count)
    {
        var hashes = new List<Digest>(count);
        (_many.Parameters[0].Value, _many.Parameters[1].Value, _many.Parameters[2].Value) = (level, first, first + count);
        using (var reader = _many.ExecuteReader())
            while (reader.Read())
                if (Digest.TryFrom(reader.Bytes(0), out var hash))
                    hashes.Add(hash);
        // Level 0 is stored only where the entries themselves have been archived.
        if (level == 0 && hashes.Count < count)
        {
            (_bodies.Parameters[0].Value, _bodies.Parameters[1].Value) = (first + hashes.Count, first + count);
            using var reader = _bodies.ExecuteReader();
            while (reader.Read()) hashes.Add(MerkleTree.LeafHash(reader.Bytes(0)));
        }
        return hashes.Count == count ? hashes : throw new StoreException(StoreFailure.Corrupt, $"{connection.DataSource}: the Merkle tree lacks stored hashes. Run signet audit verify.");
    }
}
