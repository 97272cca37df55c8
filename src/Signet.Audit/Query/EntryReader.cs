using System.Data.Common;
using System.Text.Json.Nodes;
using Signet.Proof;

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

    /// <summary>Newest first, below a number.</summary>
    public static IEnumerable<AuditEntry> Newest(DbConnection connection, long below, long atLeast, Func<byte[], bool> wants)
    {
        using var command = connection.Command(Columns + " WHERE e.seq < @below AND e.seq >= @least ORDER BY e.seq DESC").With("@below", below).With("@least", atLeast);
        using var reader = command.ExecuteReader();
        while (reader.Read())
            if (wants(reader.Bytes(1)))
                yield return Read(reader);
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
