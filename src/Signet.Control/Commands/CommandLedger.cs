using System.Data.Common;
using System.Text;
using System.Text.Json.Nodes;
using Dapper;
using Signet.Store;
using Signet.Wire;

namespace Signet.Control;

/// <summary>What a change of a command brings with it.</summary>
/// <param name="At">When the center learned of it.</param>
/// <param name="Reason">A refusal's name or the broker's words.</param>
/// <param name="Receipt">The verified receipt, compact JWS, and its audit entry.</param>
/// <param name="Digest">The attempt the receipt answers.</param>
internal sealed record Evidence(DateTimeOffset At, string? Reason = null, JsonObject? Result = null, string? Receipt = null, long? ReceiptEntry = null, string? Digest = null);

/// <summary>One message that was signed for a command.</summary>
/// <param name="Envelope">What was published when it was sealed, compact JWE; "" else.</param>
/// <param name="ContentKey">Of the envelope, base64url; "" without one.</param>
internal sealed record CommandAttempt(string Digest, string Message, long AuditEntry, string Envelope, string ContentKey);

/// <summary>The durable states of commands. Every change goes through <see cref="CommandStates.Next"/>, inside the one writer: two events about one command can never overtake each other.</summary>
internal sealed partial class CommandLedger(ControlDatabase database, TimeSpan receiptDeadline)
{
    private const string Columns = """
        id AS Id, device AS Device, command AS Command, arguments AS Arguments, state AS State, reason AS Reason, result AS Result, by_name AS ByName, by_role AS ByRole,
        created AS Created, expires AS Expires, sent AS Sent, delivered AS Delivered, answered AS Answered, digest AS Digest, message AS Message,
        audit_entry AS AuditEntry, receipt AS Receipt, receipt_entry AS ReceiptEntry, by_kind AS ByKind, not_before AS NotBefore, valid_until AS ValidUntil, rollout AS Rollout, proposal AS Proposal, attempts AS Attempts
        """;

    public Task<CommandView> InsertAsync(SignedCommand signed, long auditEntry, CancellationToken cancellationToken)
    {
        var (authorized, claims) = (signed.Authorized, signed.Claims);
        var row = new CommandRow
        {
            Id = claims.Id, Device = authorized.Device, Command = authorized.Command, Arguments = authorized.Arguments.ToJsonString(), State = (long)CommandState.Draft,
            ByName = authorized.Actor.Name, ByRole = claims.OriginatorRole, ByKind = authorized.Actor.Kind, Created = MessageId.TimeOf(claims.Id).ToUnixTimeMilliseconds(), Expires = claims.ExpiresAt.ToUnixTimeMilliseconds(),
            Digest = signed.Digest, Message = Encoding.ASCII.GetString(signed.Jws.Span), AuditEntry = auditEntry,
        };
        var deadline = row.Created + (long)receiptDeadline.TotalMilliseconds;
        return database.WriteHereAsync(connection =>
        {
            connection.Kept("""
                INSERT INTO command (id, device, command, arguments, state, by_name, by_role, by_kind, idempotency, created, expires, deadline, digest, message, audit_entry)
                VALUES (@Id, @Device, @Command, @Arguments, @State, @ByName, @ByRole, @ByKind, @Idempotency, @Created, @Expires, @Deadline, @Digest, @Message, @AuditEntry)
                """, ("Id", row.Id), ("Device", row.Device), ("Command", row.Command), ("Arguments", row.Arguments), ("State", row.State), ("ByName", row.ByName), ("ByRole", row.ByRole), ("ByKind", row.ByKind),
                ("Idempotency", KeyOf(authorized.Actor, authorized.IdempotencyKey)), ("Created", row.Created), ("Expires", row.Expires), ("Deadline", deadline), ("Digest", row.Digest), ("Message", row.Message),
                ("AuditEntry", row.AuditEntry)).ExecuteNonQuery();
            InsertAttempt(connection, row, signed);
            return row.ToView();
        }, cancellationToken);
    }

    /// <summary>Applies one event. Null when it changed nothing.</summary>
    public Task<CommandView?> ApplyAsync(string id, CommandEvent happened, Evidence evidence, CancellationToken cancellationToken = default)
        => database.WriteHereAsync(connection => Apply(connection, id, happened, evidence), cancellationToken);

