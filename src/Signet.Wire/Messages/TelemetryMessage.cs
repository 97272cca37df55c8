using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>One reading. <c>typ</c> <c>signet-telemetry+jwt</c>, topic <c>signet/{iss}/telemetry/{name}</c>.</summary>
public sealed record TelemetryClaims : MessageClaims
{
    /// <summary><c>name</c>: what was measured; the last level of the topic.</summary>
    public required string Name { get; init; }

    /// <summary><c>value</c>: a number, a text of at most 4096 characters, or a truth value.</summary>
    public required JsonNode Value { get; init; }

    /// <summary><c>unit</c>: the unit of measure, absent for none.</summary>
    public string? Unit { get; init; }

    public TelemetryClaims()
    {
    }

    [SetsRequiredMembers]
    internal TelemetryClaims(ClaimsReader reader) : base(reader)
    {
        Name = reader.Text("name", WireLimits.WordCharacters, Topics.IsWord);
        Value = reader.Scalar("value");
        Unit = reader.OptionalText("unit", WireLimits.UnitCharacters);
    }

    private protected override void WriteTo(JsonObject json, Suite suite)
    {
        base.WriteTo(json, suite);
        json["name"] = Name;
        json["value"] = Value.DeepClone();
        if (Unit is not null) json["unit"] = Unit;
    }

    internal override string? RightTopic => Topics.IsDeviceName(Issuer) ? Topics.Telemetry(Issuer, Name) : "";
}

/// <summary>Signs and verifies readings.</summary>
public static class TelemetryMessage
{
    public const string Type = "signet-telemetry+jwt";

    /// <inheritdoc cref="CommandMessage.Sign"/>
    public static byte[] Sign(TelemetryClaims claims, SigningKey key) => SignedMessage.Sign(Type, claims, key, r => new TelemetryClaims(r));

    /// <summary>Never throws on any bytes. Replay is the receiver's <see cref="ReplayWindow"/>.</summary>
    public static bool TryVerify(ReadOnlySpan<byte> message, Expectation expected, [NotNullWhen(true)] out VerifiedTelemetry? verified, out Rejection rejection)
    {
        verified = SignedMessage.TryVerify(message, Type, expected, r => new TelemetryClaims(r), out var claims, out var key, out rejection) ? new(claims, key, message.ToArray()) : null;
        return verified is not null;
    }
}
