using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>An order to one device. <c>typ</c> <c>signet-command+jwt</c>, topic <c>signet/{aud}/command</c>.</summary>
public sealed record CommandClaims : MessageClaims
{
    /// <summary><c>aud</c>: the device.</summary>
    public required string Audience { get; init; }

    /// <summary><c>exp</c>: after this the device refuses it. Later than <c>iat</c>, by one day at most.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary><c>cmd</c>: see <see cref="Topics.IsWord"/>.</summary>
    public required string Command { get; init; }

    /// <summary><c>args</c>: may be empty.</summary>
    public required JsonObject Arguments { get; init; }

    /// <summary><c>by.name</c>: the person or token that asked, as the center says.</summary>
    public required string OriginatorName { get; init; }

    /// <summary><c>by.role</c>.</summary>
    public required string OriginatorRole { get; init; }

    /// <summary><c>nonce</c>: the boot nonce of a device without a trustworthy clock, echoed (docs/spec/replay.md); null for all others.</summary>
    public string? Nonce { get; init; }

    /// <summary><c>proposal</c>: the id of the <see cref="ApprovalClaims.Proposal"/> the approvals are for; null for commands that need none.</summary>
    public string? Proposal { get; init; }

    /// <summary><c>approvals</c>: the signed approvals, compact JWS each; empty exactly when there is no proposal.</summary>
    public IReadOnlyList<string> Approvals { get; init; } = [];

    public CommandClaims()
    {
    }

    [SetsRequiredMembers]
    internal CommandClaims(ClaimsReader reader) : base(reader)
    {
        Audience = reader.Text("aud", WireLimits.NameCharacters, Topics.IsDeviceName);
        ExpiresAt = reader.Time("exp");
        Command = reader.Text("cmd", WireLimits.WordCharacters, Topics.IsWord);
        Arguments = reader.Object("args");
        var by = new ClaimsReader(reader.Object("by"));
        OriginatorName = by.Text("name", WireLimits.PersonCharacters, PersonName.IsValid);
        OriginatorRole = by.Text("role", WireLimits.WordCharacters, Topics.IsWord);
        Nonce = reader.Has("nonce") ? reader.Text("nonce", BootNonce.Characters, BootNonce.IsValid) : null;
        if (reader.Has("proposal") || reader.Has("approvals"))
        {
            Proposal = reader.Text("proposal", 26, MessageId.IsValid);
            Approvals = reader.Texts("approvals", 1, WireLimits.Approvals, WireLimits.ApprovalCharacters);
        }
        if (by.Problem is { } problem) reader.Wrong("by", problem);
        if (ExpiresAt <= IssuedAt || ExpiresAt - IssuedAt > WireLimits.CommandLifetime) reader.Wrong("exp", $"must be later than 'iat' by at most {WireLimits.CommandLifetime.TotalSeconds} s");
    }

    private protected override void WriteTo(JsonObject json, Suite suite)
    {
        base.WriteTo(json, suite);
        json["aud"] = Audience;
        json["exp"] = ExpiresAt.ToUnixTimeSeconds();
        json["cmd"] = Command;
        json["args"] = Arguments.DeepClone();
        json["by"] = new JsonObject { ["name"] = OriginatorName, ["role"] = OriginatorRole };
        WriteOptionalTo(json);
    }

    private void WriteOptionalTo(JsonObject json)
    {
        if (Nonce is not null) json["nonce"] = Nonce;
        if (Proposal is null && Approvals.Count == 0) return;
        json["proposal"] = Proposal;
        json["approvals"] = new JsonArray([.. Approvals.Select(a => JsonValue.Create(a))]);
    }

    internal override string? RightTopic => Topics.Command(Audience);
    internal override string? AddressedTo => Audience;
    internal override DateTimeOffset? Expiry => ExpiresAt;
}

/// <summary>Signs and verifies commands. The steps and their reasons stand in <see cref="SignedMessage"/> and docs/spec/messages.md.</summary>
public static class CommandMessage
{
    public const string Type = "signet-command+jwt";

    /// <summary>The compact JWS.</summary>
    /// <exception cref="ArgumentException">Claims no device would accept, or too large.</exception>
    public static byte[] Sign(CommandClaims claims, SigningKey key) => SignedMessage.Sign(Type, claims, key, r => new CommandClaims(r));

    /// <summary>Checks everything about a command but replay, permission and arguments, which are the device's own. Never throws on any bytes.</summary>
    public static bool TryVerify(ReadOnlySpan<byte> message, Expectation expected, [NotNullWhen(true)] out VerifiedCommand? verified, out Rejection rejection)
    {
        verified = SignedMessage.TryVerify(message, Type, expected, r => new CommandClaims(r), out var claims, out var key, out rejection) ? new(claims, key, message.ToArray()) : null;
        return verified is not null;
    }
}
