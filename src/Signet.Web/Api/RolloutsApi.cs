using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Api;

/// <summary>One command for many devices.</summary>
/// <param name="Devices">Names, <c>group:NAME</c>, <c>tag:NAME</c>, <c>kind:KIND</c>, <c>search:WORD</c> or <c>all</c>; several with commas between.</param>
/// <param name="NotBefore">Left out: at once.</param>
/// <param name="WaitSeconds">How long each may wait for its device; left out: devices that are not there are left out.</param>
/// <param name="PerMinute">0 or left out: all at once.</param>
/// <param name="StopShare">0 to 1; left out: never stops by itself.</param>
public sealed record NewRolloutJson(
    string Devices, string Command, JsonObject? Arguments = null, DateTimeOffset? NotBefore = null, long? WaitSeconds = null, int PerMinute = 0, double StopShare = 1);

public sealed record RolloutListJson(IReadOnlyList<Rollout> Rollouts);

internal static class RolloutsApi
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapPost("/rollouts", StartAsync).Requires(Act.SendCommand).WithinGroups().Produces<Rollout>(201).ProducesProblem(404).ProducesProblem(409).ProducesProblem(422)
            .WithSummary("One command to every device of a selection, at a pace, with an error share that stops it.");
        api.MapGet("/rollouts", async (CommandCenter center, HttpContext context, CancellationToken stop, int? limit = null) => Results.Ok(new RolloutListJson(await context.Sight(center).RolloutsAsync(ApiRoutes.Limit(limit), stop))))
            .Requires(Act.ViewCommands).WithinGroups().Produces<RolloutListJson>().WithSummary("Rollouts, newest first.");
        api.MapGet("/rollouts/{id}", async (string id, CommandCenter center, HttpContext context, CancellationToken stop) => await context.Sight(center).RolloutAsync(id, stop) is { } found ? Results.Ok(found) : NoSuch())
            .Requires(Act.ViewCommands).WithinGroups().Produces<Rollout>().ProducesProblem(404).WithSummary("One rollout with its progress.");
        api.MapPost("/rollouts/{id}/cancel", async (string id, CommandCenter center, HttpContext context) => await context.Sight(center).RolloutAsync(id, context.RequestAborted) is null ? NoSuch() : Problems.Answer(await center.Commands.CancelRolloutAsync(id, context.Actor(), context.RequestAborted), Results.Ok))
            .Requires(Act.CancelCommand).WithinGroups().Produces<Rollout>().ProducesProblem(404).WithSummary("Withdraws what has not left yet.");
    }

    private static IResult NoSuch() => Problems.NotFound("rollout with this id");

    public static TimeSpan? Wait(long? seconds) => seconds is { } given ? TimeSpan.FromSeconds(Math.Clamp(given, 0, (long)ControlLimits.LongestWait.TotalSeconds + 1)) : null;

    private static async Task<IResult> StartAsync(NewRolloutJson wanted, CommandCenter center, HttpContext context, [FromHeader(Name = CommandsApi.IdempotencyKey)] string? idempotencyKey = null)
        => Problems.Answer(await center.Commands.SendManyAsync(
            new(wanted.Devices, wanted.Command, wanted.Arguments, wanted.NotBefore, Wait(wanted.WaitSeconds), wanted.PerMinute, wanted.StopShare, idempotencyKey), context.Actor(), context.RequestAborted),
            started => Results.Created($"{ApiRoutes.Prefix}/rollouts/{started.Id}", started));
}
