using System.Data.Common;
using Dapper;

namespace Signet.Control;

/// <summary>Rows of the table witness.</summary>
internal static class WitnessStore
{
    public static IReadOnlyList<WitnessRecord> Load(DbConnection connection) => [.. connection.Query<Row>(
        "SELECT device AS Device, size AS Size, note AS Note, at AS At, alarm AS Alarm, alarm_at AS AlarmAt, evidence AS Evidence FROM witness").Select(row => row.ToRecord())];

    public static void Save(DbConnection connection, IEnumerable<WitnessRecord> records) => connection.Execute("""
        INSERT INTO witness (device, size, note, at, alarm, alarm_at, evidence) VALUES (@Device, @Size, @Note, @At, @Alarm, @AlarmAt, @Evidence)
        ON CONFLICT (device) DO UPDATE SET size = excluded.size, note = excluded.note, at = excluded.at, alarm = excluded.alarm, alarm_at = excluded.alarm_at, evidence = excluded.evidence
        """, records.Select(r => new Row { Device = r.Device, Size = r.Size, Note = r.Note, At = r.At?.ToUnixTimeMilliseconds() ?? 0, Alarm = r.Alarm, AlarmAt = r.AlarmAt?.ToUnixTimeMilliseconds(), Evidence = r.Evidence }));

    public static void Delete(DbConnection connection, string device) => connection.Execute("DELETE FROM witness WHERE device = @device", new { device });

    private sealed class Row
    {
        public string Device { get; set; } = "";
        public long Size { get; set; }
        public string Note { get; set; } = "";
        public long At { get; set; }
        public string? Alarm { get; set; }
        public long? AlarmAt { get; set; }
        public string? Evidence { get; set; }

        public WitnessRecord ToRecord() => new(Device, Size, Note, At == 0 ? null : At.ToTime(), Alarm, AlarmAt.ToTime(), Evidence);
    }
}
