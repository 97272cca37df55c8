using System.Data.Common;
using System.Runtime.InteropServices;
using Signet.Proof;
using Signet.Store;

namespace Signet.Audit;

/// <summary>Entries of a SQLite log, a page after the other in one buffer that is used again: no allocation a row, which is what lets a verification keep up with the hashing.</summary>
internal static class EntryPages
{
    public const string Sql = "SELECT seq, body, prev, mac FROM entries WHERE seq > @after ORDER BY seq LIMIT @page";

    // A page also ends here, so that large entries do not make a large page. Small enough for the cache of a core, and with room for the last row under the 85,000 bytes
    // from which the runtime keeps objects apart and collects everything when they come often: the search index reads a page every few milliseconds.
    private const int PageBytes = 60 * 1024, Room = 16 * 1024;

    /// <summary>Null when the database does not lend out its rows.</summary>
    public static IEnumerable<StoredEntry>? Read(DbConnection connection, long after) =>
        RowStream.TryOpen(connection, Sql, after, AuditLimits.ReadRows) is { } rows ? Read(rows, after) : null;

    private static IEnumerable<StoredEntry> Read(RowStream rows, long after)
    {
        using var open = rows;
        var page = new List<Row>(AuditLimits.ReadRows);
        var bytes = new byte[PageBytes + Room];
        do
        {
            Fill(rows, ref after, page, ref bytes);
            foreach (var row in page)
            {
                var prev = row.Start + row.Body;
                yield return new StoredEntry(row.Number, bytes.AsMemory(row.Start, row.Body), bytes.AsMemory(prev, row.Prev), bytes.AsMemory(prev + row.Prev, row.Mac));
            }
        }
        while (page.Count > 0);
    }

    private static void Fill(RowStream rows, ref long after, List<Row> page, ref byte[] bytes)
    {
        page.Clear();
        rows.Start(after, AuditLimits.ReadRows);
        var used = 0;
        while (used < PageBytes && rows.Read())
        {
            after = rows.Number(0);
            var body = rows.Bytes(1);
            var prev = rows.Bytes(2);
            var mac = rows.Bytes(3);
            var need = used + body.Length + prev.Length + mac.Length;
            if (need > bytes.Length) Array.Resize(ref bytes, Math.Max(need, bytes.Length * 2));
            body.CopyTo(bytes.AsSpan(used));
            prev.CopyTo(bytes.AsSpan(used + body.Length));
            mac.CopyTo(bytes.AsSpan(used + body.Length + prev.Length));
            page.Add(new(after, used, body.Length, prev.Length, mac.Length));
            used = need;
        }
        rows.Pause();
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Row(long Number, int Start, int Body, int Prev, int Mac);
}
