using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Api;

public sealed record SessionListJson(IReadOnlyList<BrokerSession> Sessions, string? Next);

/// <summary>Whose sessions to close.</summary>
/// <param name="Client">One client id of the identity; left out: all.</param>
public sealed record KickJson(string Identity, string? Client = null);

/// <summary>Counters and the latest refusals.</summary>
public sealed record BrokerJson(BrokerTotals Totals, IReadOnlyList<Denial> Denials);

internal static class BrokerApi
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/sessions", ListSessions).Requires(Act.ViewBroker).WithinGroups().Produces<SessionListJson>()
            .WithSummary("Sessions on the broker, open or resumable.");
        api.MapPost("/sessions/kick", KickAsync).Requires(Act.KickSession).WithinGroups().Produces<KickResult>().ProducesProblem(404).WithSummary("Closes the sessions of an identity, or one of them.");
        api.MapGet("/broker", (CommandCenter center, HttpContext context) => Results.Ok(new BrokerJson(context.Sight(center).Totals(), context.Sight(center).Denials()))).Requires(Act.ViewBroker).WithinGroups().Produces<BrokerJson>()
            .WithSummary("The broker's counters and its latest refusals with their reasons.");
    }

    private static IResult ListSessions(CommandCenter center, HttpContext context, string? after = null, int? limit = null)
    {
        static string Place(BrokerSession session) => Paging.Place(session.Identity, session.Client);
        var (rows, next) = Paging.Page(context.Sight(center).Sessions().OrderBy(Place, StringComparer.Ordinal), Place, after, limit);
        return Results.Ok(new SessionListJson(rows, next));
    }

    private static async Task<IResult> KickAsync(KickJson wanted, CommandCenter center, HttpContext context)
        => Problems.Answer(await center.Broker.KickAsync(wanted.Identity, wanted.Client, context.Actor(), context.RequestAborted), Results.Ok);
}
