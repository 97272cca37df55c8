using System.Data.Common;
using Signet.Store;

namespace Signet.Mqtt.Client;

/// <summary>
/// Where a client's unfinished QoS 1 and 2 exchanges outlive its process: one SQLite file (write-ahead log, synchronous FULL), for any number of clients of one process, told apart by client id.
/// <para>To the broker: a message is on stable storage before its first byte is sent, and until the broker's last answer to it is there. The next client with this file and this client id sends
/// what is left, in its order and under its packet identifiers, before anything else. QoS 1 may arrive twice, QoS 2 once while the broker keeps the session.</para>
/// <para>From the broker: a QoS 2 message that the program is done with is remembered before PUBREC is sent, and not given to the program again. A process that ends after the program was done and
/// before that, gets it again: only the program itself can make its work and this one step.</para>
/// <para>Not kept: messages of QoS 0; a call of PublishAsync that the process did not live to see committed (nobody was told anything about it).</para>
/// </summary>
public sealed class InFlightStore : IAsyncDisposable
{
    private static readonly IReadOnlyList<Migration> Migrations =
    [
        new(1, "unfinished messages of clients", """
            CREATE TABLE outgoing(client TEXT NOT NULL, packet INTEGER NOT NULL, ord INTEGER NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL, properties BLOB NOT NULL, qos INTEGER NOT NULL,
                retain INTEGER NOT NULL, expires_at INTEGER, released INTEGER NOT NULL, PRIMARY KEY(client, packet)) STRICT, WITHOUT ROWID;
            CREATE TABLE received(client TEXT NOT NULL, packet INTEGER NOT NULL, PRIMARY KEY(client, packet)) STRICT, WITHOUT ROWID;
            """),
    ];

    private readonly Database database;
    private readonly GroupCommitWriter<InFlightChange> writer;

    private InFlightStore(Database database)
    {
        this.database = database;
        writer = new GroupCommitWriter<InFlightChange>(database, Write);
    }

    /// <summary>Opens or creates the file; throws <see cref="StoreException"/> with one clear line when it cannot.</summary>
    public static InFlightStore Open(string path) => new(Database.OpenSqlite(path, Migrations));

    public async ValueTask DisposeAsync()
    {
        await writer.DisposeAsync();
        await database.DisposeAsync();
    }

    /// <summary>Durable when it returns; changes are kept in the order of the calls.</summary>
    internal ValueTask WriteAsync(InFlightChange change) => writer.WriteAsync(change);

    /// <summary>What the client left behind, oldest first.</summary>
    internal InFlightState Load(string client)
    {
        using var connection = database.Open();
        return new InFlightState(
            Read(connection, "SELECT packet, ord, topic, payload, properties, qos, retain, expires_at, released FROM outgoing WHERE client = @client ORDER BY ord", client, r => new KeptMessage(
                (ushort)r.GetInt32(0), r.GetInt64(1),
                Packets.MessageCodec.Decode(r.GetFieldValue<byte[]>(4), r.GetString(2), r.GetFieldValue<byte[]>(3), (QoS)r.GetInt32(5), r.GetInt32(6) != 0),
                r.IsDBNull(7) ? null : DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(7)), r.GetInt32(8) != 0)),
            Read(connection, "SELECT packet FROM received WHERE client = @client", client, r => (ushort)r.GetInt32(0)));
    }

    private static void Write(DbConnection connection, IReadOnlyList<InFlightChange> changes)
    {
        foreach (var change in changes)
        {
            switch (change)
            {
                case InFlightChange.Saved { Message: var m } s:
                    Run(connection, """
                        INSERT INTO outgoing VALUES(@client, @packet, @ord, @topic, @payload, @properties, @qos, @retain, @expires, 0)
                        ON CONFLICT(client, packet) DO UPDATE SET ord = excluded.ord, topic = excluded.topic, payload = excluded.payload, properties = excluded.properties, qos = excluded.qos,
                            retain = excluded.retain, expires_at = excluded.expires_at, released = 0
                        """,
                        ("@client", s.Client), ("@packet", (int)m.PacketId), ("@ord", m.Order), ("@topic", m.Message.Topic), ("@payload", m.Message.Payload.ToArray()),
                        ("@properties", Packets.MessageCodec.EncodeProperties(m.Message)), ("@qos", (int)m.Message.QoS), ("@retain", m.Message.Retain ? 1 : 0), ("@expires", m.ExpiresAt?.ToUnixTimeMilliseconds()));
                    break;
                case InFlightChange.Released r:
                    Run(connection, "UPDATE outgoing SET released = 1 WHERE client = @client AND packet = @packet", ("@client", r.Client), ("@packet", (int)r.PacketId));
                    break;
                case InFlightChange.Finished f:
                    Run(connection, "DELETE FROM outgoing WHERE client = @client AND packet = @packet", ("@client", f.Client), ("@packet", (int)f.PacketId));
                    break;
                case InFlightChange.Received r:
                    Run(connection, "INSERT INTO received VALUES(@client, @packet) ON CONFLICT(client, packet) DO NOTHING", ("@client", r.Client), ("@packet", (int)r.PacketId));
                    break;
                case InFlightChange.ReceivedReleased r:
                    Run(connection, "DELETE FROM received WHERE client = @client AND packet = @packet", ("@client", r.Client), ("@packet", (int)r.PacketId));
                    break;
                case InFlightChange.SessionLost s:
                    Run(connection, "DELETE FROM received WHERE client = @client", ("@client", s.Client));
                    Run(connection, "UPDATE outgoing SET released = 0 WHERE client = @client", ("@client", s.Client));
                    break;
            }
        }
    }

    private static void Run(DbConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = Command(connection, sql, values);
        command.ExecuteNonQuery();
    }

    private static List<T> Read<T>(DbConnection connection, string sql, string client, Func<DbDataReader, T> row)
    {
        using var command = Command(connection, sql, ("@client", client));
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read()) rows.Add(row(reader));
        return rows;
    }

    private static DbCommand Command(DbConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Constants of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var (name, value) in values)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value ?? DBNull.Value);
            command.Parameters.Add(parameter);
        }

        return command;
    }
}

/// <summary>A message under its packet identifier; <paramref name="Released"/>: PUBREC came, PUBREL is owed.</summary>
internal sealed record KeptMessage(ushort PacketId, long Order, MqttMessage Message, DateTimeOffset? ExpiresAt, bool Released);

/// <summary>What a client left behind.</summary>
internal sealed record InFlightState(IReadOnlyList<KeptMessage> Outgoing, IReadOnlyList<ushort> Received);

/// <summary>One step of an exchange.</summary>
internal abstract record InFlightChange(string Client)
{
    public sealed record Saved(string Client, KeptMessage Message) : InFlightChange(Client);

    public sealed record Released(string Client, ushort PacketId) : InFlightChange(Client);

    public sealed record Finished(string Client, ushort PacketId) : InFlightChange(Client);

    public sealed record Received(string Client, ushort PacketId) : InFlightChange(Client);

    public sealed record ReceivedReleased(string Client, ushort PacketId) : InFlightChange(Client);

    /// <summary>The broker forgot the session: its packet identifiers mean nothing any more.</summary>
    public sealed record SessionLost(string Client) : InFlightChange(Client);
}
