using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;

namespace Signet.Wire;

/// <summary>The one table from reason to name, title and HTTP status.</summary>
public static class RejectReasons
{
    /// <summary>All reasons but <see cref="RejectReason.None"/>, in the order of their numbers.</summary>
    public static IReadOnlyList<RejectInfo> All { get; } =
    [
        new(RejectReason.Malformed, "malformed", "The message is not in the one encoding it may have", 400),
        new(RejectReason.UnknownKey, "unknown-key", "The signing key is not one this receiver has pinned for that sender", 401),
        new(RejectReason.AlgorithmNotAllowed, "algorithm-not-allowed", "The algorithm or suite is not the one pinned for the key", 401),
        new(RejectReason.BadSignature, "bad-signature", "The signature does not match the message", 401),
        new(RejectReason.WrongAudience, "wrong-audience", "The message is meant for another receiver", 403),
        new(RejectReason.WrongTopic, "wrong-topic", "The message was signed for another topic", 403),
        new(RejectReason.Expired, "expired", "The message is too old", 410),
        new(RejectReason.IssuedInFuture, "issued-in-future", "The message claims a time the receiver's clock has not reached", 400),
        new(RejectReason.Replayed, "replayed", "The message was seen before, or is older than the replay window", 409),
        new(RejectReason.StaleEpoch, "stale-epoch", "The message belongs to an epoch its sender has left", 409),
        new(RejectReason.CannotDecrypt, "cannot-decrypt", "The sealed message does not open with the receiver's key", 400),
        new(RejectReason.CommandNotAllowed, "command-not-allowed", "The device does not allow this command", 403),
        new(RejectReason.BadArguments, "bad-arguments", "The arguments do not fit the command", 422),
        new(RejectReason.ApprovalMissing, "approval-missing", "The command needs more approvals", 403),
        new(RejectReason.ApprovalInvalid, "approval-invalid", "An approval does not match the command or its approver", 403),
        new(RejectReason.CertificateExpired, "certificate-expired", "The certificate is outside its validity", 403),
        new(RejectReason.CertificateRevoked, "certificate-revoked", "The certificate is revoked", 403),
        new(RejectReason.CertificateUntrusted, "certificate-untrusted", "The certificate does not lead to a trusted root", 403),
        new(RejectReason.TooLarge, "too-large", "The message is larger than the limit", 413),
        new(RejectReason.RateLimited, "rate-limited", "Too many requests in a short time", 429),
        new(RejectReason.TotpUsed, "totp-used", "The one-time code was used before", 409),
    ];

    private static readonly RejectInfo Nothing = new(RejectReason.None, "none", "Not refused", 200);

    private static readonly FrozenDictionary<string, RejectReason> ByName = All.ToFrozenDictionary(i => i.Name, i => i.Reason, StringComparer.Ordinal);

    /// <summary>The row of a reason. <see cref="RejectReason.None"/> has the name <c>none</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is not in the table.</exception>
    public static RejectInfo Of(RejectReason reason) => reason switch
    {
        RejectReason.None => Nothing,
        > RejectReason.None when (int)reason <= All.Count => All[(int)reason - 1],
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "no such reason"),
    };

    /// <summary>Reads a name as it stands on the wire; false for anything not in the table.</summary>
    public static bool TryParse([NotNullWhen(true)] string? name, out RejectReason reason)
    {
        reason = RejectReason.None;
        return name is not null && ByName.TryGetValue(name, out reason);
    }
}
