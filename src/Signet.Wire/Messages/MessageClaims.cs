using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>What every message on a topic says besides: its place in the sender's order, and where it belongs.</summary>
public abstract record MessageClaims : SignedClaims
{
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
    private protected MessageClaims(ClaimsReader reader) : base(reader, Topics.IsPartyName)
    {
        Epoch = reader.Integer("epoch", 1);
        Sequence = reader.Integer("seq", 1);
        Topic = reader.Text("topic", WireLimits.TopicCharacters);
    }

    internal override string? NamedTopic => Topic;

    private protected override void WriteTo(JsonObject json, Suite suite)
    {
        json["epoch"] = Epoch;
        json["seq"] = Sequence;
        json["topic"] = Topic;
    }
}
