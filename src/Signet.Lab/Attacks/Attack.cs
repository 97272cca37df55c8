namespace Signet.Lab;

/// <summary>What an attack goes for. Its refusal must come from there: one by an earlier layer does not count.</summary>
public enum AttackLayer
{
    Network = 1,
    Broker = 2,
    Message = 3,
    People = 4,
    Log = 5,
    Supply = 6,
}

/// <summary>How an attack ended in one house. Names on paper: <c>succeeded, blocked, not-applicable, not-run</c>.</summary>
public enum StrikeResult
{
    Succeeded = 1,
    Blocked = 2,
    NotApplicable = 3,
    NotRun = 4,
}

/// <summary>One attack's end in one house.</summary>
/// <param name="Reason">The house's own word for the refusal; what happened, if it succeeded; why not, if it did not run.</param>
/// <param name="Attempts">How often it was tried.</param>
public sealed record Strike(StrikeResult Result, string Reason, int Attempts = 1)
{
    public static Strike Succeeded(string how, int attempts = 1) => new(StrikeResult.Succeeded, how, attempts);

    public static Strike Blocked(string reason, int attempts = 1) => new(StrikeResult.Blocked, reason, attempts);

    public static Strike NotApplicable(string why) => new(StrikeResult.NotApplicable, why, 0);

    public static Strike NotRun(string why) => new(StrikeResult.NotRun, why, 0);

    /// <summary>The same attack at a receiving half, where parts can be left out, and at the house whole: both must have blocked it, and for one reason.</summary>
    public Strike Both(Strike whole, string who) => whole.Result != StrikeResult.Blocked ? whole
        : Blocked(whole.Reason == Reason ? Reason : $"{Reason}; but {who} says {whole.Reason}", Attempts + whole.Attempts);

    public string ResultName => Result switch
    {
        StrikeResult.Succeeded => "succeeded",
        StrikeResult.Blocked => "blocked",
        StrikeResult.NotApplicable => "not-applicable",
        _ => "not-run",
    };
}

/// <summary>One way to attack, and what is expected of each house.</summary>
public sealed record Attack
{
    /// <summary>Lower case with hyphens; unique.</summary>
    public required string Name { get; init; }

    public required AttackLayer Layer { get; init; }

    /// <summary>One sentence: what the attacker does.</summary>
    public required string Says { get; init; }

    /// <summary>Name of the <see cref="Lab.Control"/> that stops it; without that control it must succeed.</summary>
    public required string Control { get; init; }

    /// <summary>The reason the secure house must give.</summary>
    public required string Reason { get; init; }

    /// <summary>ATT&amp;CK for ICS techniques; each stands in the pinned list (<see cref="Coverage"/>).</summary>
    public required IReadOnlyList<string> Techniques { get; init; }

    /// <summary>Against the secure house, or the same house without one control.</summary>
    public required Func<LabContext, string?, CancellationToken, Task<Strike>> Secure { get; init; }

    /// <summary>Against the open house; null: it makes no sense there, see <see cref="WhyNotOpen"/>.</summary>
    public Func<LabContext, CancellationToken, Task<Strike>>? Open { get; init; }

    /// <summary>Why the open house cannot be attacked so: usually that there is nothing to get around.</summary>
    public string WhyNotOpen { get; init; } = "";
}

/// <summary>Something that stops attacks, and that the lab can leave out when it builds a house.</summary>
/// <param name="Name">Lower case with hyphens; unique.</param>
/// <param name="Meaning">One line.</param>
/// <param name="Requirements">Rows of the requirements and standards it meets (ETSI provisions, IEC component requirements, OWASP IoT entries), all in the pinned lists.</param>
/// <param name="LeftOut">How the lab builds a house without it: always by putting another part in, in lab code; there is no switch.</param>
public sealed record Control(string Name, AttackLayer Layer, string Meaning, IReadOnlyList<string> Requirements, string LeftOut);
