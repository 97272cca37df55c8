using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Audit;
using Signet.Control;

namespace Signet.Web.Api;

/// <summary>An audit entry, as the API shows it.</summary>
/// <param name="Personal">Facts about a person that can be erased; null when there are none (any more).</param>
public sealed record AuditEntryJson(long Seq, DateTimeOffset Time, string Type, string Actor, string Subject, string Action, string Outcome, string Reason, JsonObject Details, JsonObject? Personal)
{
    public static AuditEntryJson Of(AuditEntry entry)
        => new(entry.Sequence, entry.Time, entry.Type, entry.Actor, entry.Subject, entry.Action, entry.Outcome, entry.Reason, entry.Details, entry.Personal);
}

/// <param name="Next">For `before`; null at the end. A page may be short, even empty, and still have a next one: a search looks at a bounded number of entries.</param>
public sealed record AuditListJson(IReadOnlyList<AuditEntryJson> Entries, long? Next, long Size);

/// <param name="FirstBad">Number of the first entry that is wrong; null when the log is intact.</param>
public sealed record AuditVerdictJson(bool Intact, string Summary, long Entries, long Checkpoints, long? FirstBad);

internal static class AuditApi
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/audit", ListAsync).Requires(Act.ViewAudit).Produces<AuditListJson>().WithSummary("Audit entries, newest first, by type, actor, subject, action, outcome, reason, time and text.");
        api.MapGet("/audit/{sequence:long}", FindAsync).Requires(Act.ViewAudit).Produces<AuditEntryJson>().ProducesProblem(404).WithSummary("One audit entry.");
        api.MapPost("/audit/verify", VerifyAsync).Requires(Act.VerifyAudit).Produces<AuditVerdictJson>().WithSummary("Signs a checkpoint and verifies the whole log up to it.");
    }

    private static async Task<IResult> ListAsync(
        CommandCenter center, CancellationToken stop, string? type = null, string? actor = null, string? subject = null, string? action = null, string? outcome = null, string? reason = null,
        string? text = null, DateTimeOffset? from = null, DateTimeOffset? to = null, long? before = null, int? limit = null)
    {
        if (type is not null && !AuditTypes.All.Contains(type)) return Problems.BadInput($"There is no event type of that name. Types: {string.Join(", ", AuditTypes.All)}.");
        var page = await center.Audit.QueryAsync(new()
        {
            Type = type, Actor = actor, Subject = subject, Action = action, Outcome = outcome, Reason = reason, Text = text, From = from, To = to, Before = before, Limit = ApiRoutes.Limit(limit),
        }, stop);
        return Results.Ok(new AuditListJson([.. page.Entries.Select(AuditEntryJson.Of)], page.Next, page.Size));
    }

    private static async Task<IResult> FindAsync(long sequence, CommandCenter center, CancellationToken stop)
        => await center.Audit.FindAsync(sequence, stop) is { } entry ? Results.Ok(AuditEntryJson.Of(entry)) : Problems.NotFound("audit entry with this number");

    private static async Task<IResult> VerifyAsync(CommandCenter center, HttpContext context)
    {
        var verdict = await center.Audit.VerifyAsync(cancellationToken: context.RequestAborted);
        return Results.Ok(new AuditVerdictJson(verdict.IsIntact, verdict.Summary, verdict.Entries, verdict.Checkpoints, verdict.Fault?.First));
    }
}
