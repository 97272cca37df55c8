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
        => api.MapGet("/status", (CommandCenter center) => Results.Ok(center.Status())).Requires(Act.ViewFleet).Produces<CenterStatus>().WithSummary("Is everything well?");
}

/// <summary>For load balancers and process supervisors: no detail, no sign-in.</summary>
internal static class HealthApi
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthz/live", () => Results.Json(new { status = "alive" })).WithMetadata(new PublicAttribute()).ExcludeFromDescription();
        routes.MapGet("/healthz/ready", (CommandCenter center) => center.Status().IsReady
            ? Results.Json(new { status = "ready" })
            : Results.Json(new { status = "not-ready" }, statusCode: StatusCodes.Status503ServiceUnavailable)).WithMetadata(new PublicAttribute()).ExcludeFromDescription();
    }
}
