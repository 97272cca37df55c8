using System.Data.Common;
using System.Text;
using System.Text.Json.Nodes;
using Dapper;
using Signet.Wire;

namespace Signet.Control;

/// <summary>What a change of a command brings with it.</summary>
/// <param name="At">When the center learned of it.</param>
/// <param name="Reason">A refusal's name or the broker's words.</param>
/// <param name="Receipt">The verified receipt, compact JWS, and its audit entry.</param>
internal sealed record Evidence(DateTimeOffset At, string? Reason = null, JsonObject? Result = null, string? Receipt = null, long? ReceiptEntry = null);

/// <summary>The durable states of commands. Every change goes through <see cref="CommandStates.Next"/>, inside the one writer: two events about one command can never overtake each other.</summary>
internal sealed class CommandLedger(ControlDatabase database, TimeSpan receiptDeadline)
{
    private const string Columns = """
        id AS Id, device AS Device, command AS Command, arguments AS Arguments, state AS State, reason AS Reason, result AS Result, by_name AS ByName, by_role AS ByRole,
        created AS Created, expires AS Expires, sent AS Sent, delivered AS Delivered, answered AS Answered, digest AS Digest, message AS Message,
        audit_entry AS AuditEntry, receipt AS Receipt, receipt_entry AS ReceiptEntry
        """;

    public Task<CommandView> InsertAsync(SignedCommand signed, long auditEntry, CancellationToken cancellationToken)
    {
        var (authorized, claims) = (signed.Authorized, signed.Claims);
        var row = new CommandRow
        {
            Id = claims.Id, Device = authorized.Device, Command = authorized.Command, Arguments = authorized.Arguments.ToJsonString(), State = (long)CommandState.Draft,
            ByName = authorized.Actor.Name, ByRole = claims.OriginatorRole, Created = MessageId.TimeOf(claims.Id).ToUnixTimeMilliseconds(), Expires = claims.ExpiresAt.ToUnixTimeMilliseconds(),
            Digest = signed.Digest, Message = Encoding.ASCII.GetString(signed.Bytes.Span), AuditEntry = auditEntry,
        };
        return database.WriteAsync(connection =>
        {
            connection.Execute("""
                INSERT INTO command (id, device, command, arguments, state, by_name, by_role, idempotency, created, expires, deadline, digest, message, audit_entry)
                VALUES (@Id, @Device, @Command, @Arguments, @State, @ByName, @ByRole, @Idempotency, @Created, @Expires, @Deadline, @Digest, @Message, @AuditEntry)
                """, new
            {
                row.Id, row.Device, row.Command, row.Arguments, row.State, row.ByName, row.ByRole, row.Created, row.Expires, row.Digest, row.Message, row.AuditEntry,
                Idempotency = KeyOf(authorized.Actor, authorized.IdempotencyKey),
                Deadline = row.Created + (long)receiptDeadline.TotalMilliseconds,
            });
            return row.ToView();
        }, cancellationToken);
    }

    /// <summary>Applies one event. Null when it changed nothing.</summary>
    public Task<CommandView?> ApplyAsync(string id, CommandEvent happened, Evidence evidence, CancellationToken cancellationToken = default)
        => database.WriteAsync(connection => Apply(connection, id, happened, evidence), cancellationToken);

    /// <inheritdoc cref="ApplyAsync"/>
    public static CommandView? Apply(DbConnection connection, string id, CommandEvent happened, Evidence evidence)
    {
        if (Find(connection, id) is not { } row) return null;
        var at = evidence.At.ToUnixTimeMilliseconds();
        var next = CommandStates.Next((CommandState)row.State, happened);
        // The broker's word may come after the device's: it changes no state any more, but it is still when it was sent.
        if (happened is CommandEvent.BrokerTook or CommandEvent.BrokerDelivered) row.Sent ??= at;
        if (happened is CommandEvent.BrokerDelivered) row.Delivered ??= at;
        if (next is { } state)
        {
            row.State = (long)state;
            row.Reason = evidence.Reason;
            if (evidence.Receipt is not null)
                (row.Answered, row.Receipt, row.ReceiptEntry, row.Result) = (at, evidence.Receipt, evidence.ReceiptEntry, evidence.Result?.ToJsonString());
        }

        connection.Execute("""
            UPDATE command SET state = @State, reason = @Reason, result = @Result, sent = @Sent, delivered = @Delivered, answered = @Answered,
                receipt = @Receipt, receipt_entry = @ReceiptEntry WHERE id = @Id
            """, row);
        return next is null ? null : row.ToView();
    }

