using System.Text.Json.Nodes;

namespace Signet.Control;

/// <summary>What somebody wants a device to do. Step 1 of the journey; nothing is checked yet.</summary>
/// <param name="IdempotencyKey">The same key from the same actor gives the same command, sent once. At most 128 characters; null: none.</param>
public sealed record CommandDraft(string Device, string Command, JsonObject? Arguments = null, string? IdempotencyKey = null);

/// <summary>A command at one moment, as pages, API and command line show it.</summary>
/// <param name="State">Name of a <see cref="CommandState"/>.</param>
/// <param name="Reason">Why it was rejected or cancelled; null otherwise.</param>
/// <param name="Result">What the device returned, verified; null while there is none.</param>
/// <param name="By">Who asked.</param>
/// <param name="Sent">When the broker took it.</param>
/// <param name="Delivered">When the device acknowledged it to the broker.</param>
/// <param name="Answered">When the latest receipt arrived.</param>
/// <param name="AuditEntry">Number of the audit entry that was durable before the command left.</param>
/// <param name="Message">The signed command (compact JWS).</param>
/// <param name="Receipt">The device's latest signed receipt (compact JWS); null while there is none.</param>
public sealed record CommandView(
    string Id, string Device, string Command, JsonObject Arguments, string State, string? Reason, JsonObject? Result, string By, string ByRole,
    DateTimeOffset Created, DateTimeOffset Expires, DateTimeOffset? Sent, DateTimeOffset? Delivered, DateTimeOffset? Answered,
    long AuditEntry, string Message, string? Receipt)
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

    /// <summary>Older than this command: <see cref="CommandPage.Next"/> of the page before.</summary>
    public string? Before { get; init; }

    /// <summary>1 to 500.</summary>
    public int Limit { get; init; } = 50;
}

/// <summary>One page, newest first.</summary>
/// <param name="Next">For <see cref="CommandFilter.Before"/>; null at the end.</param>
public sealed record CommandPage(IReadOnlyList<CommandView> Commands, string? Next);
