using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Nodes;

namespace Signet.Wire;

/// <summary>
/// One person's signed yes to one proposal: exactly these devices, this command, these arguments, until then. <c>typ</c> <c>signet-approval+jwt</c>;
/// it travels inside the command. The signer's key is the person's own, never one the center holds.
/// </summary>
public sealed record ApprovalClaims : SignedClaims
{
    /// <summary><c>proposal</c>: the proposal's id. A device carries out one command for it, once.</summary>
    public required string Proposal { get; init; }

    /// <summary><c>class</c>: the quorum class, as the manifest names it.</summary>
    public required string Class { get; init; }

    /// <summary><c>devices</c>: exactly these, sorted.</summary>
    public required IReadOnlyList<string> Devices { get; init; }

    /// <summary><c>cmd</c>.</summary>
    public required string Command { get; init; }

    /// <summary><c>args</c>.</summary>
    public required JsonObject Arguments { get; init; }

    /// <summary><c>exp</c>: after this the approval is worth nothing. At most seven days after <c>iat</c>.</summary>
    public required DateTimeOffset NotAfter { get; init; }

    /// <summary><c>requester</c>: who asked for the command, in the words the approver saw. Does not count as approver unless the class says so.</summary>
    public required string Requester { get; init; }

    public ApprovalClaims()
    {
    }

    [SetsRequiredMembers]
    internal ApprovalClaims(ClaimsReader reader) : base(reader, PersonName.IsValid)
    {
        Proposal = reader.Text("proposal", 26, MessageId.IsValid);
        Class = reader.Text("class", WireLimits.WordCharacters, Topics.IsWord);
        Devices = reader.TextSet("devices", 1, WireLimits.ProposalDevices, WireLimits.NameCharacters, Topics.IsDeviceName);
        Command = reader.Text("cmd", WireLimits.WordCharacters, Topics.IsWord);
        Arguments = reader.Object("args");
        NotAfter = reader.Time("exp");
        Requester = reader.Text("requester", WireLimits.PersonCharacters, PersonName.IsValid);
        if (NotAfter <= IssuedAt || NotAfter - IssuedAt > WireLimits.ProposalLifetime) reader.Wrong("exp", $"must be later than 'iat' by at most {WireLimits.ProposalLifetime.TotalSeconds} s");
    }

    private protected override void WriteTo(JsonObject json, Suite suite)
    {
        json["proposal"] = Proposal;
        json["class"] = Class;
        json["devices"] = new JsonArray([.. Devices.Select(d => JsonValue.Create(d))]);
        json["cmd"] = Command;
        json["args"] = Arguments.DeepClone();
        json["exp"] = NotAfter.ToUnixTimeSeconds();
        json["requester"] = Requester;
    }

    internal override DateTimeOffset? Expiry => NotAfter;
}

/// <summary>Signs and verifies approvals.</summary>
public static class ApprovalMessage
{
    public const string Type = "signet-approval+jwt";

    /// <summary>The compact JWS.</summary>
    /// <exception cref="ArgumentException">Claims no device would accept: devices not sorted, valid for too long ...</exception>
    public static byte[] Sign(ApprovalClaims claims, SigningKey key) => SignedMessage.Sign(Type, claims, key, r => new ApprovalClaims(r));

    /// <summary>What a passkey is asked to sign, by its <see cref="WebAuthnProof.ChallengeOf"/>: the part of the JWS in front of its last dot.</summary>
    /// <param name="claims">As for <see cref="Sign"/>.</param>
    /// <param name="keyId">The passkey's, as <see cref="PinnedKey.Passkey"/> has it.</param>
    /// <exception cref="ArgumentException">As for <see cref="Sign"/>.</exception>
    public static byte[] SignedPart(ApprovalClaims claims, string keyId) => CompactJws.SignedPart(Type, SignedMessage.Encode(claims, Suite.WebAuthn, r => new ApprovalClaims(r)), Suite.WebAuthn, keyId);

    /// <summary>The whole approval, from its signed part and a passkey's <see cref="WebAuthnProof.Encode">proof</see>.</summary>
    public static string WithProof(ReadOnlySpan<byte> signedPart, ReadOnlySpan<byte> proof) => $"{System.Text.Encoding.ASCII.GetString(signedPart)}.{System.Buffers.Text.Base64Url.EncodeToString(proof)}";

    /// <summary>Checks signature, signer and time against the ring of approvers. Whether it fits a command is <see cref="Quorum"/>'s to say. Never throws on any bytes.</summary>
    public static bool TryVerify(ReadOnlySpan<byte> message, Expectation expected, [NotNullWhen(true)] out VerifiedApproval? verified, out Rejection rejection)
    {
        verified = SignedMessage.TryVerify(message, Type, expected, r => new ApprovalClaims(r), out var claims, out var key, out rejection) ? new(claims, key, message.ToArray()) : null;
        return verified is not null;
    }
}
