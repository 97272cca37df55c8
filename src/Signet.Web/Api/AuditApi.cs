using System.Buffers.Text;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Audit;
using Signet.Control;
using Signet.Proof;
using Signet.Web.Security;

namespace Signet.Web.Api;

/// <summary>An audit entry, as the API shows it.</summary>
/// <param name="Meaning">What this kind of entry says, for people; "" for one that this version does not write.</param>
/// <param name="Personal">Facts about a person that can be erased; null when there are none (any more).</param>
public sealed record AuditEntryJson(long Seq, DateTimeOffset Time, string Type, string Actor, string Subject, string Action, string Outcome, string Reason, JsonObject Details, JsonObject? Personal, string Meaning)
{
    public static AuditEntryJson Of(AuditEntry entry) => new(entry.Sequence, entry.Time, entry.Type, entry.Actor, entry.Subject, entry.Action, entry.Outcome, entry.Reason, entry.Details, entry.Personal,
        EventCatalogue.Find(entry.Type, entry.Action)?.Meaning ?? "");
}

/// <param name="Next">For `before`; null at the end. A page may be short, even empty, and still have a next one: a search looks at a bounded number of entries.</param>
/// <param name="Retired">Entries 1 to this number were taken out by retention.</param>
public sealed record AuditListJson(IReadOnlyList<AuditEntryJson> Entries, long? Next, DateTimeOffset? Reached, long Size, long Retired);

/// <param name="Path">Hashes from the leaf upwards (RFC 9162), base64url.</param>
/// <param name="Checkpoint">The signed note whose root they lead to.</param>
public sealed record AuditProofJson(long Seq, string Leaf, IReadOnlyList<string> Path, string Checkpoint);

/// <param name="Running">True: the run is not over; ask again. Everything but done and total is null then.</param>
/// <param name="FirstBad">Number of the first entry that is wrong; null when the log is intact.</param>
/// <param name="Kind">What is wrong, one word.</param>
/// <param name="Gaps">What could not be known; not faults.</param>
public sealed record AuditVerdictJson(
    bool Running, long Done, long Total, DateTimeOffset Started, string By, bool? Intact, string? Summary, long? Entries, long? Checkpoints, long? FirstBad, long? LastBad, string? Kind, IReadOnlyList<string>? Gaps, string? Trouble)
{
    public static AuditVerdictJson Of(Verification run) => new(run.IsRunning, run.Done, run.Total, run.Started, run.By.Name, run.Verdict?.IsIntact, run.Verdict?.Summary, run.Verdict?.Entries, run.Verdict?.Checkpoints,
        run.Verdict?.Fault?.First, run.Verdict?.Fault?.Last, run.Verdict?.Fault?.Kind.ToString(), run.Verdict?.Gaps, run.Trouble);
}

/// <param name="Size">Entries 1 to this number are covered.</param>
/// <param name="Note">The signed note; verify it with the key of `/api/v1/audit/trust`.</param>
public sealed record AuditCheckpointJson(long Number, long Size, DateTimeOffset Time, string Root, string Note)
{
    public static AuditCheckpointJson Of(Checkpoint checkpoint) => new(checkpoint.Number, checkpoint.Size, checkpoint.Time, checkpoint.Root.ToString(), checkpoint.Note);
}

/// <param name="Reason">What was found; stands in the log.</param>
public sealed record AuditSettlementJson(string Reason);

/// <summary>Whose personal data to erase; at least one of the last three.</summary>
/// <param name="Reason">Stands in the log: who asked for it.</param>
public sealed record AuditErasureJson(string Reason, long? Seq = null, string? Actor = null, string? Subject = null);

/// <param name="OlderThanDays">Age of a segment's last entry.</param>
/// <param name="Delete">True: not archived, deleted for good.</param>
public sealed record AuditRetirementJson(double OlderThanDays, bool Delete = false);

