using System.Text.Json.Nodes;

namespace Signet.Control;

/// <summary>What somebody wants a device to do. Step 1 of the journey; nothing is checked yet.</summary>
/// <param name="IdempotencyKey">The same key from the same actor gives the same command, sent once. At most 128 characters; null: none.</param>
/// <param name="NotBefore">Not to be sent earlier; null: at once.</param>
/// <param name="Wait">How long it may wait for its device, from <paramref name="NotBefore"/> (or now) on; null: a device that is not there is refused at once.</param>
public sealed record CommandDraft(string Device, string Command, JsonObject? Arguments = null, string? IdempotencyKey = null, DateTimeOffset? NotBefore = null, TimeSpan? Wait = null)
{
    /// <summary>It becomes an unsigned intent that is signed when it is sent.</summary>
    public bool IsQueued => NotBefore is not null || Wait is not null;
}

/// <summary>A command at one moment, as pages, API and command line show it.</summary>
/// <param name="State">Name of a <see cref="CommandState"/>.</param>
/// <param name="Reason">Why it was rejected or cancelled; null otherwise.</param>
/// <param name="Result">What the device returned, verified; null while there is none.</param>
/// <param name="By">Who asked.</param>
/// <param name="Sent">When the broker took it.</param>
/// <param name="Delivered">When the device acknowledged it to the broker.</param>
/// <param name="Answered">When the latest receipt arrived.</param>
/// <param name="AuditEntry">Number of the audit entry that was durable before the command left, or before the intent was taken.</param>
/// <param name="Message">The signed command (compact JWS), the one the receipt answers; "" while it is an intent.</param>
/// <param name="Receipt">The device's latest signed receipt (compact JWS); null while there is none.</param>
/// <param name="NotBefore">Scheduled for then; null: at once.</param>
/// <param name="Until">May wait until then; null: it may not wait.</param>
/// <param name="Rollout">The rollout it belongs to; null: none.</param>
/// <param name="Proposal">What people are asked to approve before it goes; null: nothing.</param>
/// <param name="Attempts">How often it was signed; above 1 only when it was certain that the message before did nothing.</param>
public sealed record CommandView(
    string Id, string Device, string Command, JsonObject Arguments, string State, string? Reason, JsonObject? Result, string By, string ByRole,
    DateTimeOffset Created, DateTimeOffset Expires, DateTimeOffset? Sent, DateTimeOffset? Delivered, DateTimeOffset? Answered,
    long AuditEntry, string Message, string? Receipt, DateTimeOffset? NotBefore, DateTimeOffset? Until, string? Rollout, long Attempts, string? Proposal)
{
    /// <summary>No more is expected: the device has spoken its last word, the deadline passed, or it was never sent.</summary>
    public bool IsSettled => CommandStates.Parse(State).IsSettled();
}

/// <summary>Which commands are wanted. Unset members do not filter.</summary>
public sealed record CommandFilter
{
    public string? Device { get; init; }
    public string? State { get; init; }
    public string? By { get; init; }

    /// <summary>Id of a rollout.</summary>
    public string? Rollout { get; init; }

    /// <summary>Older than this command: <see cref="CommandPage.Next"/> of the page before.</summary>
    public string? Before { get; init; }

    /// <summary>1 to 500.</summary>
    public int Limit { get; init; } = 50;
}

/// <summary>One page, newest first.</summary>
/// <param name="Next">For <see cref="CommandFilter.Before"/>; null at the end.</param>
public sealed record CommandPage(IReadOnlyList<CommandView> Commands, string? Next);
