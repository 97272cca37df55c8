using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Api;

/// <summary>A command to send.</summary>
/// <param name="Arguments">Left out: none.</param>
/// <param name="NotBefore">Not to be sent earlier; left out: at once.</param>
/// <param name="WaitSeconds">How long it may wait for its device; left out: a device that is not there is refused at once.</param>
public sealed record NewCommandJson(string Device, string Command, JsonObject? Arguments = null, DateTimeOffset? NotBefore = null, long? WaitSeconds = null);

public sealed record ProposalListJson(IReadOnlyList<Proposal> Proposals);

/// <param name="Approval">Compact JWS of the kind signet-approval+jwt.</param>
public sealed record ApprovalJson(string Approval);

internal static class CommandsApi
{
    public const string IdempotencyKey = "Idempotency-Key";

    public static void Map(RouteGroupBuilder api)
    {
        api.MapPost("/commands", SendAsync).Requires(Act.SendCommand).WithinGroups().Produces<CommandView>(201).ProducesProblem(403).ProducesProblem(409).ProducesProblem(422).ProducesProblem(503)
            .WithSummary("Signs, records and publishes a command. `wait` (seconds, at most 60) answers when it is settled, or as it stands by then.");
        api.MapPost("/commands/{id}/cancel", CancelAsync).Requires(Act.CancelCommand).WithinGroups().Produces<CommandView>().ProducesProblem(404).ProducesProblem(409).WithSummary("Takes back a command that has not left the center.");
        api.MapGet("/approvals", async (CommandCenter center, HttpContext context, CancellationToken stop, string? id = null) => Results.Ok(new ProposalListJson(id is null ? await context.Sight(center).OpenProposalsAsync(stop) : await context.Sight(center).ProposalsOfAsync(id, stop))))
            .Requires(Act.ViewCommands).WithinGroups().Produces<ProposalListJson>().WithSummary("What waits for people's approval; with `id` (of a command, a rollout or a proposal) what that waits for.");
        api.MapPost("/approvals/{proposal}", async (string proposal, ApprovalJson approval, CommandCenter center, HttpContext context) => Problems.Answer(await center.Commands.ApproveAsync(proposal, approval.Approval, context.Actor(), context.RequestAborted), Results.Ok))
            .Requires(Act.ApproveCommand).WithinGroups().Produces<Proposal>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(422).WithSummary("Hands in a person's signed approval (compact JWS). Who approved is who signed.");
        api.MapGet("/commands", ListAsync).Requires(Act.ViewCommands).WithinGroups().Produces<CommandPage>().WithSummary("Commands, newest first. `before` takes the `next` of the page before.");
        api.MapGet("/commands/{id}", FindAsync).Requires(Act.ViewCommands).WithinGroups().Produces<CommandView>().ProducesProblem(404).WithSummary("One command; `wait` as above.");
        api.MapGet("/commands/{id}/receipt", ReceiptAsync).Requires(Act.ExportReceipt).WithinGroups().Produces(200, contentType: "application/json").ProducesProblem(404)
            .WithSummary("The command's proof: check it offline with `signet receipt verify`.");
    }

    private static async Task<IResult> SendAsync(
        NewCommandJson command, CommandCenter center, HttpContext context, [FromHeader(Name = IdempotencyKey)] string? idempotencyKey = null, double? wait = null)
    {
        if (idempotencyKey is { Length: 0 or > WebLimits.IdempotencyKeyLength }) return Problems.BadInput($"{IdempotencyKey} takes 1 to {WebLimits.IdempotencyKeyLength} characters.");
        if (wait is not null && Seconds(wait) is null) return BadWait();
        var sent = await center.Commands.SendAsync(new(command.Device, command.Command, command.Arguments, idempotencyKey, command.NotBefore, RolloutsApi.Wait(command.WaitSeconds)), context.Actor(), context.RequestAborted);
        if (!sent.TryGet(out var view, out var refusal)) return Problems.Of(refusal);
        if (Seconds(wait) is { } seconds) view = await center.Commands.WaitAsync(view.Id, seconds, context.RequestAborted) ?? view;
        return Results.Created($"{ApiRoutes.Prefix}/commands/{view.Id}", view);
    }

    private static async Task<IResult> CancelAsync(string id, CommandCenter center, HttpContext context)
        => await context.Sight(center).CommandAsync(id, context.RequestAborted) is null ? NoSuch() : Problems.Answer(await center.Commands.CancelAsync(id, context.Actor(), context.RequestAborted), Results.Ok);

    private static async Task<IResult> ListAsync(CommandCenter center, HttpContext context, CancellationToken stop, string? device = null, string? state = null, string? by = null, string? rollout = null, string? before = null, int? limit = null)
        => state is not null && !CommandStates.TryParse(state, out _)
            ? Problems.BadInput($"There is no command state of that name. States: {string.Join(", ", Enum.GetValues<CommandState>().Select(s => s.Name()))}.")
            : Results.Ok(await context.Sight(center).CommandsAsync(new() { Device = device, State = state, By = by, Rollout = rollout, Before = before, Limit = ApiRoutes.Limit(limit) }, stop));

    private static async Task<IResult> FindAsync(string id, CommandCenter center, HttpContext context, CancellationToken stop, double? wait = null)
    {
        if (wait is not null && Seconds(wait) is null) return BadWait();
        var sight = context.Sight(center);
        // Looked at first: how long it takes would tell that there is something to wait for.
        var view = await sight.CommandAsync(id, stop);
        if (view is not null && Seconds(wait) is { } seconds) view = await center.Commands.WaitAsync(id, seconds, stop);
        return view is null || !sight.Sees(view) ? NoSuch() : Results.Ok(view);
    }

    private static IResult NoSuch() => Problems.NotFound("command with this id");

    private static async Task<IResult> ReceiptAsync(string id, CommandCenter center, HttpContext context)
        => await context.Sight(center).CommandAsync(id, context.RequestAborted) is null ? NoSuch() : Problems.Answer(await center.Commands.ExportReceiptAsync(id, context.Actor(), context.RequestAborted),
            file => Results.File(file.Json.ToArray(), "application/json", $"receipt-{file.Id}.json"));

    private static TimeSpan? Seconds(double? wait) => wait is >= 0 and <= WebLimits.LongestWaitSeconds ? TimeSpan.FromSeconds(wait.Value) : null;

    private static IResult BadWait() => Problems.BadInput($"`wait` takes 0 to {WebLimits.LongestWaitSeconds} seconds.");
}
