using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace Signet.Access;

/// <summary>What a policy must answer; kept in a file beside it and run before it is applied.</summary>
/// <param name="Rule">The rule that must decide; null: any.</param>
public sealed record PolicyAssertion(string Name, AccessQuestion Question, bool Allowed, string? Rule);

/// <param name="Why">Empty when it passed.</param>
public sealed record AssertionResult(PolicyAssertion Assertion, bool Passed, string Why);

/// <summary>Reads and runs files of assertions: docs/spec/policy.md, "Assertions".</summary>
public static class PolicyAssertions
{
    /// <param name="errors">Everything that is wrong; empty when the file was read.</param>
    public static bool TryRead(ReadOnlyMemory<byte> utf8, [NotNullWhen(true)] out IReadOnlyList<PolicyAssertion>? assertions, out IReadOnlyList<PolicyFault> errors)
    {
        assertions = null;
        var found = new List<PolicyFault>();
        errors = found;
        if (!PolicyFile.TryParse(utf8, found, out var document)) return false;
        using (document)
        {
            var root = new StrictObject(document.RootElement, "$", found);
            var read = root.List("tests").Select((test, i) => Assertion(new(test, $"$.tests[{i}]", found))).ToList();
            root.RefuseOthers();
            if (found.Count > 0) return false;
            assertions = read!;
            return true;
        }
    }

    public static IReadOnlyList<AssertionResult> Run(AccessPolicy policy, IEnumerable<PolicyAssertion> assertions) => [.. assertions.Select(a => Run(policy, a))];

    private static AssertionResult Run(AccessPolicy policy, PolicyAssertion assertion)
    {
        var decision = policy.Decide(assertion.Question.Principal, assertion.Question.Action, assertion.Question.Topic);
        if (decision.Allowed != assertion.Allowed) return new(assertion, false, $"it is {(decision.Allowed ? "allowed" : "denied")} by {decision.Rule}");
        return assertion.Rule is { } rule && decision.Rule != rule ? new(assertion, false, $"{decision.Rule} decides, not {rule}") : new(assertion, true, "");
    }

    private static PolicyAssertion? Assertion(StrictObject json)
    {
        var name = json.Text("name");
        var who = json.Text("who");
        var groups = json.Has("groups") ? json.Texts("groups") : [];
        TopicAction action = default;
        if (json.Text("action") is { } word && !PolicyWords.TryParse(word, out action)) json.Complain("action", $"is \"{word}\"; it is one of {PolicyWords.All<TopicAction>()}");
        var topic = json.Text("topic");
        var effect = Effect.Deny;
        if (json.Text("expect") is { } expected && !PolicyWords.TryParse(expected, out effect)) json.Complain("expect", $"is \"{expected}\"; it is one of {PolicyWords.All<Effect>()}");
        var rule = json.Has("rule") ? json.Text("rule") : null;
        json.RefuseOthers();
        if (name is null || who is null || topic is null) return null;
        var (kind, principal) = PolicyWords.Principal(who);
        return new(name, new(new(principal, kind, groups.ToFrozenSet(StringComparer.Ordinal)), action, topic), effect == Effect.Allow, rule);
    }
}
