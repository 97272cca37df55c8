using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Signet.Access;
using Signet.Control;
using Signet.Web.Security;

namespace Signet.Web.Api;

/// <summary>The policy in force.</summary>
/// <param name="File">The policy file as it would be exported.</param>
/// <param name="Tests">The file of assertions it was held against, if there was one.</param>
public sealed record PolicyJson(long Version, string File, string? Tests, IReadOnlyList<PolicyVersion> History);

/// <summary>A question to the policy.</summary>
/// <param name="Who"><c>KIND:NAME</c>, or a device's name.</param>
/// <param name="Groups">In these groups, whatever the center knows.</param>
/// <param name="Policy">A policy file to ask instead of the one in force.</param>
public sealed record ExplainJson(string Who, string Action, string Topic, IReadOnlyList<string>? Groups = null, string? Policy = null);

/// <param name="Outcome"><c>decided, other-action, other-subject, other-topic, not-reached</c>.</param>
public sealed record RuleStepJson(string Rule, string Effect, string Outcome, string Why);

/// <summary>A decision taken apart.</summary>
/// <param name="Admitted">False: the asker is unknown, disabled or revoked and never gets to ask.</param>
/// <param name="Flip">The smallest change that would turn the decision round; null when nothing could.</param>
/// <param name="FlipGroup">A group whose membership would turn it round too.</param>
public sealed record ExplanationJson(string Who, IReadOnlyList<string> Groups, string Action, string Topic, bool Allowed, string Rule, long Version, bool Admitted, IReadOnlyList<RuleStepJson> Rules, string? Flip, string? FlipGroup)
{
    /// <param name="limit">See <see cref="Policies.OutOfScope"/>: the last word, after every rule.</param>
    public static ExplanationJson Of(PolicyExplanation e, bool admitted, string? limit)
    {
        var told = Of(e, admitted);
        return limit is null || !told.Allowed ? told : told with { Allowed = false, Rule = "scope", Rules = [.. told.Rules, new("scope", PolicyWords.Of(Effect.Deny), "decided", limit)], Flip = null, FlipGroup = null };
    }

    private static ExplanationJson Of(PolicyExplanation e, bool admitted) => new(
        $"{PolicyWords.Of(e.Principal.Kind)}:{e.Principal.Name}", [.. e.Principal.Groups.Order(StringComparer.Ordinal)], PolicyWords.Of(e.Action), e.Topic, e.Decision.Allowed, e.Decision.Rule, e.Decision.Version, admitted,
        [.. e.Steps.Select(s => new RuleStepJson(s.Rule.Name, PolicyWords.Of(s.Rule.Effect), System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(s.Outcome.ToString()), s.Why))], e.Flip?.Text, e.Flip?.Group);
}

public sealed record WhoCanJson(string Action, string Topic, string? Policy = null);

public sealed record WhoCanRowJson(string Who, string Rule);

public sealed record WhoCanAnswerJson(string Action, string Topic, IReadOnlyList<WhoCanRowJson> Who, int Asked);

/// <summary>Two policies: a file, or a version number; left out: the one in force.</summary>
public sealed record PolicyDiffJson(string? Before = null, string? After = null, long? BeforeVersion = null, long? AfterVersion = null);

public sealed record PolicyChangeJson(string Change, string Action, string Pattern, string Before, string After, IReadOnlyList<string> Who, int Count, string Example)
{
    public static IReadOnlyList<PolicyChangeJson> Of(IReadOnlyList<PolicyChange> changes) =>
        [.. changes.Take(ControlLimits.PolicyChangesShown).Select(c => new PolicyChangeJson(c.Gained ? "gains" : "loses", PolicyWords.Of(c.Action), c.Pattern, c.Before, c.After, c.Who, c.Count, c.Example))];
}

public sealed record PolicyDiffAnswerJson(IReadOnlyList<PolicyChangeJson> Changes, int Count);

public sealed record PolicyTestJson(string Tests, string? Policy = null);

public sealed record AssertionJson(string Name, bool Passed, string Why);

public sealed record PolicyTestAnswerJson(int Passed, int Failed, IReadOnlyList<AssertionJson> Results);

/// <param name="Tests">A file of assertions; left out: those of the policy in force.</param>
public sealed record PolicyApplyJson(string Policy, string? Tests = null);

public sealed record PolicyPreviewJson(long Version, long Base, IReadOnlyList<PolicyChangeJson> Changes, int Count, IReadOnlyList<PolicyChangeJson> Traffic, int TrafficCount, int Questions, IReadOnlyList<AssertionJson> Failed);

