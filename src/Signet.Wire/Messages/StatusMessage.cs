using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Signet.Wire;

public enum StatusState
{
    Online = 1,

    /// <summary>Said by the device when it leaves, or by its last will, which it signed when it connected.</summary>
    Offline = 2,
}

/// <summary>A device's word about being there, retained on its topic. <c>typ</c> <c>signet-status+jwt</c>, topic <c>signet/{iss}/status</c>.</summary>
public sealed record StatusClaims : MessageClaims
{
    /// <summary><c>state</c>: <c>online</c> or <c>offline</c>.</summary>
    public required StatusState State { get; init; }

    /// <summary><c>details</c>: kind of device, versions, allowed commands; may be empty.</summary>
    public required JsonObject Details { get; init; }

    public StatusClaims()
    {
    }

    [SetsRequiredMembers]
    internal StatusClaims(ClaimsReader reader) : base(reader)
    {
        State = reader.Text("state", 16, s => s is "online" or "offline") == "online" ? StatusState.Online : StatusState.Offline;
        Details = reader.Object("details");
    }

    private protected override void WriteTo(JsonObject json, Suite suite)
    {
        base.WriteTo(json, suite);
        json["state"] = State == StatusState.Online ? "online" : "offline";
        json["details"] = Details.DeepClone();
    }

    internal override string? RightTopic => Topics.IsDeviceName(Issuer) ? Topics.Status(Issuer) : "";
}

/// <summary>Signs and verifies status messages.</summary>
public static class StatusMessage
{
    public const string Type = "signet-status+jwt";

    /// <inheritdoc cref="CommandMessage.Sign"/>
    public static byte[] Sign(StatusClaims claims, SigningKey key) => SignedMessage.Sign(Type, claims, key, r => new StatusClaims(r));

    /// <summary>Never throws on any bytes. A retained status and a last will are old by nature: give <see cref="Expectation.AnyAge"/>, and take only a status whose (epoch, seq) is above the last one taken.</summary>
    public static bool TryVerify(ReadOnlySpan<byte> message, Expectation expected, [NotNullWhen(true)] out VerifiedStatus? verified, out Rejection rejection)
    {
        verified = SignedMessage.TryVerify(message, Type, expected, r => new StatusClaims(r), out var claims, out var key, out rejection) ? new(claims, key, message.ToArray()) : null;
        return verified is not null;
    }
}
