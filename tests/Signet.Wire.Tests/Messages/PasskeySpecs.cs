using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Signet.Wire.Tests;

/// <summary>Approvals by passkeys, as a device checks them: the passkey signs its own data and what the browser says, and the browser says the hash of the approval.</summary>
public sealed class PasskeySpecs
{
    private const string RpId = "console.example", Origin = "https://console.example:8443", Proposal = "01JQX4S8M0RSTVWXYZ23456789";
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>An authenticator and a browser, and what may be wrong about them.</summary>
    private sealed record Answer
    {
        public string RpId { get; init; } = PasskeySpecs.RpId;
        public byte Flags { get; init; } = 0x05;
        public Action<JsonObject> Client { get; init; } = _ => { };
        public ECDsa Signer { get; init; } = Key;
        public Func<ApprovalClaims, ApprovalClaims> Shown { get; init; } = c => c;
        public Func<byte[], byte[]> Der { get; init; } = d => d;
    }

    private static ApprovalClaims Claims() => new()
    {
        Issuer = "alice", Id = "01JQX4S8M9RSTVWXYZ23456789", IssuedAt = Now.AddMinutes(-1), Proposal = Proposal, Class = "critical", Devices = ["door-1"], Command = "unlock", Arguments = new() { ["minutes"] = 5 },
        NotAfter = Now.AddHours(1), Requester = "dave",
    };

    private static ManifestClaims Manifest()
    {
        var claims = new ManifestClaims
        {
            Issuer = ManifestClaims.Policy, Id = Proposal, IssuedAt = Now, Audience = "door-1", Version = 1, Commands = ["unlock"], Suites = [new("signet-es256-1", null)], OnlySealed = false,
            Classes = [new("critical", ["unlock"], 1, ["alice"])], Approvers = [new("alice", Key.ExportSubjectPublicKeyInfo()) { Passkey = new(RpId, Origin) }],
        };
        using var policy = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=policy", policy, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(Now.AddYears(-1), Now.AddYears(1));
        using var key = SigningKey.Es256(ECDsa.Create(policy.ExportParameters(true)), Thumbprint.Of(certificate));
        using var pinned = PinnedKey.FromCertificate(certificate, ManifestClaims.Policy, "ES256");
        ManifestMessage.TryVerify(ManifestMessage.Sign(claims, key), new() { Keys = KeyRing.Empty.With(pinned), Audience = "door-1", Topic = "", Now = Now }, out var verified, out var why).ShouldBeTrue(why.ToString());
        return verified!.Claims;
    }

    private static string? Approve(Answer answer)
    {
        var part = ApprovalMessage.SignedPart(Claims(), Thumbprint.OfBytes(Key.ExportSubjectPublicKeyInfo()));
        var shown = ApprovalMessage.SignedPart(answer.Shown(Claims()), Thumbprint.OfBytes(Key.ExportSubjectPublicKeyInfo()));
        var client = new JsonObject { ["type"] = "webauthn.get", ["challenge"] = WebAuthnProof.ChallengeOf(shown), ["origin"] = Origin, ["crossOrigin"] = false };
        answer.Client(client);
        var said = Encoding.UTF8.GetBytes(client.ToJsonString());
        byte[] authenticator = [.. SHA256.HashData(Encoding.UTF8.GetBytes(answer.RpId)), answer.Flags, 0, 0, 0, 7];
        byte[] covered = [.. authenticator, .. SHA256.HashData(said)];
        return WebAuthnProof.Encode(authenticator, said, answer.Der(answer.Signer.SignData(covered, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence))) is { } proof ? ApprovalMessage.WithProof(part, proof) : null;
    }

    private static bool IsMet(string approval, out Rejection why) => Quorum.IsMet(new()
    {
        Issuer = "command_center", Audience = "door-1", Id = Proposal, IssuedAt = Now, ExpiresAt = Now.AddSeconds(20), Epoch = 1, Sequence = 1, Topic = Topics.Command("door-1"), Command = "unlock",
        Arguments = new() { ["minutes"] = 5 }, OriginatorName = "dave", OriginatorRole = "operator", Proposal = Proposal, Approvals = [approval],
    }, Manifest(), Now, out why);

    [Fact]
    public void A_passkey_the_manifest_lists_approves()
    {
        for (var i = 0; i < 20; i++) // the signature's S is high every other time, and is brought down
            IsMet(Approve(new())!, out var why).ShouldBeTrue(why.ToString());
    }

    private static readonly Dictionary<string, Answer> Wrong = new()
    {
        ["of another host"] = new() { RpId = "evil.example" },
        ["nobody was verified"] = new() { Flags = 0x01 },
        ["nobody was there"] = new() { Flags = 0x04 },
        ["a registration instead"] = new() { Client = c => c["type"] = "webauthn.create" },
        ["for a sign-in's challenge"] = new() { Client = c => c["challenge"] = Base64Url.EncodeToString(new byte[32]) },
        ["given on another page"] = new() { Client = c => c["origin"] = "https://evil.example" },
        ["given in another's frame"] = new() { Client = c => c["crossOrigin"] = true },
        ["under another page"] = new() { Client = c => c["topOrigin"] = "https://evil.example" },
        ["a challenge that is no text"] = new() { Client = c => c["challenge"] = 7 },
        ["for other arguments"] = new() { Shown = c => c with { Arguments = new() { ["minutes"] = 500 } } },
        ["for another device"] = new() { Shown = c => c with { Devices = ["door-2"] } },
        ["by another's passkey"] = new() { Signer = ECDsa.Create(ECCurve.NamedCurves.nistP256) },
    };

    public static TheoryData<string> Wrongs => [.. Wrong.Keys];

    [Theory]
    [MemberData(nameof(Wrongs))]
    public void Anything_else_is_no_approval(string name)
    {
        IsMet(Approve(Wrong[name])!, out var why).ShouldBeFalse(name);
        why.Reason.ShouldBe(RejectReason.ApprovalInvalid);
        why.Detail.ShouldContain("bad-signature");
    }

    [Fact]
    public void A_signature_that_is_no_pair_of_numbers_has_no_form()
    {
        Approve(new() { Der = d => d[..^1] }).ShouldBeNull();
        Approve(new() { Der = _ => [] }).ShouldBeNull();
        Approve(new() { Der = d => [.. d, 0] }).ShouldBeNull();
    }

    [Fact]
    public void A_proof_in_any_other_bytes_is_refused()
    {
        var approval = Approve(new())!;
        var proof = Base64Url.DecodeFromChars(approval.Split('.')[2]);
        var json = JsonNode.Parse(proof)!.AsObject();
        foreach (var bytes in (byte[][])[[], "{}"u8.ToArray(), Encoding.UTF8.GetBytes(" " + Encoding.UTF8.GetString(proof)), Encoding.UTF8.GetBytes(json.ToJsonString().Replace("}", ",\"x\":1}", StringComparison.Ordinal)), RandomNumberGenerator.GetBytes(64)])
            IsMet($"{approval[..approval.LastIndexOf('.')]}.{Base64Url.EncodeToString(bytes)}", out _).ShouldBeFalse();
    }
}
