using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>
/// "I am here, and this is how much I have said and heard since the device's last <c>online</c>." Device and center say it to each other, so that either notices
/// when something between them keeps messages back. <c>typ</c> <c>signet-heartbeat+jwt</c>; a device's on <c>signet/{iss}/telemetry/heartbeat</c>, the center's on <c>signet/{aud}/checkpoint</c>.
/// </summary>
public sealed record HeartbeatClaims : MessageClaims
{
    /// <summary>The reading's name that is kept for it.</summary>
    public const string Reading = "heartbeat";

    /// <summary><c>aud</c>: the other one.</summary>
    public required string Audience { get; init; }

    /// <summary><c>since</c>: number of the device's <c>online</c> that begins the count.</summary>
    public required long Since { get; init; }

    /// <summary><c>next</c>: the next one follows within so many seconds, 1 to 3,600.</summary>
    public required int NextWithin { get; init; }

    /// <summary><c>sent</c>: receipts (of a device) or commands (of the center) that the broker has taken since then.</summary>
    public required long Sent { get; init; }

    /// <summary><c>heard</c>: the other one's commands or receipts that verified here since then.</summary>
    public required long Heard { get; init; }

    /// <summary><c>readings</c>: those a device published since then; 0 for the center.</summary>
    public required long Readings { get; init; }

    public HeartbeatClaims()
    {
    }

    [SetsRequiredMembers]
    internal HeartbeatClaims(ClaimsReader reader) : base(reader)
    {
        Audience = reader.Text("aud", WireLimits.NameCharacters, Topics.IsPartyName);
        Since = reader.Integer("since", 1);
        NextWithin = (int)reader.Integer("next", 1, WireLimits.HeartbeatSeconds);
        Sent = reader.Integer("sent", 0);
        Heard = reader.Integer("heard", 0);
        Readings = reader.Integer("readings", 0);
    }

    private protected override void WriteTo(JsonObject json, Suite suite)
    {
        base.WriteTo(json, suite);
        json["aud"] = Audience;
        json["since"] = Since;
        json["next"] = (long)NextWithin;
        json["sent"] = Sent;
        json["heard"] = Heard;
        json["readings"] = Readings;
    }

    internal override string? RightTopic => Topics.IsDeviceName(Issuer) ? Topics.Telemetry(Issuer, Reading) : Topics.IsDeviceName(Audience) ? Topics.Checkpoint(Audience) : "";
    internal override string? AddressedTo => Audience;
}

/// <summary>Signs and verifies heartbeats.</summary>
public static class HeartbeatMessage
{
    public const string Type = "signet-heartbeat+jwt";

    /// <inheritdoc cref="CommandMessage.Sign"/>
    public static byte[] Sign(HeartbeatClaims claims, SigningKey key) => SignedMessage.Sign(Type, claims, key, r => new HeartbeatClaims(r));

    /// <summary>Never throws on any bytes. Take only one whose (epoch, seq) is above the last one taken.</summary>
    public static bool TryVerify(ReadOnlySpan<byte> message, Expectation expected, [NotNullWhen(true)] out VerifiedHeartbeat? verified, out Rejection rejection)
    {
        verified = SignedMessage.TryVerify(message, Type, expected, r => new HeartbeatClaims(r), out var claims, out var key, out rejection) ? new(claims, key, message.ToArray()) : null;
        return verified is not null;
    }

    /// <summary>Does it look like one, before anything is verified? Tells it from a checkpoint, which is text of lines.</summary>
    public static bool IsLike(ReadOnlySpan<byte> payload) => payload.StartsWith("eyJ"u8);
}
