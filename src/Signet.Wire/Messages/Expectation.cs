namespace Signet.Wire;

/// <summary>What a receiver holds a message against.</summary>
public sealed record Expectation
{
    /// <summary>The keys it trusts, each pinned to its owner and algorithm.</summary>
    public required KeyRing Keys { get; init; }

    /// <summary>Its own name. Commands and receipts carry an audience and need this; telemetry and status have none.</summary>
    public string? Audience { get; init; }

    /// <summary>The topic the bytes arrived on.</summary>
    public required string Topic { get; init; }

    /// <summary>The receiver's clock.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>Oldest <c>iat</c> taken. <see cref="AnyAge"/> for messages that may wait (receipts, retained status and last wills): their freshness comes from elsewhere (docs/spec/replay.md).</summary>
    public TimeSpan MaximumAge { get; init; } = WireLimits.MaximumAge;

    /// <summary>How far ahead of <see cref="Now"/> an <c>iat</c> may be.</summary>
    public TimeSpan MaximumSkew { get; init; } = WireLimits.MaximumSkew;

    /// <summary>False for a receiver whose clock cannot be believed: times and validity are then not judged, and freshness must come from elsewhere (a boot nonce).</summary>
    public bool HasClock { get; init; } = true;

    /// <summary>No bound on the age.</summary>
    public static readonly TimeSpan AnyAge = TimeSpan.MaxValue;
}
