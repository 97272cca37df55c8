using System.Data.Common;
using Signet.Store;

namespace Signet.Mqtt.Broker.Storage;

/// <summary>Writes changes with statements prepared once a connection. Every statement can be applied twice without harm.</summary>
internal sealed class SessionRows : BatchTarget<List<StoreChange>>
{
    private readonly Dictionary<string, DbCommand> statements = new(StringComparer.Ordinal);
    private DbConnection? connection;

    public override void Opened(DbConnection connection)
    {
        statements.Clear();
        this.connection = connection;
    }

    public override void Write(DbConnection connection, IReadOnlyList<List<StoreChange>> rows)
    {
        foreach (var changes in rows)
        {
            foreach (var change in changes) Write(change);
        }
    }

    private void Write(StoreChange change)
    {
        switch (change)
        {
            case StoreChange.SessionSaved s:
                Run("INSERT OR REPLACE INTO sessions VALUES($1, $2, $3, $4, $5, $6)", s.Session, s.Identity, s.ClientId, (int)s.Version, (long)s.Expiry.TotalSeconds, Time(s.EndsAt));
                break;
            case StoreChange.SessionRemoved s:
                foreach (var sql in (string[])["DELETE FROM sessions WHERE id = $1", "DELETE FROM subscriptions WHERE session = $1", "DELETE FROM queue WHERE session = $1", "DELETE FROM received WHERE session = $1"]) Run(sql, s.Session);
                break;
            case StoreChange.SubscriptionSaved s:
                Run("INSERT OR REPLACE INTO subscriptions VALUES($1, $2, $3, $4)", s.Session, s.Subscription.Filter, SessionSchema.PackOptions(s.Subscription), s.Identifier);
                break;
            case StoreChange.SubscriptionRemoved s:
                Run("DELETE FROM subscriptions WHERE session = $1 AND filter = $2", s.Session, s.Filter);
                break;
            case StoreChange.MessageSaved { Message: var m }:
                Run("INSERT OR REPLACE INTO messages VALUES($1, $2, $3, $4, $5, $6)", m.Id, m.Topic, m.Payload.ToArray(), m.Properties.ToArray(), (int)m.QoS, Time(m.ExpiresAt));
                break;
            case StoreChange.MessageDropped m:
                Run("DELETE FROM messages WHERE id = $1", m.Message);
                break;
            case StoreChange.Queued q:
                Run("INSERT OR REPLACE INTO queue VALUES($1, $2, $3, $4, $5, $6, $7, $8)", q.Session, q.Order, q.Message, (int)q.QoS, q.Retain ? 1 : 0, SessionSchema.PackIds(q.SubscriptionIds), (int)q.PacketId, q.Released ? 1 : 0);
                break;
            case StoreChange.Sent s:
                Run("UPDATE queue SET packet = $3, released = $4 WHERE session = $1 AND ord = $2", s.Session, s.Order, (int)s.PacketId, s.Released ? 1 : 0);
                break;
            case StoreChange.Unqueued u:
                Run("DELETE FROM queue WHERE session = $1 AND ord = $2", u.Session, u.Order);
                break;
            case StoreChange.Received r:
                Run("INSERT OR REPLACE INTO received VALUES($1, $2)", r.Session, (int)r.PacketId);
                break;
            case StoreChange.ReceivedReleased r:
                Run("DELETE FROM received WHERE session = $1 AND packet = $2", r.Session, (int)r.PacketId);
                break;
            case StoreChange.RetainedSaved { Message: var m }:
                Run("INSERT OR REPLACE INTO retained VALUES($1, $2, $3, $4, $5, $6)", m.Topic, m.Id, m.Payload.ToArray(), m.Properties.ToArray(), (int)m.QoS, Time(m.ExpiresAt));
                break;
            case StoreChange.RetainedRemoved r:
                Run("DELETE FROM retained WHERE topic = $1", r.Topic);
                break;
        }
    }

    private void Run(string sql, params ReadOnlySpan<object?> values)
    {
        if (!statements.TryGetValue(sql, out var command))
        {
            command = connection!.CreateCommand();
#pragma warning disable CA2100 // Constants of this file.
            command.CommandText = sql;
#pragma warning restore CA2100
            for (var i = 1; i <= values.Length; i++)
            {
                var parameter = command.CreateParameter();
                parameter.ParameterName = $"${i}";
                command.Parameters.Add(parameter);
            }

            statements[sql] = command;
        }

        for (var i = 0; i < values.Length; i++) command.Parameters[i].Value = values[i] ?? DBNull.Value;
        command.ExecuteNonQuery();
    }

    private static long? Time(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds();
}
