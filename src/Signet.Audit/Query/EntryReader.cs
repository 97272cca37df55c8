using System.Data.Common;
using System.Text.Json.Nodes;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>Makes entries for people and programs out of stored rows.</summary>
internal static class EntryReader
{
    private const string Columns = "SELECT e.seq, e.body, e.mac, p.data FROM entries e LEFT JOIN personal p ON p.seq = e.seq";

    public static AuditEntry? Find(DbConnection connection, long sequence)
    {
        using var command = connection.Command(Columns + " WHERE e.seq = @seq").With("@seq", sequence);
        using var reader = command.ExecuteReader();
        return reader.Read() ? Read(reader) : null;
    }

    public static DateTimeOffset? TimeOf(DbConnection connection, long sequence)
    {
        using var command = connection.Command("SELECT body FROM entries WHERE seq >= @seq ORDER BY seq LIMIT 1").With("@seq", sequence);
        using var reader = command.ExecuteReader();
        return reader.Read() && EntryView.TryRead(reader.Bytes(0), out var entry) ? new DateTimeOffset(entry.Time) : null;
    }

    /// <summary>Adds the matching entries between two numbers, newest first, until there are enough.</summary>
    public static void Newest(DbConnection connection, long lowest, long highest, EntryMatch match, int limit, List<AuditEntry> found)
    {
        const string sql = "SELECT seq, body, mac FROM entries WHERE seq >= @lowest AND seq <= @highest ORDER BY seq DESC";
        if (RowStream.TryOpen(connection, sql, lowest, highest) is { } rows)
        {
            using var open = rows;
            while (found.Count < limit && rows.Read())
                if (match.Wants(rows.Bytes(1)))
                    found.Add(WithFacts(connection, Parse(rows.Number(0), rows.Bytes(1).ToArray(), rows.Bytes(2).ToArray())));
            return;
        }
        var wanted = new List<AuditEntry>();
        using (var command = connection.Command(sql).With("@lowest", lowest).With("@highest", highest))
        {
            using var reader = command.ExecuteReader();
            while (found.Count + wanted.Count < limit && reader.Read())
                if (match.Wants(reader.Bytes(1)))
                    wanted.Add(Parse(reader.GetInt64(0), reader.Bytes(1), reader.Bytes(2)));
        }
        // One result at a time on PostgreSQL.
        foreach (var entry in wanted) found.Add(WithFacts(connection, entry));
    }

    private static AuditEntry WithFacts(DbConnection connection, AuditEntry entry)
    {
        if (!EntryView.TryRead(entry.Body.Span, out var view) || view.Personal is null) return entry;
        using var command = connection.Command("SELECT data FROM personal WHERE seq = @seq AND data IS NOT NULL").With("@seq", entry.Sequence);
        using var reader = command.ExecuteReader();
        return reader.Read() && EntryJson.TryParse(reader.Bytes(0), out var facts) ? entry with { Personal = facts } : entry;
    }

    private static AuditEntry Read(DbDataReader reader)
    {
        var personal = reader.IsDBNull(3) || !EntryJson.TryParse(reader.Bytes(3), out var facts) ? null : facts;
        return Parse(reader.GetInt64(0), reader.Bytes(1), reader.Bytes(2)) with { Personal = personal };
    }

    /// <summary>An unreadable body gives an entry that says so, in its place: a list must show that something is wrong there, not hide it.</summary>
    public static AuditEntry Parse(long number, byte[] body, byte[] mac)
    {
        if (!EntryView.TryRead(body, out var entry)) return new(number, default, "security", "", "", "unreadable-entry", "", "", [], body, mac);
        var details = EntryJson.TryParse(entry.Details, out var read) ? read : new JsonObject();
        return new(number, new DateTimeOffset(entry.Time), Text(entry.Type), Text(entry.Actor), Text(entry.Subject), Text(entry.Action), Text(entry.Outcome), Text(entry.Reason), details, body, mac);
    }

    private static string Text(ReadOnlySpan<byte> inner) => EntryView.Unescape(inner) ?? "";
}
