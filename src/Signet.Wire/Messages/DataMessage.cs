using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>
/// Any bytes on any topic, with sender, order and topic bound to them: what <c>signet pub</c> sends over brokers that know nothing of Signet. <c>typ</c> <c>signet-data+jwt</c>.
/// The sender is a name, not a device of the house; which key may speak for it the receiver has pinned.
/// </summary>
public sealed record DataClaims : MessageClaims
{
    /// <summary><c>data</c>: base64url; at most <see cref="WireLimits.DataBytes"/> bytes.</summary>
    public required ReadOnlyMemory<byte> Data { get; init; }

    public DataClaims()
    {
    }

    [SetsRequiredMembers]
    internal DataClaims(ClaimsReader reader) : base(reader)
    {
        byte[] data = [];
        reader.Text("data", WireLimits.DataBytes / 3 * 4, t => StrictBase64Url.TryDecode(System.Text.Encoding.UTF8.GetBytes(t!), out data));
        Data = data;
        if (Topic.Length == 0 || Topic.AsSpan().IndexOfAny('+', '#', '\0') >= 0) reader.Wrong("topic", "must be a topic to publish on");
    }

    private protected override void WriteTo(JsonObject json, Suite suite)
    {
        base.WriteTo(json, suite);
        json["data"] = System.Buffers.Text.Base64Url.EncodeToString(Data.Span);
    }

    // On any topic, as long as it is the one it was signed for.
    internal override string? RightTopic => Topic;
}

/// <summary>Signs and verifies data.</summary>
public static class DataMessage
{
    public const string Type = "signet-data+jwt";

    /// <inheritdoc cref="CommandMessage.Sign"/>
    public static byte[] Sign(DataClaims claims, SigningKey key) => SignedMessage.Sign(Type, claims, key, r => new DataClaims(r));

    /// <summary>Never throws on any bytes. Replay is the receiver's <see cref="ReplayWindow"/>.</summary>
    public static bool TryVerify(ReadOnlySpan<byte> message, Expectation expected, [NotNullWhen(true)] out VerifiedData? verified, out Rejection rejection)
    {
        verified = SignedMessage.TryVerify(message, Type, expected, r => new DataClaims(r), out var claims, out var key, out rejection) ? new(claims, key, message.ToArray()) : null;
        return verified is not null;
    }
}

/// <inheritdoc/>
public sealed class VerifiedData : Verified<DataClaims>
{
    internal VerifiedData(DataClaims claims, PinnedKey key, ReadOnlyMemory<byte> bytes) : base(claims, key, bytes) { }
}
