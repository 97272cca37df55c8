namespace Signet.Wire;

/// <summary>
/// Every way a message or its sender can be refused. The numbers are stored in audit logs and journals: append only, never renumber.
/// Names, titles and statuses stand in <see cref="RejectReasons"/>.
/// </summary>
public enum RejectReason
{
    None = 0,
    Malformed = 1,
    UnknownKey = 2,
    AlgorithmNotAllowed = 3,
    BadSignature = 4,
    WrongAudience = 5,
    WrongTopic = 6,
    Expired = 7,
    IssuedInFuture = 8,
    Replayed = 9,
    StaleEpoch = 10,
    CannotDecrypt = 11,
    CommandNotAllowed = 12,
    BadArguments = 13,
    ApprovalMissing = 14,
    ApprovalInvalid = 15,
    CertificateExpired = 16,
    CertificateRevoked = 17,
    CertificateUntrusted = 18,
    TooLarge = 19,
    RateLimited = 20,
    TotpUsed = 21,
}

/// <summary>One row of the table of refusals.</summary>
/// <param name="Reason">The stored number.</param>
/// <param name="Name">The name on the wire, in JSON and as metric label: <c>bad-signature</c>.</param>
/// <param name="Title">One line for a person.</param>
/// <param name="HttpStatus">The status of the problem+json that carries it.</param>
public sealed record RejectInfo(RejectReason Reason, string Name, string Title, int HttpStatus);

/// <summary>A refusal: the reason from the closed list, and one line of detail for people (never a secret, never unbounded input).</summary>
public readonly record struct Rejection(RejectReason Reason, string Detail)
{
    /// <summary><c>replayed: sequence 7 was seen before</c>.</summary>
    public override string ToString() => $"{RejectReasons.Of(Reason).Name}: {Detail}";
}
