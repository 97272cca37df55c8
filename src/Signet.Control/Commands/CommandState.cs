namespace Signet.Control;

/// <summary>Where a command is. A state never claims more than its evidence. Numbers are stored: append only.</summary>
public enum CommandState
{
    /// <summary>Signed and on the record; the broker has not yet said that it took it.</summary>
    Draft = 1,

    /// <summary>An unsigned intent whose class needs more people's approval.</summary>
    AwaitingApproval = 2,

    /// <summary>An unsigned intent: it waits for its time or for its device to be there.</summary>
    Queued = 3,

    /// <summary>The broker took it (PUBACK) and had a subscriber for it.</summary>
    Sent = 4,

    /// <summary>The broker says the device's session acknowledged it.</summary>
    Delivered = 5,

    /// <summary>The device signed: verified and journaled.</summary>
    Accepted = 6,

    /// <summary>The device signed: refused, nothing was done.</summary>
    Rejected = 7,

    /// <summary>The device signed: done.</summary>
    Executed = 8,

    /// <summary>The device signed: tried, without success.</summary>
    Failed = 9,

    /// <summary>The device signed: begun before a crash, the end is not known.</summary>
    Interrupted = 10,

    /// <summary>No receipt by the deadline. It may have arrived or not; a late receipt still counts.</summary>
    Unanswered = 11,

    /// <summary>An intent whose time ran out before it could be sent.</summary>
    Expired = 12,

    /// <summary>It did not leave the center: withdrawn, or the broker refused it or nobody was subscribed.</summary>
    Cancelled = 13,
}

/// <summary>What can happen to a command after it was recorded: the broker's word, the clock, the device's signed word.</summary>
public enum CommandEvent
{
    BrokerTook = 1,
    BrokerDelivered = 2,
    BrokerRefused = 3,
    DeadlinePassed = 4,
    DeviceAccepted = 5,
    DeviceRejected = 6,
    DeviceExecuted = 7,
    DeviceFailed = 8,
    DeviceInterrupted = 9,

    /// <summary>Enough people have signed their approval.</summary>
    Approved = 10,

    /// <summary>Signed and on the record, about to be published.</summary>
    Dispatched = 11,

    /// <summary>It is certain that this message did nothing (the broker did not hand it on, or the device signed that it came too late), and the intent may still wait.</summary>
    Returned = 12,

    /// <summary>A person, or the rule that stops a rollout, took it back.</summary>
    Withdrawn = 13,

    /// <summary>The intent's own time ran out.</summary>
    TimeRanOut = 14,
}

/// <summary>
/// The whole state machine. Evidence only ever grows: draft, sent, delivered are the broker's word; a signed word of the device outranks it
/// whenever it comes, even after <c>unanswered</c> or <c>cancelled</c>; the device's last word is final.
/// An intent is signed only on its way out, and signed anew only when it is certain that the message before did nothing: silence is no certainty.
/// </summary>
public static class CommandStates
{
    /// <summary>The state after an event, or null when the event changes nothing (late, repeated, or against better evidence).</summary>
    public static CommandState? Next(CommandState state, CommandEvent happened) => (happened, state) switch
    {
        (CommandEvent.BrokerTook, CommandState.Draft) => CommandState.Sent,
        (CommandEvent.BrokerDelivered, CommandState.Draft or CommandState.Sent) => CommandState.Delivered,
        (CommandEvent.BrokerRefused, CommandState.Draft) => CommandState.Cancelled,
        (CommandEvent.Approved, CommandState.AwaitingApproval) => CommandState.Queued,
        (CommandEvent.Dispatched, CommandState.Queued) => CommandState.Draft,
        (CommandEvent.Returned, CommandState.Draft or CommandState.Sent or CommandState.Delivered or CommandState.Unanswered) => CommandState.Queued,
        (CommandEvent.Withdrawn, CommandState.AwaitingApproval or CommandState.Queued) => CommandState.Cancelled,
        (CommandEvent.TimeRanOut, CommandState.AwaitingApproval or CommandState.Queued) => CommandState.Expired,
        (CommandEvent.DeadlinePassed, CommandState.Draft or CommandState.Sent or CommandState.Delivered) => CommandState.Unanswered,
        (_, _) when state.IsFinal() => null,
        (CommandEvent.DeviceAccepted, not CommandState.Accepted) => CommandState.Accepted,
        // A device that had accepted cannot unsay it: that answer is about another copy of the bytes.
        (CommandEvent.DeviceRejected, not CommandState.Accepted) => CommandState.Rejected,
        (CommandEvent.DeviceExecuted, _) => CommandState.Executed,
        (CommandEvent.DeviceFailed, _) => CommandState.Failed,
        (CommandEvent.DeviceInterrupted, _) => CommandState.Interrupted,
        _ => null,
    };

    /// <summary>The device's last word: nothing changes it any more.</summary>
    public static bool IsFinal(this CommandState state) => state is CommandState.Rejected or CommandState.Executed or CommandState.Failed or CommandState.Interrupted;

    /// <summary>Nothing more is expected, so nobody needs to wait.</summary>
    public static bool IsSettled(this CommandState state) => state.IsFinal() || state is CommandState.Unanswered or CommandState.Expired or CommandState.Cancelled;

    /// <summary>As pages, API, audit log and database write it.</summary>
    public static string Name(this CommandState state) => state switch
    {
        CommandState.Draft => "draft",
        CommandState.AwaitingApproval => "awaiting-approval",
        CommandState.Queued => "queued",
        CommandState.Sent => "sent",
        CommandState.Delivered => "delivered",
        CommandState.Accepted => "accepted",
        CommandState.Rejected => "rejected",
        CommandState.Executed => "executed",
        CommandState.Failed => "failed",
        CommandState.Interrupted => "interrupted",
        CommandState.Unanswered => "unanswered",
        CommandState.Expired => "expired",
        CommandState.Cancelled => "cancelled",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "no such state"),
    };

    private static readonly Dictionary<string, CommandState> ByName = Enum.GetValues<CommandState>().ToDictionary(Name, StringComparer.Ordinal);

    public static bool TryParse(string name, out CommandState state) => ByName.TryGetValue(name, out state);

    /// <exception cref="ArgumentException">No such state.</exception>
    public static CommandState Parse(string name) => TryParse(name, out var state) ? state : throw new ArgumentException($"'{name}' is not a command state", nameof(name));
}
