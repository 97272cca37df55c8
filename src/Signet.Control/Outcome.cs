using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using Signet.Access;

namespace Signet.Control;

/// <summary>Why the center did not do what it was asked. Numbers stand in audit entries: append only.</summary>
public enum RefusalCode
{
    /// <summary>The role table says no.</summary>
    NotAllowed = 1,
    NotFound = 2,
    AlreadyExists = 3,

    /// <summary>A name, number or text is not one the center takes.</summary>
    BadInput = 4,

    /// <summary>The device's own list does not hold this command.</summary>
    CommandNotAllowed = 5,
    BadArguments = 6,
    DeviceDisabled = 7,

    /// <summary>The device is not connected, and nobody would receive the command.</summary>
    NoActiveConnection = 8,

    /// <summary>The center's own link to the broker is down.</summary>
    BrokerUnavailable = 9,

    /// <summary>The audit log takes no entries, so nothing may be done.</summary>
    AuditUnavailable = 10,

    /// <summary>signet.db cannot be written.</summary>
    StoreUnavailable = 11,

    /// <summary>It would leave the center without any administrator.</summary>
    LastAdministrator = 12,

    /// <summary>Somebody else changed it meanwhile.</summary>
    Conflict = 13,

    /// <summary>It is not what the asker had read any more.</summary>
    ChangedMeanwhile = 14,

    /// <summary>A signed approval does not fit what is to be approved, or who signed it may not.</summary>
    ApprovalInvalid = 15,

    /// <summary>It would hurt the center itself; ask again with a confirmation if it is meant.</summary>
    ConfirmationNeeded = 30,
}

/// <summary>A refusal: what it is called everywhere, and one line for the person who asked.</summary>
/// <param name="Message">Says what is wrong and, where there is one, the way out.</param>
public sealed record Refusal(RefusalCode Code, string Message)
{
    /// <summary>What is wrong with a policy that was handed in, each with its place; <see cref="Message"/> has the first of them. Empty: the message says all.</summary>
    public IReadOnlyList<PolicyFault> Faults { get; init; } = [];

    private static readonly FrozenDictionary<RefusalCode, (string Name, int Status)> Table = new Dictionary<RefusalCode, (string, int)>
    {
        [RefusalCode.NotAllowed] = ("not-allowed", 403),
        [RefusalCode.NotFound] = ("not-found", 404),
        [RefusalCode.AlreadyExists] = ("already-exists", 409),
        [RefusalCode.BadInput] = ("bad-input", 422),
        [RefusalCode.CommandNotAllowed] = ("command-not-allowed", 403),
        [RefusalCode.BadArguments] = ("bad-arguments", 422),
        [RefusalCode.DeviceDisabled] = ("device-disabled", 409),
        [RefusalCode.NoActiveConnection] = ("no-active-connection", 409),
        [RefusalCode.BrokerUnavailable] = ("broker-unavailable", 503),
        [RefusalCode.AuditUnavailable] = ("audit-unavailable", 503),
        [RefusalCode.StoreUnavailable] = ("store-unavailable", 503),
        [RefusalCode.LastAdministrator] = ("last-administrator", 409),
        [RefusalCode.Conflict] = ("conflict", 409),
        [RefusalCode.ChangedMeanwhile] = ("changed-meanwhile", 412),
        [RefusalCode.ApprovalInvalid] = ("approval-invalid", 403),
        [RefusalCode.ConfirmationNeeded] = ("confirmation-needed", 409),
    }.ToFrozenDictionary();

    /// <summary>For problem+json (<c>reason</c>), audit entries, metrics and the command line.</summary>
    public string Name => Table[Code].Name;

    public int HttpStatus => Table[Code].Status;
}

/// <summary>What came of a request: the value, or the refusal. Nothing in between.</summary>
public readonly struct Outcome<T>
    where T : class
{
    private readonly T? _value;

    private Outcome(T? value, Refusal? refusal) => (_value, Refusal) = (value, refusal);

    /// <summary>Null when it was done.</summary>
    public Refusal? Refusal { get; }

    /// <exception cref="InvalidOperationException">It was refused; the message is the refusal's.</exception>
    public T Value => _value ?? throw new InvalidOperationException(Refusal?.Message ?? "no outcome");

    public bool TryGet([NotNullWhen(true)] out T? value, [NotNullWhen(false)] out Refusal? refusal)
    {
        (value, refusal) = (_value, _value is null ? Refusal ?? new(RefusalCode.BadInput, "no outcome") : null);
        return value is not null;
    }

    internal static Outcome<T> Done(T value) => new(value, null);

    public static implicit operator Outcome<T>(T value) => new(value, null);

    public static implicit operator Outcome<T>(Refusal refusal) => new(null, refusal);
}

/// <summary>Outcomes of values whose type is an interface, which the language does not convert by itself.</summary>
internal static class Outcome
{
    public static Outcome<T> Of<T>(T value)
        where T : class => Outcome<T>.Done(value);
}
