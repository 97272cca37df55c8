using System.Text;
using System.Text.Json.Nodes;
using Signet.Access;
using Signet.Audit;
using Signet.Proof;
using Signet.Store;

namespace Signet.Control;

/// <summary>How an export is written.</summary>
public enum ExportForm
{
    /// <summary>NDJSON with proofs, verifiable offline.</summary>
    Ndjson = 1,

    /// <summary>RFC 4180, for spreadsheets. No proofs.</summary>
    Csv = 2,

    /// <summary>RFC 5424, one message a line. No proofs.</summary>
    Syslog = 3,
}

/// <param name="Erased">Entries whose personal data are gone.</param>
public sealed record Erasure(long Erased);

/// <param name="Segments">What was taken out, oldest first.</param>
public sealed record Retirement(IReadOnlyList<AuditSegment> Segments);

/// <summary>What people do with the audit log besides reading it: verify, export, sign a checkpoint, erase personal data, take old parts out. Each is an act with a rule, and an entry of its own.</summary>
public sealed class AuditDesk
{
    private readonly AuditLog _log;
    private readonly AuditTrail _trail;
    private readonly TimeProvider _time;
    private readonly Func<IReadOnlyList<string>> _seenByOthers;
    private readonly Lock _one = new();
    private Verification? _latest;

    /// <param name="log">The log.</param>
    /// <param name="trail">For the desk's own entries.</param>
    /// <param name="time">The clock.</param>
    /// <param name="seenByOthers">Checkpoints that witnesses hold: the history must contain them.</param>
    internal AuditDesk(AuditLog log, AuditTrail trail, TimeProvider time, Func<IReadOnlyList<string>> seenByOthers) => (_log, _trail, _time, _seenByOthers) = (log, trail, time, seenByOthers);

    /// <summary>The verification that runs or ran last; null when none did since the start.</summary>
    public Verification? Latest => Volatile.Read(ref _latest);

    /// <summary>Begins to verify the whole log, or joins the run that is under way: it takes a whole core, so there is one at a time.</summary>
    public async Task<Outcome<Verification>> VerifyAsync(Actor actor, CancellationToken cancellationToken = default)
    {
        if (await RefusedAsync(actor, Act.VerifyAudit, "audit-verified", cancellationToken) is { } refusal) return refusal;
        lock (_one)
        {
            if (_latest is { IsRunning: true } running) return running;
            var run = new Verification(actor, _time.GetUtcNow(), _log.Size - _log.Retired);
            run.Completed = Task.Run(() => RunAsync(run), CancellationToken.None);
            _latest = run;
            return run;
        }
    }

    /// <summary>Signs a checkpoint over everything up to now.</summary>
    public async Task<Outcome<Checkpoint>> CheckpointAsync(Actor actor, CancellationToken cancellationToken = default)
    {
        if (await RefusedAsync(actor, Act.VerifyAudit, "checkpoint", cancellationToken) is { } refusal) return refusal;
        return await ClearlyAsync(() => _log.CheckpointAsync(cancellationToken));
    }

    /// <summary>Whether the actor may export; when it returns an entry, that the export was made is on the record.</summary>
    public ValueTask<Outcome<AuditEntry>> PermitExportAsync(Actor actor, ExportForm form, AuditFilter? filter, CancellationToken cancellationToken = default)
        => _trail.PermitAsync(actor, Act.ExportAudit, AuditTrail.Of(AuditTypes.System, actor, "audit", "audit-exported", details: new() { ["form"] = Words.Of(form), ["filter"] = Describe(filter) }), cancellationToken);

    /// <summary>Writes the export; the caller has asked <see cref="PermitExportAsync"/>. Streams: memory does not grow with the log.</summary>
    /// <returns>Entries written.</returns>
    /// <exception cref="AuditUnavailableException">No checkpoint can be signed now.</exception>
    public async Task<long> ExportAsync(Stream output, ExportForm form, AuditFilter? filter, string host, CancellationToken cancellationToken = default)
    {
        if (form == ExportForm.Ndjson) return await _log.ExportAsync(output, filter, cancellationToken: cancellationToken);
        var count = 0L;
        await using var writer = new StreamWriter(output, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 64 * 1024, leaveOpen: true);
        if (form == ExportForm.Csv) await writer.WriteAsync(TextExport.CsvHeader);
        foreach (var entry in _log.Entries(filter ?? new(), cancellationToken))
        {
            await writer.WriteAsync(form == ExportForm.Csv ? TextExport.CsvLine(entry) : TextExport.SyslogLine(entry, host) + "\n");
            count++;
        }
        await writer.FlushAsync(cancellationToken);
        return count;
    }

