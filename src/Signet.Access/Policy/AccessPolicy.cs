namespace Signet.Access;

/// <summary>An immutable, versioned list of rules. Denied is the default. Safe for any number of threads.</summary>
public sealed class AccessPolicy
{
    /// <summary>The topics of the product, docs/spec/policy.md.</summary>
    public static AccessPolicy Default { get; } = null!;

    public long Version { get; }

    public Decision Decide(Principal principal, TopicAction action, ReadOnlySpan<char> topicOrFilter)
    {
        _ = (principal, action, topicOrFilter.Length);
        throw new NotSupportedException("lands next");
    }
}