internal static class AuditApi
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/audit", ListAsync).Requires(Act.ViewAudit).WithinGroups().Produces<AuditListJson>().WithSummary("Audit entries, newest first, by type, actor, subject, action, outcome, reason, time and text.");
        api.MapGet("/audit/{sequence:long}", FindAsync).Requires(Act.ViewAudit).WithinGroups().Produces<AuditEntryJson>().ProducesProblem(404).WithSummary("One audit entry.");
        api.MapGet("/audit/{sequence:long}/proof", ProveAsync).Requires(Act.ViewAudit).WithinGroups().Produces<AuditProofJson>().ProducesProblem(404).WithSummary("That the entry stands in the signed log: hashes from its leaf to the root of the latest checkpoint.");
        api.MapPost("/audit/verify", VerifyAsync).Requires(Act.VerifyAudit).WithinGroups().Produces<AuditVerdictJson>().WithSummary("Signs a checkpoint and verifies the whole log up to it. With wait=false it answers at once: ask GET /audit/verify how far it is.");
        api.MapGet("/audit/verify", (CommandCenter center) => center.AuditDesk.Latest is { } run ? Results.Ok(AuditVerdictJson.Of(run)) : Problems.NotFound("verification since the start")).Requires(Act.VerifyAudit).WithinGroups()
            .Produces<AuditVerdictJson>().ProducesProblem(404).WithSummary("The verification that runs or ran last.");
        api.MapPost("/audit/checkpoint", async (CommandCenter center, HttpContext context) => Problems.Answer(await center.AuditDesk.CheckpointAsync(context.Actor(), context.RequestAborted), c => Results.Ok(AuditCheckpointJson.Of(c))))
            .Requires(Act.VerifyAudit).WithinGroups().Produces<AuditCheckpointJson>().WithSummary("Signs a checkpoint over everything up to now.");
        api.MapGet("/audit/checkpoint", (CommandCenter center) => center.Audit.LatestCheckpoint is { } latest ? Results.Ok(AuditCheckpointJson.Of(latest)) : Problems.NotFound("checkpoint yet")).Requires(Act.ViewAudit).WithinGroups()
            .Produces<AuditCheckpointJson>().ProducesProblem(404).WithSummary("The latest signed checkpoint.");
        api.MapGet("/audit/consistency", ProveConsistencyAsync).Requires(Act.ViewAudit).WithinGroups().Produces<object>().WithSummary("RFC 9162 consistency proof between two tree sizes: that the later one only added to the earlier one.");
        api.MapGet("/audit/trust", (CommandCenter center) => Results.Text(center.Audit.TrustPem, "application/x-pem-file")).Requires(Act.ViewAudit).WithinGroups().Produces<string>(200, "application/x-pem-file").WithSummary("The public key of the checkpoints, PEM: what an auditor trusts.");
        api.MapGet("/audit/export", ExportAsync).Requires(Act.ExportAudit).Produces<string>(200, "application/x-ndjson", "text/csv", "text/plain").WithSummary("The log, or the entries a filter wants: form ndjson (with proofs, verifiable offline), csv or syslog (RFC 5424).");
        api.MapPost("/audit/erase", EraseAsync).Requires(Act.ErasePersonalData).Confirmed().Produces<Erasure>().WithSummary("Erases personal data beside entries; the entries and every proof stay.");
        api.MapPost("/audit/retire", RetireAsync).Requires(Act.RetireAudit).Confirmed().Produces<object>().WithSummary("Takes sealed segments out of the database, to the archive or for good; every remaining proof stays valid.");
        api.MapGet("/audit/witnesses", ListWitnessesAsync).Requires(Act.ViewAudit).WithinGroups().Produces<object>().WithSummary("What each device has cosigned of the log and raised about it, and how many entries a quorum confirms.");
        api.MapPost("/audit/witnesses/{device}/settle", SettleAsync).Requires(Act.AcknowledgeAlert).WithinGroups().Produces<WitnessRecord>().ProducesProblem(404).WithSummary("A person has looked at a device's alarm; the reason stands in the log.");
        api.MapGet("/audit/segments", (CommandCenter center) => Results.Ok(new { retired = center.Audit.Retired, segments = center.Audit.Segments.Select(s => new { s.First, s.Last, file = Path.GetFileName(s.Path) }) }))
            .Requires(Act.ViewAudit).WithinGroups().Produces<object>().WithSummary("Sealed segments, oldest first.");
    }

    internal static string? Wrong(string? type) => type is null || AuditTypes.All.Contains(type) ? null : $"There is no event type of that name. Types: {string.Join(", ", AuditTypes.All)}.";

    private static async Task<IResult> ListAsync(
        CommandCenter center, HttpContext context, CancellationToken stop, string? type = null, string? actor = null, string? subject = null, string? action = null, string? outcome = null, string? reason = null,
        string? text = null, DateTimeOffset? from = null, DateTimeOffset? to = null, long? before = null, int? limit = null)
    {
        if (Wrong(type) is { } wrong) return Problems.BadInput(wrong);
        var page = await center.Audit.QueryAsync(context.Sight(center).Within(new()
        {
            Type = type, Actor = actor, Subject = subject, Action = action, Outcome = outcome, Reason = reason, Text = text, From = from, To = to, Before = before, Limit = ApiRoutes.Limit(limit),
        }), stop);
        return Results.Ok(new AuditListJson([.. page.Entries.Select(AuditEntryJson.Of)], page.Next, page.Reached, page.Size, center.Audit.Retired));
    }

    private static async Task<IResult> FindAsync(long sequence, CommandCenter center, HttpContext context, CancellationToken stop)
        => await context.Sight(center).EntryAsync(sequence, stop) is { } entry ? Results.Ok(AuditEntryJson.Of(entry)) : Problems.NotFound("audit entry with this number");

    private static async Task<IResult> ProveAsync(long sequence, CommandCenter center, HttpContext context, CancellationToken stop)
    {
        if (await context.Sight(center).EntryAsync(sequence, stop) is not { } entry) return Problems.NotFound("audit entry with this number");
        if (await center.Audit.ProveAsync(sequence, stop) is not { } proof) return Problems.NotFound("checkpoint over this entry yet: one is signed within seconds");
        return Results.Ok(new AuditProofJson(sequence, Text(MerkleTree.LeafHash(entry.Body.Span)), [.. proof.Path.Select(Text)], proof.Checkpoint.Note));
    }

    private static async Task<IResult> ProveConsistencyAsync(CommandCenter center, long from, long? to = null, CancellationToken stop = default)
    {
        if (center.Audit.LatestCheckpoint is not { } latest) return Problems.NotFound("checkpoint yet");
        var size = to ?? latest.Size;
        if (from < 1 || from > size || size > center.Audit.Size) return Problems.BadInput($"The log has {center.Audit.Size} entries: 1 <= from <= to <= that.");
        return Results.Ok(new { from, to = size, path = (await center.Audit.ProveConsistencyAsync(from, size, stop)).Select(Text), checkpoint = latest.Note });
    }

    private static async Task<IResult> ListWitnessesAsync(CommandCenter center, HttpContext context, int? quorum = null, CancellationToken stop = default)
    {
        if (quorum is < 1) return Problems.BadInput("A quorum is at least 1.");
        var count = await center.Witnesses.CountAsync(quorum, stop);
        var sight = context.Sight(center);
        IReadOnlyList<string> Seen(IReadOnlyList<string> devices) => [.. devices.Where(sight.Has)];
        return Results.Ok(new { reached = count.IsReached, count.Quorum, count.Confirmed, by = Seen(count.By), strangers = Seen(count.Strangers), alarms = Seen(count.Alarms), known = count.Witnesses, size = center.Audit.Size, witnesses = sight.Witnesses() });
    }

    private static async Task<IResult> SettleAsync(string device, AuditSettlementJson wanted, CommandCenter center, HttpContext context)
        => string.IsNullOrWhiteSpace(wanted.Reason) ? Problems.BadInput("Say what was found: the reason stands in the log.")
            : !context.Sight(center).Has(device) ? Problems.NotFound("such alarm") : Problems.Answer(await center.Witnesses.SettleAsync(device, wanted.Reason, context.Actor(), context.RequestAborted), Results.Ok);

    private static async Task<IResult> VerifyAsync(CommandCenter center, HttpContext context, bool wait = true)
    {
        var started = await center.AuditDesk.VerifyAsync(context.Actor(), context.RequestAborted);
        if (!started.TryGet(out var run, out var refusal)) return Problems.Of(refusal);
        if (wait) await run.Completed.WaitAsync(context.RequestAborted);
        return Results.Ok(AuditVerdictJson.Of(run));
    }

    private static async Task<IResult> ExportAsync(
        CommandCenter center, HttpContext context, string form = "ndjson", string? type = null, string? actor = null, string? subject = null, string? action = null, string? outcome = null, string? reason = null,
        string? text = null, DateTimeOffset? from = null, DateTimeOffset? to = null, long? seq = null)
    {
        if (Wrong(type) is { } wrong) return Problems.BadInput(wrong);
        if (!Enum.TryParse<ExportForm>(form, ignoreCase: true, out var wanted) || !Enum.IsDefined(wanted)) return Problems.BadInput("The form is ndjson, csv or syslog.");
        var filter = new AuditFilter { Type = type, Actor = actor, Subject = subject, Action = action, Outcome = outcome, Reason = reason, Text = text, From = from, To = to, Sequence = seq };
        var whole = filter == new AuditFilter();
        var permit = await center.AuditDesk.PermitExportAsync(context.Actor(), wanted, whole ? null : filter, context.RequestAborted);
        if (!permit.TryGet(out _, out var refusal)) return Problems.Of(refusal);
        context.Response.ContentType = wanted switch { ExportForm.Csv => "text/csv; charset=utf-8", ExportForm.Syslog => "text/plain; charset=utf-8", _ => "application/x-ndjson" };
        var ending = wanted switch { ExportForm.Csv => "csv", ExportForm.Syslog => "log", _ => "ndjson" };
        context.Response.Headers.ContentDisposition = string.Create(CultureInfo.InvariantCulture, $"attachment; filename=\"signet-audit-{center.Time.GetUtcNow():yyyyMMdd-HHmmss}.{ending}\"");
        // Lines are written as they are read, on a thread of their own.
        context.Features.GetRequiredFeature<IHttpBodyControlFeature>().AllowSynchronousIO = true;
        await center.AuditDesk.ExportAsync(context.Response.Body, wanted, whole ? null : filter, Environment.MachineName, context.RequestAborted);
        return Results.Empty;
    }

    private static async Task<IResult> EraseAsync(AuditErasureJson wanted, CommandCenter center, HttpContext context)
    {
        if (string.IsNullOrWhiteSpace(wanted.Reason)) return Problems.BadInput("Say why: the reason stands in the log.");
        return Problems.Answer(await center.AuditDesk.EraseAsync(new AuditFilter { Sequence = wanted.Seq, Actor = wanted.Actor, Subject = wanted.Subject }, wanted.Reason, context.Actor(), context.RequestAborted), Results.Ok);
    }

    private static async Task<IResult> RetireAsync(AuditRetirementJson wanted, CommandCenter center, HttpContext context)
    {
        if (wanted.OlderThanDays is < 0 or > 36_500) return Problems.BadInput("olderThanDays is a number from 0 to 36500.");
        var archive = wanted.Delete ? null : center.Options.Audit.Archive(center.Installation);
        return Problems.Answer(await center.AuditDesk.RetireAsync(TimeSpan.FromDays(wanted.OlderThanDays), archive, context.Actor(), context.RequestAborted),
            done => Results.Ok(new { segments = done.Segments.Select(s => new { s.First, s.Last, file = wanted.Delete ? null : s.Path }), archive }));
    }

    private static string Text(Digest hash) => Base64Url.EncodeToString(hash.ToArray());
}
