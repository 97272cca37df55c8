using System.Data.Common;
using System.Globalization;
using Signet.Proof;

namespace Signet.Audit;

/// <summary>What stands in <c>audit.db</c>, as streams for the verifier. Use inside one transaction to see one moment of a growing log.</summary>
internal static class StoredRows
{
    public static string? Origin(DbConnection connection)
    {
        using var command = connection.Command("SELECT origin FROM log");
        return command.ExecuteScalar() as string;
    }

    // In pages, copied: a reader that stands still (a slow download) keeps no snapshot open, and PostgreSQL has one open result a connection while the verifier reads nodes between two entries.
    public static IEnumerable<StoredEntry> Entries(DbConnection connection, long after) =>
        EntryPages.Read(connection, after) ?? Pages(connection, EntryPages.Sql, after, reader => new StoredEntry(reader.GetInt64(0), reader.Bytes(1), reader.Bytes(2), reader.Bytes(3)));

    public static IEnumerable<StoredCheckpoint> Checkpoints(DbConnection connection, long after) => Pages(connection,
        "SELECT number, note FROM checkpoints WHERE number > @after ORDER BY number LIMIT @page", after,
        reader => new StoredCheckpoint(reader.GetInt64(0), Convert.ToString(reader.GetValue(1), CultureInfo.InvariantCulture) ?? ""));

    /// <summary>
    /// The checkpoint at which the kept entries begin, when retention has taken earlier ones out; null when they begin with entry 1, or when what is missing ends at no checkpoint.
    /// That it was retention is for the verifier to find: see <see cref="StoredLog.MustExplainStart"/>.
    /// </summary>
    public static Checkpoint? KeptFrom(DbConnection connection)
    {
        using var first = connection.Command("SELECT MIN(seq) FROM entries");
        if (first.ExecuteScalar() is not long sequence || sequence <= 1) return null;
        using var command = connection.Command("SELECT number, note FROM checkpoints ORDER BY number LIMIT 1");
        using var reader = command.ExecuteReader();
        return reader.Read() && reader.GetValue(1) is string note && Checkpoint.TryParse(note, out var checkpoint, out _) && checkpoint.Size == sequence - 1 ? checkpoint : null;
    }

    /// <summary>The note with the highest number; null when there is none.</summary>
    public static StoredCheckpoint? NewestCheckpoint(DbConnection connection)
    {
        using var command = connection.Command("SELECT number, note FROM checkpoints ORDER BY number DESC LIMIT 1");
        using var reader = command.ExecuteReader();
        return reader.Read() ? new StoredCheckpoint(reader.GetInt64(0), reader.GetString(1)) : null;
    }

    public static StoredHead? Head(DbConnection connection)
    {
        using var command = connection.Command("SELECT size, link, mac FROM head");
        using var reader = command.ExecuteReader();
        return reader.Read() && reader.GetValue(0) is long size ? new StoredHead(size, reader.Bytes(1), reader.Bytes(2)) : null;
    }

    private static IEnumerable<T> Pages<T>(DbConnection connection, string sql, long after, Func<DbDataReader, T> read)
    {
        using var command = connection.Command(sql).With("@after", after).With("@page", AuditLimits.ReadRows);
        var page = new List<T>();
        do
        {
            page.Clear();
            using (var reader = command.ExecuteReader())
                while (reader.Read())
                {
                    after = reader.GetInt64(0);
                    page.Add(read(reader));
                }
            foreach (var row in page) yield return row;
            command.Parameters[0].Value = after;
        }
        while (page.Count == AuditLimits.ReadRows);
    }
}
