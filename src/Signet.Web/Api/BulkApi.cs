using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Pki;
using Signet.Web.Security;

namespace Signet.Web.Api;

/// <summary>One change to many devices.</summary>
/// <param name="Devices">Names, <c>group:NAME</c>, <c>tag:NAME</c>, <c>kind:KIND</c>, <c>search:WORD</c> or <c>all</c>; several with commas between.</param>
/// <param name="Change"><c>add-tag, remove-tag, add-group, remove-group, quarantine, release, rotate</c>.</param>
/// <param name="Value">The tag or group.</param>
public sealed record BulkChangeJson(string Devices, BulkChange Change, string? Value = null);

/// <param name="Devices">As above.</param>
/// <param name="Reason">Of RFC 5280, section 5.3.1.</param>
public sealed record BulkRevocationJson(string Devices, RevocationReason Reason = RevocationReason.CessationOfOperation);

internal static class BulkApi
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapPost("/bulk-changes", ChangeAsync).Requires(Act.QuarantineDevice).WithinGroups().Produces<BulkReport>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(422)
            .WithSummary("One change to every device of a selection, at most 1000, with an answer for each. Everything but `quarantine` needs an administrator. `Idempotency-Key` is remembered for seven days: the same change again gets the first report.");
        api.MapPost("/bulk-changes/revoke", RevokeAsync).Requires(Act.RevokeCertificate).Confirmed().Produces<BulkReport>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(422)
            .WithSummary("Revokes all certificates of every device of a selection, for good.");
    }

    private static async Task<IResult> ChangeAsync(BulkChangeJson wanted, CommandCenter center, HttpContext context, [FromHeader(Name = CommandsApi.IdempotencyKey)] string? idempotencyKey = null)
        => wanted.Change == BulkChange.Revoke ? Problems.BadInput($"Revoking has a route of its own: {ApiRoutes.Prefix}/bulk-changes/revoke.")
            : Problems.Answer(await center.Bulk.ChangeAsync(new(wanted.Devices ?? "", wanted.Change, wanted.Value, idempotencyKey), context.Actor(), context.RequestAborted), Results.Ok);

    private static async Task<IResult> RevokeAsync(BulkRevocationJson wanted, CommandCenter center, HttpContext context, [FromHeader(Name = CommandsApi.IdempotencyKey)] string? idempotencyKey = null)
        => Problems.Answer(await center.Bulk.ChangeAsync(new(wanted.Devices ?? "", BulkChange.Revoke, null, idempotencyKey) { Reason = wanted.Reason }, context.Actor(), context.RequestAborted), Results.Ok);
}