    /// <summary>Commands whose deadline has passed become <c>unanswered</c>; the views of those that did.</summary>
    public async Task<IReadOnlyList<CommandView>> ExpireAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        const string Due = "SELECT id FROM command WHERE state IN (1, 4, 5) AND deadline <= @now";
        if (!database.Read(c => c.Query<string>(Due + " LIMIT 1", new { now = now.ToUnixTimeMilliseconds() }).Any())) return [];
        return await database.WriteAsync<IReadOnlyList<CommandView>>(
            connection => [.. connection.Query<string>(Due, new { now = now.ToUnixTimeMilliseconds() }).ToList()
                .Select(id => Apply(connection, id, CommandEvent.DeadlinePassed, new(now))).OfType<CommandView>()],
            cancellationToken);
    }

    public CommandView? Find(string id) => database.Read(c => Find(c, id))?.ToView();

    public CommandRow? FindRow(string id) => database.Read(c => Find(c, id));

    public CommandView? FindByKey(Actor actor, string key)
        => database.Read(c => c.QueryFirstOrDefault<CommandRow>($"SELECT {Columns} FROM command WHERE idempotency = @key", new { key = KeyOf(actor, key) }))?.ToView();

    public CommandPage List(CommandFilter filter)
    {
        var limit = Math.Clamp(filter.Limit, 1, ControlLimits.CommandsPerPage);
        long? state = filter.State is null ? null : CommandStates.TryParse(filter.State, out var known) ? (long)known : -1;
        var rows = database.Read(c => c.Query<CommandRow>($"""
            SELECT {Columns} FROM command
            WHERE (@Device IS NULL OR device = @Device) AND (@state IS NULL OR state = @state) AND (@By IS NULL OR by_name = @By) AND (@Before IS NULL OR id < @Before)
            ORDER BY id DESC LIMIT @limit
            """, new { filter.Device, state, filter.By, filter.Before, limit = limit + 1 }).ToList());
        return new([.. rows.Take(limit).Select(r => r.ToView())], rows.Count > limit ? rows[limit - 1].Id : null);
    }

    /// <summary>Commands that may still change by themselves.</summary>
    public int CountOpen() => database.Read(c => c.ExecuteScalar<int>("SELECT count(*) FROM command WHERE state IN (1, 4, 5, 6)"));

    private static CommandRow? Find(DbConnection connection, string id) => connection.QueryFirstOrDefault<CommandRow>($"SELECT {Columns} FROM command WHERE id = @id", new { id });

    private static string? KeyOf(Actor actor, string? key) => key is null ? null : $"{actor.Kind}/{actor.Name}/{key}";
}

/// <summary>A row of the table, as Dapper fills it.</summary>
internal sealed class CommandRow
{
    public string Id { get; set; } = "";
    public string Device { get; set; } = "";
    public string Command { get; set; } = "";
    public string Arguments { get; set; } = "{}";
    public long State { get; set; }
    public string? Reason { get; set; }
    public string? Result { get; set; }
    public string ByName { get; set; } = "";
    public string ByRole { get; set; } = "";
    public long Created { get; set; }
    public long Expires { get; set; }
    public long? Sent { get; set; }
    public long? Delivered { get; set; }
    public long? Answered { get; set; }
    public string Digest { get; set; } = "";
    public string Message { get; set; } = "";
    public long AuditEntry { get; set; }
    public string? Receipt { get; set; }
    public long? ReceiptEntry { get; set; }

    public CommandView ToView() => new(
        Id, Device, Command, (JsonObject)JsonNode.Parse(Arguments)!, ((CommandState)State).Name(), Reason, Result is null ? null : (JsonObject)JsonNode.Parse(Result)!, ByName, ByRole,
        Created.ToTime(), Expires.ToTime(), Sent.ToTime(), Delivered.ToTime(), Answered.ToTime(), AuditEntry, Message, Receipt);
}
