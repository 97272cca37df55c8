using System.Data.Common;
using Signet.Proof;

namespace Signet.Audit;

/// <summary>What goes away and what stays. Runs on the writer's connection, inside its transaction.</summary>
internal static class Retention
{
    /// <summary>Entries taken out or erased in one transaction, so that appends never wait long for it. A guess: some ten milliseconds.</summary>
    public const int Chunk = 4_096;

    /// <summary>
    /// Removes every entry that a checkpoint covers, with its personal data and the checkpoints before that one. Stays: the checkpoint itself, the stored subtree hashes, and the leaf hash of each entry,
    /// so that inclusion and consistency proofs over any two sizes can still be made.
    /// </summary>
    /// <returns>Entries that went.</returns>
    public static long TakeOut(DbConnection connection, Checkpoint through)
    {
        var leaves = new List<(long Number, byte[] Hash)>();
        foreach (var row in StoredRows.Entries(connection, 0))
        {
            if (row.Number > through.Size) break;
            leaves.Add((row.Number, MerkleTree.LeafHash(row.Body.Span).ToArray()));
        }
        using (var keep = connection.Command("INSERT INTO nodes(level, idx, hash) VALUES (0, @index, @hash) ON CONFLICT DO NOTHING", "@index", "@hash"))
            foreach (var (number, hash) in leaves)
            {
                (keep.Parameters[0].Value, keep.Parameters[1].Value) = (number - 1, hash);
                keep.ExecuteNonQuery();
            }
        Run(connection, "DELETE FROM entries WHERE seq <= @last", through.Size);
        Run(connection, "DELETE FROM personal WHERE seq <= @last", through.Size);
        Run(connection, "DELETE FROM checkpoints WHERE number < @last", through.Number);
        return leaves.Count;
    }

    public static long Erase(DbConnection connection, IReadOnlyList<long> entries)
    {
        using var erase = connection.Command("UPDATE personal SET salt = NULL, data = NULL WHERE seq = @seq AND data IS NOT NULL", "@seq");
        var erased = 0L;
        foreach (var entry in entries)
        {
            erase.Parameters[0].Value = entry;
            erased += erase.ExecuteNonQuery();
        }
        return erased;
    }

    /// <summary>Numbers of the matching entries that still have personal data, oldest first.</summary>
    public static List<long> WithPersonal(DbConnection connection, AuditFilter filter, CancellationToken cancellationToken)
    {
        var match = new EntryMatch(filter);
        var numbers = new List<long>();
        using var command = connection.Command("SELECT e.seq, e.body FROM entries e JOIN personal p ON p.seq = e.seq WHERE p.data IS NOT NULL ORDER BY e.seq");
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            if (match.Wants(reader.Bytes(1))) numbers.Add(reader.GetInt64(0));
            if ((numbers.Count & 1023) == 0) cancellationToken.ThrowIfCancellationRequested();
        }
        return numbers;
    }

    private static void Run(DbConnection connection, string sql, long last)
    {
        using var command = connection.Command(sql).With("@last", last);
        command.ExecuteNonQuery();
    }
}