    /// <inheritdoc cref="ApplyAsync"/>
    public static CommandView? Apply(DbConnection connection, string id, CommandEvent happened, Evidence evidence)
    {
        if (Find(connection, id) is not { } row) return null;
        var at = evidence.At.ToUnixTimeMilliseconds();
        var next = CommandStates.Next((CommandState)row.State, happened);
        var (sent, delivered) = (row.Sent, row.Delivered);
        // The broker's word may come after the device's: it changes no state any more, but it is still when it was sent.
        if (happened is CommandEvent.BrokerTook or CommandEvent.BrokerDelivered) row.Sent ??= at;
        if (happened is CommandEvent.BrokerDelivered) row.Delivered ??= at;
        if (next is { } state)
        {
            row.State = (long)state;
            row.Reason = evidence.Reason;
            if (evidence.Receipt is not null)
                (row.Answered, row.Receipt, row.ReceiptEntry, row.Result) = (at, evidence.Receipt, evidence.ReceiptEntry, evidence.Result?.ToJsonString());
            if (evidence.Digest is { } digest && digest != row.Digest && FindAttempt(connection, id, digest) is { } answered)
                (row.Digest, row.Message, row.AuditEntry) = (answered.Digest, answered.Message, answered.AuditEntry);
            // What happened to the message that did nothing says nothing about the next one.
            if (happened == CommandEvent.Returned) (row.Sent, row.Delivered, row.Answered, row.Receipt, row.ReceiptEntry, row.Result) = (null, null, null, null, null, null);
        }

        if (next is null && (sent, delivered) == (row.Sent, row.Delivered)) return null;
        connection.Kept("""
            UPDATE command SET state = @State, reason = @Reason, result = @Result, sent = @Sent, delivered = @Delivered, answered = @Answered,
                receipt = @Receipt, receipt_entry = @ReceiptEntry,
                digest = @Digest, message = @Message, audit_entry = @AuditEntry WHERE id = @Id
            """, ("State", row.State), ("Reason", row.Reason), ("Result", row.Result), ("Sent", row.Sent), ("Delivered", row.Delivered), ("Answered", row.Answered), ("Receipt", row.Receipt),
            ("ReceiptEntry", row.ReceiptEntry), ("Digest", row.Digest), ("Message", row.Message), ("AuditEntry", row.AuditEntry), ("Id", row.Id)).ExecuteNonQuery();
        return next is null ? null : row.ToView();
    }

    /// <summary>Commands whose deadline has passed become <c>unanswered</c>, intents whose time ran out <c>expired</c>; the views of those that did.</summary>
    public async Task<IReadOnlyList<CommandView>> ExpireAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        const string Silent = "SELECT id FROM command WHERE state IN (1, 4, 5) AND deadline <= @now";
        const string Late = "SELECT id FROM command WHERE state IN (2, 3) AND valid_until <= @now";
        var at = new { now = now.ToUnixTimeMilliseconds() };
        if (!database.Read(c => c.Query<string>(Silent + " LIMIT 1", at).Any() || c.Query<string>(Late + " LIMIT 1", at).Any())) return [];
        return await database.WriteAsync<IReadOnlyList<CommandView>>(connection =>
        [
            .. connection.Query<string>(Silent, at).ToList().Select(id => Apply(connection, id, CommandEvent.DeadlinePassed, new(now))).OfType<CommandView>(),
            .. connection.Query<string>(Late, at).ToList().Select(id => Apply(connection, id, CommandEvent.TimeRanOut, new(now))).OfType<CommandView>(),
        ], cancellationToken);
    }

    public CommandView? Find(string id) => database.Read(c => Find(c, id))?.ToView();

    public CommandRow? FindRow(string id) => database.Read(c => Find(c, id));

    /// <summary>The commands with these ids, in this order, and whether the digest is that of a message signed for it.</summary>
    public IReadOnlyList<(CommandRow? Row, bool IsAttempt)> FindAnswered(IReadOnlyList<(string Id, string Digest)> asked) => database.Read<IReadOnlyList<(CommandRow?, bool)>>(connection =>
    [
        .. asked.Select(one => Find(connection, one.Id) is { } row ? ((CommandRow?)row, row.Digest == one.Digest || FindAttempt(connection, one.Id, one.Digest) is not null) : (null, false)).ToList(),
    ]);

    public CommandView? FindByKey(Actor actor, string key)
        => database.Read(c => c.QueryFirstOrDefault<CommandRow>($"SELECT {Columns} FROM command WHERE idempotency = @key", new { key = KeyOf(actor, key) }))?.ToView();

    public CommandPage List(CommandFilter filter)
    {
        var limit = Math.Clamp(filter.Limit, 1, ControlLimits.CommandsPerPage);
        long? state = filter.State is null ? null : CommandStates.TryParse(filter.State, out var known) ? (long)known : -1;
        var rows = database.Read(c => c.Query<CommandRow>($"""
            SELECT {Columns} FROM command
            WHERE (@Device IS NULL OR device = @Device) AND (@state IS NULL OR state = @state) AND (@By IS NULL OR by_name = @By) AND (@Rollout IS NULL OR rollout = @Rollout) AND (@Before IS NULL OR id < @Before)
            ORDER BY id DESC LIMIT @limit
            """, new { filter.Device, state, filter.By, filter.Rollout, filter.Before, limit = limit + 1 }).ToList());
        return new([.. rows.Take(limit).Select(r => r.ToView())], rows.Count > limit ? rows[limit - 1].Id : null);
    }

    /// <summary>Commands that may still change by themselves.</summary>
    public int CountOpen() => database.Read(c => c.ExecuteScalar<int>("SELECT count(*) FROM command WHERE state IN (1, 2, 3, 4, 5, 6)"));

    /// <summary>The device of each of these.</summary>
    public IReadOnlyList<string> DevicesOfOpen() => database.Read<IReadOnlyList<string>>(c => [.. c.Query<string>("SELECT device FROM command WHERE state IN (1, 2, 3, 4, 5, 6)")]);

    private static CommandRow? Find(DbConnection connection, string id)
    {
        using var reader = connection.Kept($"SELECT {Columns} FROM command WHERE id = @id", ("id", id)).ExecuteReader();
        return reader.Read() ? CommandRow.Read(reader) : null;
    }

    private static string? KeyOf(Actor actor, string? key) => key is null ? null : $"{actor.Kind}/{actor.Name}/{key}";
}
