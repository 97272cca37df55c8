using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Signet.Access;
using Signet.Audit;

namespace Signet.Control;

/// <summary>
/// How the center writes its audit log. Three ways, by who waits:
/// <list type="bullet">
/// <item><see cref="TryAppendAsync(AuditRecord, CancellationToken)"/>: an act that must not happen unless it is on the record. Log first, act second; a log that takes nothing refuses the act.</item>
/// <item><see cref="AppendWhenPossibleAsync(AuditRecord, CancellationToken)"/>: something that has happened elsewhere and must not be lost (a receipt). Waits until the log takes it.</item>
/// <item><see cref="Note"/>: from threads that cannot wait (the broker's). Queued, bounded, and written in order.</item>
/// </list>
/// What strangers can cause at will goes through <see cref="RepeatedNotes"/> instead.
/// </summary>
internal sealed class AuditTrail : IAsyncDisposable
{
    private readonly AuditLog _log;
    private readonly bool _goOnWithoutLog;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Channel<AuditRecord> _notes = Channel.CreateBounded<AuditRecord>(new BoundedChannelOptions(ControlLimits.QueuedNotes) { SingleReader = true });
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _pump;
    private readonly long _sizeAtStart;
    private long _lost;

    /// <param name="log">The log.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">For what cannot be written down.</param>
    /// <param name="goOnWithoutLog">See <see cref="AuditSettings.GoOnWithoutLog"/>.</param>
    public AuditTrail(AuditLog log, TimeProvider time, ILogger logger, bool goOnWithoutLog = false)
    {
        (_log, _goOnWithoutLog, _time, _logger, _sizeAtStart) = (log, goOnWithoutLog, time, logger, log.Size);
        _pump = Task.Run(PumpAsync);
    }

    /// <summary>Durable when it returns an entry; the refusal when the log takes nothing.</summary>
    public ValueTask<Outcome<AuditEntry>> TryAppendAsync(AuditRecord record, CancellationToken cancellationToken = default) => TryAppendAsync(record, here: false, cancellationToken);

    /// <inheritdoc cref="TryAppendAsync(AuditRecord, CancellationToken)"/>
    /// <param name="record">What is to be written.</param>
    /// <param name="here">See <see cref="AuditLog.AppendHereAsync"/>.</param>
    /// <param name="cancellationToken">Ends the wait for a place in the log's queue.</param>
    public async ValueTask<Outcome<AuditEntry>> TryAppendAsync(AuditRecord record, bool here, CancellationToken cancellationToken)
    {
        try
        {
            return await (here ? _log.AppendHereAsync(record, cancellationToken) : _log.AppendAsync(record, cancellationToken));
        }
        catch (AuditUnavailableException e)
        {
            if (_goOnWithoutLog) return Later(record);
            return new Refusal(RefusalCode.AuditUnavailable, $"The audit log cannot be written, so nothing is done: {e.Message}");
        }
    }

    /// <inheritdoc cref="AuditLog.MakeRoom"/>
    public void MakeRoom() => _log.MakeRoom();

    // The act goes on; its entry is written when the log takes entries again, and says that it is late. Number 0: it is not on the record now.
    private AuditEntry Later(AuditRecord record)
    {
        var details = (JsonObject?)record.Details?.DeepClone() ?? [];
        details["late"] = _time.GetUtcNow().ToString("O");
        Note(record with { Details = details });
        return new(0, _time.GetUtcNow(), record.Type, record.Actor, record.Subject, record.Action, record.Outcome, record.Reason, details, default, []);
    }

    /// <summary>Asks the role table and, when it allows, writes the record: after this the act may be done. A refusal is on the record too, with the rule's name.</summary>
    public async ValueTask<Outcome<AuditEntry>> PermitAsync(Actor actor, Act act, AuditRecord record, CancellationToken cancellationToken)
    {
        var decision = RoleTable.Decide(actor.Role, act);
        if (decision.Allowed) return await TryAppendAsync(record, cancellationToken);
        var refusal = new Refusal(RefusalCode.NotAllowed, $"{actor.Name} is {Words.Of(actor.Role)}; {decision.Rule} needs {LeastRole(act)}");
        await RefuseAsync(actor, record.Subject, record.Action, refusal, decision.Rule, cancellationToken);
        return refusal;
    }

