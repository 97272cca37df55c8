using System.Text.Json.Nodes;
using Dapper;
using Signet.Audit;

namespace Signet.Control;

/// <summary>What a start has to know after a restore.</summary>
internal static class RestoredCenter
{
    /// <summary>Readings signed before this moment may have been taken by the center that is gone (docs/spec/replay.md, "Lost memory"); null when nothing was ever restored.</summary>
    public static DateTimeOffset? RemembersSince(ControlDatabase database) => database.Read(c => c.ExecuteScalar<long?>("SELECT remembers_since FROM center")).ToTime();

    /// <summary>Puts a restore on the record, once: from which moment the rows are, and that what happened after it is not in this log.</summary>
    public static async Task RecordAsync(ControlDatabase database, AuditLog log, string installation, CancellationToken cancellationToken)
    {
        if (database.Read(c => c.ExecuteScalar<string?>("SELECT restored_from FROM center")) is not { } from) return;
        await log.AppendAsync(AuditTrail.Of(AuditTypes.System, Actor.Center, installation, "restored", details: JsonNode.Parse(from) as JsonObject ?? []), cancellationToken);
        await database.WriteAsync(c => c.Execute("UPDATE center SET restored_from = NULL"), cancellationToken);
    }
}