internal static class PolicyApi
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/policy", Show).Requires(Act.ViewPolicy).Produces<PolicyJson>().ProducesProblem(404).WithSummary("The access policy in force (or of one version) and its history.");
        api.MapPost("/policy/explain", ExplainAsync).Requires(Act.ViewPolicy).Produces<ExplanationJson>().ProducesProblem(422).WithSummary("Every rule in order, the one that decides, and the smallest change that would flip it.");
        api.MapPost("/policy/who-can", WhoCanAsync).Requires(Act.ViewPolicy).Produces<WhoCanAnswerJson>().ProducesProblem(422).WithSummary("Everybody who may, with the rule that lets them.");
        api.MapPost("/policy/diff", DiffAsync).Requires(Act.ViewPolicy).Produces<PolicyDiffAnswerJson>().ProducesProblem(422).WithSummary("Who gains and who loses which topics, with an example each.");
        api.MapPost("/policy/test", Test).Requires(Act.ViewPolicy).Produces<PolicyTestAnswerJson>().ProducesProblem(422).WithSummary("Runs a file of assertions.");
        api.MapPost("/policy/preview", PreviewAsync).Requires(Act.ViewPolicy).Produces<PolicyPreviewJson>().ProducesProblem(409).ProducesProblem(422).WithSummary("What applying a policy would do, over all principals and over the last days' real traffic.");
        api.MapPost("/policy/apply", ApplyAsync).Requires(Act.ApplyPolicy).Confirmed().Produces<PolicyApplied>().ProducesProblem(409).ProducesProblem(422).WithSummary("Applies a policy at once and everywhere.");
    }

    private static IResult Show(CommandCenter center, long? version = null)
        => center.Policies.Find(version ?? center.Policy.Version) is { } policy
            ? Results.Ok(new PolicyJson(policy.Version, Encoding.UTF8.GetString(PolicyFile.Write(policy)), version is null ? center.Policies.Assertions() : null, center.Policies.History()))
            : Problems.NotFound($"policy of version {version}");

    private static async Task<IResult> ExplainAsync(ExplainJson wanted, CommandCenter center, CancellationToken stop)
    {
        if (!PolicyWords.TryParse(wanted.Action ?? "", out TopicAction action)) return NoAction();
        if (PolicyOf(wanted.Policy, center, out var refusal) is not { } policy) return Problems.Of(refusal!);
        var principal = await center.Policies.PrincipalAsync(wanted.Who ?? "", wanted.Groups, stop);
        return Results.Ok(ExplanationJson.Of(PolicyExplanation.Of(policy, principal, action, wanted.Topic ?? ""), center.Policies.IsAdmitted(principal), center.Policies.OutOfScope(principal, action, wanted.Topic ?? "")));
    }

    private static async Task<IResult> WhoCanAsync(WhoCanJson wanted, CommandCenter center, CancellationToken stop)
    {
        if (!PolicyWords.TryParse(wanted.Action ?? "", out TopicAction action)) return NoAction();
        if (PolicyOf(wanted.Policy, center, out var refusal) is not { } policy) return Problems.Of(refusal!);
        var principals = await center.Policies.PrincipalsAsync(stop);
        return Results.Ok(new WhoCanAnswerJson(wanted.Action!, wanted.Topic ?? "",
            [.. WhoCan.Find(policy, principals, action, wanted.Topic ?? "").Where(x => center.Policies.OutOfScope(x.Principal, action, wanted.Topic ?? "") is null).Select(x => new WhoCanRowJson($"{PolicyWords.Of(x.Principal.Kind)}:{x.Principal.Name}", x.Decision.Rule))], principals.Count));
    }

    private static async Task<IResult> DiffAsync(PolicyDiffJson wanted, CommandCenter center, CancellationToken stop)
    {
        if (PolicyOf(wanted.Before, wanted.BeforeVersion, center, out var refusal) is not { } before) return Problems.Of(refusal!);
        if (PolicyOf(wanted.After, wanted.AfterVersion, center, out refusal) is not { } after) return Problems.Of(refusal!);
        var changes = await center.Policies.DiffAsync(before, after, stop);
        return Results.Ok(new PolicyDiffAnswerJson(PolicyChangeJson.Of(changes), changes.Count));
    }

    private static IResult Test(PolicyTestJson wanted, CommandCenter center)
    {
        if (PolicyOf(wanted.Policy, center, out var refusal) is not { } policy) return Problems.Of(refusal!);
        if (!PolicyAssertions.TryRead(Encoding.UTF8.GetBytes(wanted.Tests ?? ""), out var tests, out var errors)) return Problems.BadInput("These are no assertions: " + string.Join("; ", errors.Take(10)));
        var results = PolicyAssertions.Run(policy, tests);
        return Results.Ok(new PolicyTestAnswerJson(results.Count(r => r.Passed), results.Count(r => !r.Passed), [.. results.Select(r => new AssertionJson(r.Assertion.Name, r.Passed, r.Why))]));
    }

    private static async Task<IResult> PreviewAsync(PolicyApplyJson wanted, CommandCenter center, CancellationToken stop)
        => Problems.Answer(await center.Policies.PreviewAsync(Encoding.UTF8.GetBytes(wanted.Policy ?? ""), Bytes(wanted.Tests), stop), p => Results.Ok(new PolicyPreviewJson(
            p.Policy.Version, p.Base, PolicyChangeJson.Of(p.Changes), p.Changes.Count, PolicyChangeJson.Of(p.Traffic), p.Traffic.Count, p.Questions,
            [.. p.Assertions.Where(a => !a.Passed).Select(a => new AssertionJson(a.Assertion.Name, false, a.Why))])));

    private static async Task<IResult> ApplyAsync(PolicyApplyJson wanted, CommandCenter center, HttpContext context)
        => Problems.Answer(await center.Policies.ApplyAsync(Encoding.UTF8.GetBytes(wanted.Policy ?? ""), Bytes(wanted.Tests), context.Actor(), context.RequestAborted), Results.Ok);

    private static ReadOnlyMemory<byte>? Bytes(string? text) => text is null ? (ReadOnlyMemory<byte>?)null : Encoding.UTF8.GetBytes(text);

    private static AccessPolicy? PolicyOf(string? file, CommandCenter center, out Refusal? refusal) => PolicyOf(file, null, center, out refusal);

    private static AccessPolicy? PolicyOf(string? file, long? version, CommandCenter center, out Refusal? refusal)
    {
        if (file is not null) return Policies.Read(Encoding.UTF8.GetBytes(file), out refusal);
        var found = center.Policies.Find(version ?? center.Policy.Version);
        refusal = found is null ? new(RefusalCode.NotFound, $"there was no policy of version {version}") : null;
        return found;
    }

    private static IResult NoAction() => Problems.BadInput($"`action` is one of {PolicyWords.All<TopicAction>()}.");
}
