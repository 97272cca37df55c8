using System.Data.Common;
using System.Text;
using Dapper;
using Signet.Store;

namespace Signet.Control;

/// <summary>An unsigned intent about to be kept.</summary>
internal sealed record NewIntent(string Id, AuthorizedCommand Authorized, DateTimeOffset Created, DateTimeOffset? NotBefore, DateTimeOffset Until, long AuditEntry, string? Rollout = null, string? Proposal = null);

/// <summary>An intent that waits, as the queue holds it. Times in Unix milliseconds.</summary>
internal sealed record PendingCommand(string Id, string Device, long NotBefore);

internal sealed partial class CommandLedger
{
    public Task<IReadOnlyList<CommandView>> InsertIntentsAsync(IReadOnlyList<NewIntent> intents, RolloutRow? rollout, IReadOnlyList<Proposal> proposals, CancellationToken cancellationToken) => database.WriteAsync<IReadOnlyList<CommandView>>(connection =>
    {
        if (rollout is not null) RolloutStore.Insert(connection, rollout);
        foreach (var proposal in proposals) ProposalStore.Insert(connection, proposal);
        var rows = intents.Select(i => (Row: RowOf(i), Key: KeyOf(i.Authorized.Actor, i.Authorized.IdempotencyKey))).ToList();
        connection.Execute("""
            INSERT INTO command (id, device, command, arguments, state, by_name, by_role, by_kind, idempotency, created, expires, deadline, digest, message, audit_entry, not_before, valid_until, rollout, proposal, attempts)
            VALUES (@Id, @Device, @Command, @Arguments, @State, @ByName, @ByRole, @ByKind, @Idempotency, @Created, @Expires, 0, '', '', @AuditEntry, @NotBefore, @ValidUntil, @Rollout, @Proposal, 0)
            """, rows.Select(r => new
        {
            r.Row.Id, r.Row.Device, r.Row.Command, r.Row.Arguments, r.Row.State, r.Row.ByName, r.Row.ByRole, r.Row.ByKind, Idempotency = r.Key,
            r.Row.Created, r.Row.Expires, r.Row.AuditEntry, r.Row.NotBefore, r.Row.ValidUntil, r.Row.Rollout, r.Row.Proposal,
        }));
        return [.. rows.Select(r => r.Row.ToView())];
    }, cancellationToken);

    /// <summary>An intent was signed and is on the record: the message it goes out as. Null when it is no longer queued (withdrawn or expired meanwhile), and then it must not be published.</summary>
    public Task<CommandView?> DispatchAsync(SignedCommand signed, long auditEntry, DateTimeOffset now, CancellationToken cancellationToken) => database.WriteHereAsync(connection =>
    {
        if (Find(connection, signed.Claims.Id) is not { } row || CommandStates.Next((CommandState)row.State, CommandEvent.Dispatched) is not { } state) return null;
        (row.State, row.Reason, row.Digest, row.Message, row.AuditEntry, row.Attempts) = ((long)state, null, signed.Digest, Encoding.ASCII.GetString(signed.Jws.Span), auditEntry, row.Attempts + 1);
        row.Expires = signed.Claims.ExpiresAt.ToUnixTimeMilliseconds();
        connection.Kept("UPDATE command SET state = @State, reason = NULL, digest = @Digest, message = @Message, audit_entry = @AuditEntry, attempts = @Attempts, expires = @Expires, deadline = @deadline WHERE id = @Id",
            ("State", row.State), ("Digest", row.Digest), ("Message", row.Message), ("AuditEntry", row.AuditEntry), ("Attempts", row.Attempts), ("Expires", row.Expires),
            ("deadline", now.ToUnixTimeMilliseconds() + (long)receiptDeadline.TotalMilliseconds), ("Id", row.Id)).ExecuteNonQuery();
        InsertAttempt(connection, row, signed);
        return row.ToView();
    }, cancellationToken);

    /// <summary>The broker says that the devices' sessions acknowledged the messages with these digests. The commands whose state that changed.</summary>
    public Task<IReadOnlyList<CommandView>> DeliveredAsync(IReadOnlyList<(string Digest, DateTimeOffset At)> words, CancellationToken cancellationToken) => database.WriteAsync<IReadOnlyList<CommandView>>(connection =>
    [
        .. words.Select(word => connection.Kept("SELECT command_id FROM command_attempt WHERE digest = @Digest", ("Digest", word.Digest)).ExecuteScalar() is string id ? Apply(connection, id, CommandEvent.BrokerDelivered, new(word.At)) : null)
            .OfType<CommandView>().ToList(),
    ], cancellationToken);

    /// <summary>Every intent that waits, oldest first.</summary>
    public IReadOnlyList<PendingCommand> Pending() => database.Read(c => c.Query<PendingCommand>("SELECT id AS Id, device AS Device, not_before AS NotBefore FROM command WHERE state = 3 ORDER BY id").ToList());

    /// <summary>Messages that were on their way when the center stopped, and that a device would still take: published again, the same bytes.</summary>
    public IReadOnlyList<CommandRow> InDoubt(DateTimeOffset now)
        => database.Read(c => c.Query<CommandRow>($"SELECT {Columns} FROM command WHERE state = 1 AND expires > @now ORDER BY id", new { now = now.ToUnixTimeMilliseconds() }).ToList());

    public CommandAttempt? FindAttempt(string id, string digest) => database.Read(c => FindAttempt(c, id, digest));

    private static CommandAttempt? FindAttempt(DbConnection connection, string id, string digest)
    {
        using var reader = connection.Kept("SELECT digest, message, audit_entry, envelope, content_key FROM command_attempt WHERE digest = @digest AND command_id = @id", ("id", id), ("digest", digest)).ExecuteReader();
        return reader.Read() ? new(reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.GetString(3), reader.GetString(4)) : null;
    }

    private static void InsertAttempt(DbConnection connection, CommandRow row, SignedCommand signed) => connection.Kept(
        "INSERT INTO command_attempt (digest, command_id, message, audit_entry, envelope, content_key) VALUES (@Digest, @Id, @Message, @AuditEntry, @envelope, @contentKey)",
        ("Digest", row.Digest), ("Id", row.Id), ("Message", row.Message), ("AuditEntry", row.AuditEntry), ("envelope", signed.IsSealed ? Encoding.ASCII.GetString(signed.Bytes.Span) : ""),
        ("contentKey", signed.IsSealed ? System.Buffers.Text.Base64Url.EncodeToString(signed.ContentKey.Span) : "")).ExecuteNonQuery();

    private static CommandRow RowOf(NewIntent intent) => new()
    {
        Id = intent.Id, Device = intent.Authorized.Device, Command = intent.Authorized.Command, Arguments = intent.Authorized.Arguments.ToJsonString(), State = (long)(intent.Proposal is null ? CommandState.Queued : CommandState.AwaitingApproval),
        ByName = intent.Authorized.Actor.Name, ByRole = Words.Of(intent.Authorized.Actor.Role), ByKind = intent.Authorized.Actor.Kind,
        Created = intent.Created.ToUnixTimeMilliseconds(), Expires = intent.Until.ToUnixTimeMilliseconds(), AuditEntry = intent.AuditEntry,
        // Rows hold milliseconds: a time between two of them is the later one, or the command would leave before it.
        NotBefore = intent.NotBefore?.AddTicks(TimeSpan.TicksPerMillisecond - 1).ToUnixTimeMilliseconds() ?? 0, ValidUntil = intent.Until.ToUnixTimeMilliseconds(), Rollout = intent.Rollout, Proposal = intent.Proposal, Attempts = 0,
    };
}
