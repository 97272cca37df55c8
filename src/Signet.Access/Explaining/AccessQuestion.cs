namespace Signet.Access;

/// <summary>One question to a policy, as it was asked or could be.</summary>
public sealed record AccessQuestion(Principal Principal, TopicAction Action, string Topic);

/// <summary>Questions about many askers at once.</summary>
public static class WhoCan
{
    /// <summary>Those of <paramref name="principals"/> who may, each with the rule that lets them.</summary>
    public static IEnumerable<(Principal Principal, Decision Decision)> Find(AccessPolicy policy, IEnumerable<Principal> principals, TopicAction action, string topicOrFilter)
        => principals.Select(p => (p, policy.Decide(p, action, topicOrFilter))).Where(x => x.Item2.Allowed);
}
