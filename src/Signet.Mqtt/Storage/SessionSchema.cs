using System.Data.Common;
using Signet.Store;

namespace Signet.Mqtt.Broker.Storage;

/// <summary>The tables, and reading them back at start.</summary>
internal static class SessionSchema
{
    public static IReadOnlyList<Migration> Migrations { get; } =
    [
        new(1, "sessions, queues and retained messages", """
            CREATE TABLE sessions(id INTEGER PRIMARY KEY, identity TEXT NOT NULL, client TEXT NOT NULL, version INTEGER NOT NULL, expiry_s INTEGER NOT NULL, ends_at INTEGER) STRICT;
            CREATE TABLE subscriptions(session INTEGER NOT NULL, filter TEXT NOT NULL, options INTEGER NOT NULL, identifier INTEGER NOT NULL, PRIMARY KEY(session, filter)) STRICT, WITHOUT ROWID;
            CREATE TABLE messages(id INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL, properties BLOB NOT NULL, qos INTEGER NOT NULL, expires_at INTEGER) STRICT;
            CREATE TABLE queue(session INTEGER NOT NULL, ord INTEGER NOT NULL, message INTEGER NOT NULL, qos INTEGER NOT NULL, retain INTEGER NOT NULL, identifiers TEXT,
                packet INTEGER NOT NULL DEFAULT 0, released INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(session, ord)) STRICT, WITHOUT ROWID;
            CREATE TABLE received(session INTEGER NOT NULL, packet INTEGER NOT NULL, PRIMARY KEY(session, packet)) STRICT, WITHOUT ROWID;
            CREATE TABLE retained(topic TEXT PRIMARY KEY, id INTEGER NOT NULL, payload BLOB NOT NULL, properties BLOB NOT NULL, qos INTEGER NOT NULL, expires_at INTEGER) STRICT, WITHOUT ROWID;
            """),
    ];

    public static StoredState Load(DbConnection connection)
    {
        var subscriptions = Read(connection, "SELECT session, filter, options, identifier FROM subscriptions",
            r => new StoreChange.SubscriptionSaved(r.GetInt64(0), UnpackOptions(r.GetString(1), r.GetInt32(2)), r.GetInt32(3))).ToLookup(s => s.Session);
        var queue = Read(connection, "SELECT session, ord, message, qos, retain, identifiers, packet, released FROM queue ORDER BY session, ord",
            r => new StoredQueueEntry(new StoreChange.Queued(r.GetInt64(0), r.GetInt64(1), r.GetInt64(2), (QoS)r.GetInt32(3), r.GetInt32(4) != 0, r.IsDBNull(5) ? null : UnpackIds(r.GetString(5))), (ushort)r.GetInt32(6), r.GetInt32(7) != 0))
            .ToLookup(q => q.Entry.Session);
        var received = Read(connection, "SELECT session, packet FROM received", r => (Session: r.GetInt64(0), Id: (ushort)r.GetInt32(1))).ToLookup(p => p.Session, p => p.Id);
        var sessions = Read(connection, "SELECT id, identity, client, version, expiry_s, ends_at FROM sessions",
            r => new StoreChange.SessionSaved(r.GetInt64(0), r.GetString(1), r.GetString(2), (MqttVersion)r.GetInt32(3), TimeSpan.FromSeconds(r.GetInt64(4)), TimeOf(r, 5)));
        return new StoredState(
            [.. sessions.Select(s => new StoredSession(s, [.. subscriptions[s.Session]], [.. queue[s.Session]], [.. received[s.Session]]))],
            Read(connection, "SELECT id, topic, payload, properties, qos, expires_at FROM messages", MessageOf),
            Read(connection, "SELECT id, topic, payload, properties, qos, expires_at FROM retained", MessageOf));
    }

    public static int PackOptions(TopicSubscription s) => (int)s.QoS | (s.NoLocal ? 4 : 0) | (s.RetainAsPublished ? 8 : 0) | (int)s.RetainHandling << 4;

    public static string? PackIds(int[]? ids) => ids is null ? null : string.Join(',', ids);

    private static TopicSubscription UnpackOptions(string filter, int options) =>
        new(filter, (QoS)(options & 3)) { NoLocal = (options & 4) != 0, RetainAsPublished = (options & 8) != 0, RetainHandling = (RetainHandling)(options >> 4) };

    private static int[] UnpackIds(string text) => [.. text.Split(',').Select(n => int.Parse(n, System.Globalization.CultureInfo.InvariantCulture))];

    private static StoredMessage MessageOf(DbDataReader r) =>
        new(r.GetInt64(0), r.GetString(1), r.GetFieldValue<byte[]>(2), r.GetFieldValue<byte[]>(3), (QoS)r.GetInt32(4), TimeOf(r, 5));

    private static DateTimeOffset? TimeOf(DbDataReader r, int column) => r.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(column));

    private static List<T> Read<T>(DbConnection connection, string sql, Func<DbDataReader, T> row)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(row(reader));
        return rows;
    }
}
