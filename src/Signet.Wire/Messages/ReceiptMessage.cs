using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>What a device says about a command. On the wire in lower case.</summary>
public enum ReceiptState
{
    /// <summary>Verified and journaled; the end will follow in another receipt.</summary>
    Accepted = 1,

    /// <summary>Refused, nothing was done; <see cref="ReceiptClaims.Reason"/> says why.</summary>
    Rejected = 2,

    /// <summary>Done; <see cref="ReceiptClaims.Result"/> holds what came of it.</summary>
    Executed = 3,

    /// <summary>The handler ran and reported failure; <c>result.error</c> says what.</summary>
    Failed = 4,

    /// <summary>It was begun before a crash, and the device does not know the end.</summary>
    Interrupted = 5,
}

/// <summary>A device's answer to the bytes of one command. <c>typ</c> <c>signet-receipt+jwt</c>, topic <c>signet/{iss}/receipt</c>.</summary>
public sealed record ReceiptClaims : MessageClaims
{
    /// <summary><c>aud</c>: the center.</summary>
    public required string Audience { get; init; }

    /// <summary><c>re</c>: the command's <c>jti</c>; empty when the bytes received had no readable one. In a refusal it is what those bytes claimed, verified or not.</summary>
    public required string InReplyTo { get; init; }

    /// <summary><c>digest</c>: base64url SHA-256 of the exact bytes received. Only a receipt with the digest of what the center sent speaks about that command.</summary>
    public required string Digest { get; init; }

    /// <summary><c>state</c>.</summary>
    public required ReceiptState State { get; init; }

    /// <summary><c>reason</c>: a <see cref="RejectReason"/> name; there exactly when the state is <see cref="ReceiptState.Rejected"/>.</summary>
    public RejectReason Reason { get; init; }

    /// <summary><c>result</c>: may be empty.</summary>
    public required JsonObject Result { get; init; }

    /// <summary><c>seen</c>: size of the newest checkpoint of the center's audit log the device has seen; 0 for none.</summary>
    public long Seen { get; init; }

    public ReceiptClaims()
    {
    }

    [SetsRequiredMembers]
    internal ReceiptClaims(ClaimsReader reader) : base(reader)
    {
        Audience = reader.Text("aud", WireLimits.NameCharacters, Topics.IsPartyName);
        InReplyTo = reader.Text("re", 26, id => id!.Length == 0 || MessageId.IsValid(id));
        Digest = reader.Text("digest", 43, IsDigest);
        State = ParseState(reader.Text("state", 16, s => ParseState(s) is not null)) ?? default;
        if (State == ReceiptState.Rejected) Reason = ParseReason(reader.Text("reason", WireLimits.WordCharacters, n => RejectReasons.TryParse(n, out _)));
        Result = reader.Object("result");
        Seen = reader.Integer("seen", 0);
        if (Suite == Signet.Wire.Suite.Hs256.Name) reader.Text("evidence", 16, e => e == SharedKeyEvidence);
        if (InReplyTo.Length == 0 && State != ReceiptState.Rejected) reader.Wrong("re", "may be empty only in a refusal");
    }

    private const string SharedKeyEvidence = "shared-key";

    private protected override void WriteTo(JsonObject json, Suite suite)
    {
        base.WriteTo(json, suite);
        json["aud"] = Audience;
        json["re"] = InReplyTo;
        json["digest"] = Digest;
        json["state"] = NameOf(State);
        if (State == ReceiptState.Rejected) json["reason"] = RejectReasons.Of(Reason).Name;
        json["result"] = Result.DeepClone();
        json["seen"] = Seen;
        if (suite == Signet.Wire.Suite.Hs256) json["evidence"] = SharedKeyEvidence;
    }

    internal override string? RightTopic => Topics.IsDeviceName(Issuer) ? Topics.Receipt(Issuer) : "";
    internal override string? AddressedTo => Audience;

    /// <summary>The state's name on the wire: <c>executed</c>.</summary>
    public static string NameOf(ReceiptState state) => state switch
    {
        ReceiptState.Accepted => "accepted",
        ReceiptState.Rejected => "rejected",
        ReceiptState.Executed => "executed",
        ReceiptState.Failed => "failed",
        ReceiptState.Interrupted => "interrupted",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "no such state"),
    };

    private static ReceiptState? ParseState(string? name) => name switch
    {
        "accepted" => ReceiptState.Accepted,
        "rejected" => ReceiptState.Rejected,
        "executed" => ReceiptState.Executed,
        "failed" => ReceiptState.Failed,
        "interrupted" => ReceiptState.Interrupted,
        _ => null,
    };

    private static RejectReason ParseReason(string name) => RejectReasons.TryParse(name, out var reason) ? reason : RejectReason.None;

    private static bool IsDigest(string? text) => text is { Length: 43 } && StrictBase64Url.TryDecode(System.Text.Encoding.ASCII.GetBytes(text), out var bytes) && bytes.Length == 32;
}

/// <summary>Signs and verifies receipts.</summary>
public static class ReceiptMessage
{
    public const string Type = "signet-receipt+jwt";

    /// <inheritdoc cref="CommandMessage.Sign"/>
    public static byte[] Sign(ReceiptClaims claims, SigningKey key) => SignedMessage.Sign(Type, claims, key, r => new ReceiptClaims(r));

    /// <summary>Never throws on any bytes. Whether the receipt speaks about a command that was sent (<c>re</c> and <c>digest</c>) is the center's to check.</summary>
    public static bool TryVerify(ReadOnlySpan<byte> message, Expectation expected, [NotNullWhen(true)] out VerifiedReceipt? verified, out Rejection rejection)
    {
        verified = SignedMessage.TryVerify(message, Type, expected, r => new ReceiptClaims(r), out var claims, out var key, out rejection) ? new(claims, key, message.ToArray()) : null;
        return verified is not null;
    }
}
