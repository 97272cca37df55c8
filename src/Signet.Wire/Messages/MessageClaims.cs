using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>What every message says: who, which one, when, its place in the sender's order, and where it belongs. Times are whole seconds.</summary>
public abstract record MessageClaims
{
    /// <summary><c>iss</c>: the sender's name, the owner of the signing key.</summary>
    public required string Issuer { get; init; }

    /// <summary><c>jti</c>: see <see cref="MessageId"/>.</summary>
    public required string Id { get; init; }

    /// <summary><c>iat</c>: when it was signed. Fractions of a second are cut off.</summary>
    public required DateTimeOffset IssuedAt { get; init; }

    /// <summary><c>epoch</c>: 1 to 2^53 - 1; see <see cref="OutgoingSequence"/>.</summary>
    public required long Epoch { get; init; }

    /// <summary><c>seq</c>: 1 to 2^53 - 1, rising within the epoch.</summary>
    public required long Sequence { get; init; }

    /// <summary><c>topic</c>: the topic it is published on.</summary>
    public required string Topic { get; init; }

    private protected MessageClaims()
    {
    }

    [SetsRequiredMembers]
    private protected MessageClaims(ClaimsReader reader)
    {
        Issuer = reader.Text("iss", WireLimits.NameCharacters, Topics.IsPartyName);
        Id = reader.Text("jti", 26, MessageId.IsValid);
        IssuedAt = reader.Time("iat");
        Epoch = reader.Integer("epoch", 1);
        Sequence = reader.Integer("seq", 1);
        Topic = reader.Text("topic", WireLimits.TopicCharacters);
        Suite = reader.Text("suite", WireLimits.WordCharacters);
    }

    /// <summary>As read; the writer takes it from the key.</summary>
    internal string Suite { get; } = "";

    /// <summary>Adds the claims of the kind to those all share.</summary>
    private protected abstract void WriteTo(JsonObject json, Suite suite);

    /// <summary>The one topic a message with these claims may name.</summary>
    internal abstract string TopicOf();

    internal virtual string? AddressedTo => null;
    internal virtual DateTimeOffset? Expiry => null;

    internal JsonObject ToJson(Suite suite)
    {
        var json = new JsonObject
        {
            ["iss"] = Issuer,
            ["jti"] = Id,
            ["iat"] = IssuedAt.ToUnixTimeSeconds(),
            ["epoch"] = Epoch,
            ["seq"] = Sequence,
            ["topic"] = Topic,
            ["suite"] = suite.Name,
        };
        WriteTo(json, suite);
        return json;
    }
}