    /// <summary>Erases the personal data of matching entries; the entries and every proof stay.</summary>
    /// <param name="filter">Whose: number, actor or subject must be given.</param>
    /// <param name="reason">Stands in the entry: who asked for it.</param>
    /// <param name="actor">Who orders it.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public async Task<Outcome<Erasure>> EraseAsync(AuditFilter filter, string reason, Actor actor, CancellationToken cancellationToken = default)
    {
        if (string.IsNullOrEmpty(filter.Actor) && string.IsNullOrEmpty(filter.Subject) && filter.Sequence is null) return new Refusal(RefusalCode.BadInput, "say whose personal data: the number of an entry, an actor or a subject");
        if (await RefusedAsync(actor, Act.ErasePersonalData, "personal-data-erased", cancellationToken) is { } refusal) return refusal;
        var record = AuditTrail.Of(AuditTypes.User, actor, filter.Actor ?? filter.Subject ?? $"entry {filter.Sequence}", "personal-data-erased", "success", reason, new() { ["filter"] = Describe(filter) });
        // Of whom the data are erased has no say in it: the order itself keeps no address behind.
        return await ClearlyAsync(async () => new Erasure(await _log.ErasePersonalAsync(filter, record, cancellationToken)));
    }

    /// <summary>Takes old sealed segments out of the database.</summary>
    /// <param name="olderThan">Age of a segment's last entry.</param>
    /// <param name="archive">Where their files go; null deletes them.</param>
    /// <param name="actor">Who orders it.</param>
    /// <param name="cancellationToken">Ends it between two segments.</param>
    public async Task<Outcome<Retirement>> RetireAsync(TimeSpan olderThan, string? archive, Actor actor, CancellationToken cancellationToken = default)
    {
        if (olderThan < TimeSpan.Zero) return new Refusal(RefusalCode.BadInput, "an age is not negative");
        if (await RefusedAsync(actor, Act.RetireAudit, StoredLog.Retired, cancellationToken) is { } refusal) return refusal;
        var record = AuditTrail.Of(AuditTypes.System, actor, "audit", "segments-retired", "success", "ordered");
        return await ClearlyAsync(async () => new Retirement(await _log.RetireAsync(olderThan, archive, record, cancellationToken)));
    }

    private async Task RunAsync(Verification run)
    {
        try
        {
            var verdict = await _log.VerifyAsync(run.Progress, _seenByOthers());
            run.Verdict = verdict;
            await _trail.TryAppendAsync(verdict.Fault is { } fault
                ? AuditTrail.Of(AuditTypes.Security, run.By, "audit", "audit-verified", "failed", Words.Of(fault.Kind), new() { ["first"] = fault.First, ["last"] = fault.Last, ["detail"] = fault.Detail, ["entries"] = verdict.Entries })
                : AuditTrail.Of(AuditTypes.System, run.By, "audit", "audit-verified", details: new() { ["entries"] = verdict.Entries, ["checkpoints"] = verdict.Checkpoints }));
        }
        catch (Exception e) when (e is AuditUnavailableException or StoreException or IOException)
        {
            run.Trouble = e.Message;
        }
        finally
        {
            run.Ended = _time.GetUtcNow();
        }
    }

    private async ValueTask<Refusal?> RefusedAsync(Actor actor, Act act, string action, CancellationToken cancellationToken)
    {
        var decision = RoleTable.Decide(actor.Role, act);
        if (decision.Allowed) return null;
        var refusal = new Refusal(RefusalCode.NotAllowed, $"{actor.Name} is {Words.Of(actor.Role)}; the rule {decision.Rule} does not allow it");
        await _trail.RefuseAsync(actor, "audit", action, refusal, decision.Rule, cancellationToken);
        return refusal;
    }

    private static async Task<Outcome<T>> ClearlyAsync<T>(Func<Task<T>> act)
        where T : class
    {
        try
        {
            return await act();
        }
        catch (AuditUnavailableException e)
        {
            return new Refusal(RefusalCode.AuditUnavailable, e.Message);
        }
        catch (Exception e) when (e is StoreException or IOException or UnauthorizedAccessException)
        {
            return new Refusal(RefusalCode.StoreUnavailable, e.Message);
        }
    }

    private static JsonObject Describe(AuditFilter? filter)
    {
        var set = new JsonObject();
        foreach (var (name, value) in new[] { ("type", filter?.Type), ("actor", filter?.Actor), ("subject", filter?.Subject), ("action", filter?.Action), ("outcome", filter?.Outcome), ("reason", filter?.Reason), ("text", filter?.Text) })
            if (!string.IsNullOrEmpty(value)) set[name] = value;
        if (filter?.From is { } from) set["from"] = from.ToString("O");
        if (filter?.To is { } to) set["to"] = to.ToString("O");
        if (filter?.Sequence is { } sequence) set["seq"] = sequence;
        return set;
    }
}
