using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Api;

internal static class StatusApi
{
    public static void Map(RouteGroupBuilder api)
        => api.MapGet("/status", (CommandCenter center, HttpContext context) => Results.Ok(context.Sight(center).Status())).Requires(Act.ViewFleet).WithinGroups().Produces<CenterStatus>().WithSummary("Is everything well?");
}

/// <summary>For load balancers and process supervisors: no detail, no sign-in.</summary>
internal static class HealthApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthz/live", () => Results.Json(new { status = "alive" })).WithMetadata(new PublicAttribute()).ExcludeFromDescription();
        routes.MapGet("/healthz/ready", Ready).WithMetadata(new PublicAttribute()).ExcludeFromDescription();
    }

    // Which part is down is said in one word each: a supervisor needs it, and it tells a stranger nothing he could use.
    private static IResult Ready(CommandCenter center)
    {
        var status = center.Status();
        if (status.IsReady) return Results.Json(new { status = "ready" });
        string[] waiting = [.. new[] { ("broker", status.Broker.Listening), ("link", status.Broker.Linked), ("intake", status.Intake), ("database", status.Database.IsReady), ("audit", status.Audit.Writable), ("draining", !status.Draining) }.Where(p => !p.Item2).Select(p => p.Item1)];
        return Results.Json(new { status = "not-ready", waiting }, statusCode: StatusCodes.Status503ServiceUnavailable);
    }
}
