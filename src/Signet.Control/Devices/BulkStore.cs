using System.Data.Common;
using System.Text.Json;
using Dapper;

namespace Signet.Control;

/// <summary>What a change to many devices with a key was asked for, and what became of it.</summary>
/// <param name="Id">Stands in the audit entries.</param>
/// <param name="Asked">As <see cref="BulkStore.Asked"/> writes it.</param>
/// <param name="Report">Null: it began and has not ended.</param>
internal sealed record KeptBulk(string Id, string Asked, BulkReport? Report);

/// <summary>The rows of changes with an idempotency key: of each actor the newest <see cref="ControlLimits.BulkReports"/>, for <see cref="ControlLimits.BulkKeyLifetime"/>.</summary>
internal static class BulkStore
{
    /// <summary>What must be the same for a request to be a repetition.</summary>
    public static string Asked(BulkDraft draft) => JsonSerializer.Serialize(new
    {
        draft.Selection, Change = Words.Of(draft.Change), draft.Value, Reason = draft.Change == BulkChange.Revoke ? Words.Of(draft.Reason) : null, Names = draft.Names is { } names ? BulkChanges.DigestOf(names) : null,
    });

    public static KeptBulk? Find(DbConnection connection, string by, string key, DateTimeOffset now)
        => connection.QueryFirstOrDefault<Row>("SELECT id AS Id, asked AS Asked, report AS Report FROM bulk_change WHERE by_name = @by AND idempotency = @key AND started >= @oldest", new { by, key, oldest = Oldest(now) }) is { } row
            ? new(row.Id, row.Asked, row.Report is { } report ? JsonSerializer.Deserialize<BulkReport>(report) : null) : null;

    /// <summary>Takes the key, and forgets what is old. False: somebody has it.</summary>
    public static bool Begin(DbConnection connection, string id, string by, string key, string asked, DateTimeOffset now)
    {
        connection.Execute("DELETE FROM bulk_change WHERE started < @oldest", new { oldest = Oldest(now) });
        connection.Execute("DELETE FROM bulk_change WHERE by_name = @by AND id NOT IN (SELECT id FROM bulk_change WHERE by_name = @by ORDER BY id DESC LIMIT @others)", new { by, others = ControlLimits.BulkReports - 1 });
        return connection.Execute("INSERT INTO bulk_change (id, by_name, idempotency, started, asked) VALUES (@id, @by, @key, @started, @asked) ON CONFLICT (by_name, idempotency) DO NOTHING",
            new { id, by, key, started = now.ToUnixTimeMilliseconds(), asked }) > 0;
    }

    /// <summary>False: it has no row.</summary>
    public static bool End(DbConnection connection, BulkReport report) => connection.Execute("UPDATE bulk_change SET report = @report WHERE id = @Id", new { report.Id, report = JsonSerializer.Serialize(report) }) > 0;

    private static long Oldest(DateTimeOffset now) => (now - ControlLimits.BulkKeyLifetime).ToUnixTimeMilliseconds();

    private sealed class Row
    {
        public string Id { get; set; } = "";
        public string Asked { get; set; } = "";
        public string? Report { get; set; }
    }
}