    /// <summary>The same for an act on one device: who is limited to groups acts on their devices alone.</summary>
    /// <param name="device">Null: it is about nothing that stands in a group, so nobody who is limited may.</param>
    public async ValueTask<Outcome<AuditEntry>> PermitAsync(Actor actor, Act act, DeviceRecord? device, AuditRecord record, CancellationToken cancellationToken)
    {
        if (!RoleTable.Decide(actor.Role, act).Allowed || (device is null ? actor.Groups.Count == 0 : actor.Covers(device))) return await PermitAsync(actor, act, record, cancellationToken);
        var refusal = Scope.Refuse(actor);
        await RefuseAsync(actor, record.Subject, record.Action, refusal, "scope", cancellationToken);
        return refusal;
    }

    /// <summary>Writes that something was refused, and by which rule. A log that takes nothing does not hinder a refusal.</summary>
    public async ValueTask RefuseAsync(Actor actor, string subject, string action, Refusal refusal, string rule, CancellationToken cancellationToken)
        => await TryAppendAsync(Of(AuditTypes.Authorization, actor, subject, action, "refused", refusal.Name, new() { ["rule"] = rule, ["message"] = refusal.Message }), cancellationToken);

    /// <summary>A record of an actor's act. The address it came from is personal data: the entry holds only a commitment to it.</summary>
    public static AuditRecord Of(string type, Actor actor, string subject, string action, string outcome = "success", string reason = "", JsonObject? details = null)
    {
        details ??= [];
        details["by"] = actor.Kind;
        if (actor.Bulk is { } bulk) details["bulk"] = bulk;
        return new(type, actor.Name, subject, action, outcome, reason, details) { Personal = actor.From == "local" ? null : new() { ["from"] = actor.From } };
    }

    private static string LeastRole(Act act) => Words.Of(RoleTable.Rows.First(r => r.Act == act).Least);

    /// <summary>Durable when it returns; tries again until the log takes the entry.</summary>
    public ValueTask<AuditEntry> AppendWhenPossibleAsync(AuditRecord record, CancellationToken cancellationToken) => AppendWhenPossibleAsync(record, here: false, cancellationToken);

    /// <inheritdoc cref="AppendWhenPossibleAsync(AuditRecord, CancellationToken)"/>
    /// <param name="record">What is to be written.</param>
    /// <param name="here">See <see cref="AuditLog.AppendHereAsync"/>.</param>
    /// <param name="cancellationToken">Ends the trying.</param>
    public async ValueTask<AuditEntry> AppendWhenPossibleAsync(AuditRecord record, bool here, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await (here ? _log.AppendHereAsync(record, cancellationToken) : _log.AppendAsync(record, cancellationToken));
            }
            catch (AuditUnavailableException)
            {
                await Task.Delay(ControlLimits.AuditRetry, _time, cancellationToken);
            }
        }
    }

    /// <summary>The entry an earlier run of the center wrote behind entry <paramref name="after"/>; null when there is none. Reads nothing for entries of this run.</summary>
    public async ValueTask<AuditEntry?> FindEarlierAsync(long after, AuditFilter filter, CancellationToken cancellationToken)
    {
        for (long? before = _sizeAtStart + 1; before > after;)
        {
            var page = await _log.QueryAsync(filter with { Before = before }, cancellationToken);
            if (page.Entries is [var entry, ..]) return entry.Sequence > after ? entry : null;
            before = page.Next;
        }

        return null;
    }

    /// <summary>Never waits. When more wait than <see cref="ControlLimits.QueuedNotes"/>, the loss itself is written down as a count.</summary>
    public void Note(AuditRecord record)
    {
        if (!_notes.Writer.TryWrite(record)) Interlocked.Increment(ref _lost);
    }

    /// <summary>Writes what is queued, for at most <see cref="ControlLimits.StopTimeout"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        _notes.Writer.TryComplete();
        _stop.CancelAfter(ControlLimits.StopTimeout);
        await _pump;
        _stop.Dispose();
    }

    private async Task PumpAsync()
    {
        try
        {
            await foreach (var record in _notes.Reader.ReadAllAsync(_stop.Token))
            {
                await AppendWhenPossibleAsync(record, _stop.Token);
                if (Interlocked.Exchange(ref _lost, 0) is > 0 and var lost)
                    await AppendWhenPossibleAsync(new(AuditTypes.System, Actor.Center.Name, "audit", "entries-lost", "failed", "queue-full", new JsonObject { ["count"] = lost }), _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            Log.NotesDropped(_logger, _notes.Reader.Count + 1);
        }
    }
}
