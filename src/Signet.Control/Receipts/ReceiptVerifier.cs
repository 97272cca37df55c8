using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Signet.Pki;
using Signet.Proof;
using Signet.Wire;

namespace Signet.Control;

/// <summary>
/// Checks a <see cref="ReceiptFile"/> with nothing but trusted roots: no center, no network, no clock. Certificates are judged at the time of the checkpoint;
/// whether one was revoked later is not in the file and is another question.
/// </summary>
public static class ReceiptVerifier
{
    /// <summary>Never throws on any bytes.</summary>
    /// <param name="file">The file as it was exported; one changed bit anywhere is refused.</param>
    /// <param name="roots">Self-signed certificates the caller trusts.</param>
    public static ReceiptVerdict Verify(ReadOnlySpan<byte> file, IReadOnlyCollection<X509Certificate2> roots)
    {
        var steps = new Steps();
        try
        {
            return Check(file, roots, steps);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or PkiException)
        {
            // The platform's own refusal of a certificate or key inside the file.
            return steps.Refuse(e.Message.ReplaceLineEndings(" "));
        }
    }

    private static ReceiptVerdict Check(ReadOnlySpan<byte> file, IReadOnlyCollection<X509Certificate2> roots, Steps steps)
    {
        steps.Begin("format");
        if (!ReceiptFormat.TryRead(file, out var format, out var why)) return steps.Refuse(why);

        steps.Begin("checkpoint");
        if (!Checkpoint.TryParse(format.Checkpoint, out var checkpoint, out why)) return steps.Refuse($"the checkpoint {why}");
        using var authority = X509CertificateLoader.LoadCertificate(format.Authority);
        var judge = new CertificateJudge(() => new(roots, [authority]), () => RevocationState.Empty, new At(checkpoint.Time));
        using var witness = X509CertificateLoader.LoadCertificate(format.Witness);
        if (WhyNot(judge.Judge(witness, null, CertificatePurpose.CheckpointSigning), CertificateProfile.CheckpointSigner) is { } badWitness) return steps.Refuse($"the checkpoint signer's certificate: {badWitness}");
        if (!AuditWitness.IsSigner(witness, checkpoint)) return steps.Refuse("the checkpoint's signature does not match");

        steps.Begin("command");
        using var signer = X509CertificateLoader.LoadCertificate(format.Signer);
        if (WhyNot(judge.Judge(signer, null, CertificatePurpose.CommandSigning), CertificateProfile.CenterSign) is { } badSigner) return steps.Refuse($"the command signer's certificate: {badSigner}");
        using var centerKey = PinnedKey.FromCertificate(signer, Actor.Center.Name, Suite.Ps256.Algorithm);
        using var device = X509CertificateLoader.LoadCertificate(format.Device);
        var deviceVerdict = judge.Judge(device, null, CertificatePurpose.TlsClient);
        if (WhyNot(deviceVerdict, CertificateProfile.Device) is { } badDevice) return steps.Refuse($"the device's certificate: {badDevice}");
        var name = deviceVerdict.Identity!.Name;
        // A command lives seconds and a proof years: it is held against the moment it names itself, which its signature covers.
        if (!CommandMessage.TryVerify(Encoding.ASCII.GetBytes(format.Command), Expect(centerKey, name, Topics.Command(name), IssuedAt(format.Command)), out var command, out var rejection))
            return steps.Refuse($"the command: {Of(rejection)}");
        if (command.Claims.Id != format.Id) return steps.Refuse("the file's id is not the command's");
        var digest = command.Digest;
        if (format.Envelope is { } envelope)
        {
            steps.Begin("envelope");
            if (!SealedMessage.TryOpenWithContentKey(Encoding.ASCII.GetBytes(envelope), format.ContentKey, out var opened, out rejection)) return steps.Refuse($"the envelope: {Of(rejection)}");
            if (!opened.AsSpan().SequenceEqual(command.Bytes.Span)) return steps.Refuse("the envelope holds another command");
            digest = Thumbprint.OfBytes(Encoding.ASCII.GetBytes(envelope));
        }

        if (format.Manifest is null != command.Claims.Proposal is null) return steps.Refuse("approvals and the manifest that demands them belong together");
        if (format.Manifest is { } manifest)
        {
            steps.Begin("approvals");
            if (!Approved(manifest, format.Policy, command.Claims, roots, out why)) return steps.Refuse(why);
        }

        steps.Begin("receipt");
        using var deviceKey = PinnedKey.FromCertificate(device, name, device.GetRSAPublicKey() is null ? Suite.Es256.Algorithm : Suite.Ps256.Algorithm);
        if (!ReceiptMessage.TryVerify(Encoding.ASCII.GetBytes(format.Receipt), Expect(deviceKey, Actor.Center.Name, Topics.Receipt(name), checkpoint.Time), out var receipt, out rejection))
            return steps.Refuse($"the receipt: {Of(rejection)}");
        if (receipt.Claims.InReplyTo != command.Claims.Id || receipt.Claims.Digest != digest) return steps.Refuse("the receipt answers another command");

        steps.Begin("audit entry");
        if (!CanonicalJson.TryParse(format.Entry, out var entry, out why)) return steps.Refuse($"the entry: {why}");
        if (entry["seq"]?.ToJsonString() != format.Sequence.ToString(System.Globalization.CultureInfo.InvariantCulture)) return steps.Refuse("the entry has another number");
        if ((entry["details"] as JsonObject)?["receipt"]?.ToString() != receipt.Digest) return steps.Refuse("the entry is about another receipt");
        if (!MerkleTree.VerifyInclusion(MerkleTree.LeafHash(format.Entry), format.Sequence - 1, checkpoint.Size, format.Path, checkpoint.Root))
            return steps.Refuse("the entry is not under the checkpoint");

        return steps.Accept(new(command.Claims.Id, name, command.Claims.Command, command.Claims.OriginatorName, Words.Of(receipt.Claims.State),
            receipt.Claims.State == ReceiptState.Rejected ? RejectReasons.Of(receipt.Claims.Reason).Name : "", command.Claims.IssuedAt, receipt.Claims.IssuedAt));
    }

    // Every field of every approval, against the manifest, at the time the command was signed. The policy key must be one the reader trusts: a root, or beside the roots.
    private static bool Approved(string message, byte[] policyDer, CommandClaims command, IReadOnlyCollection<X509Certificate2> trusted, out string why)
    {
        using var policy = X509CertificateLoader.LoadCertificate(policyDer);
        if (!trusted.Any(t => t.RawData.AsSpan().SequenceEqual(policyDer)))
        {
            why = $"the manifest is signed by a policy key that is not among the trusted certificates ({policy.Subject}); add its policy.crt to them if you trust it";
            return false;
        }

        using var key = PinnedKey.FromCertificate(policy, ManifestClaims.Policy, policy.GetRSAPublicKey() is null ? Suite.Es256.Algorithm : Suite.Ps256.Algorithm);
        var expected = new Expectation { Keys = KeyRing.Empty.With(key), Audience = command.Audience, Topic = "", Now = command.IssuedAt, HasClock = false };
        if (!ManifestMessage.TryVerify(Encoding.ASCII.GetBytes(message), expected, out var manifest, out var rejection) || !Quorum.IsMet(command, manifest.Claims, command.IssuedAt, out rejection))
        {
            why = Of(rejection);
            return false;
        }

        why = manifest.Claims.ClassOf(command.Command) is null ? "the manifest demands no approval for this command" : "";
        return why.Length == 0;
    }

    private static Expectation Expect(PinnedKey key, string audience, string topic, DateTimeOffset now) => new()
    {
        Keys = KeyRing.Empty.With(key), Audience = audience, Topic = topic, Now = now, MaximumAge = Expectation.AnyAge,
    };

    private static string? WhyNot(CertificateVerdict verdict, CertificateProfile profile) => !verdict.Accepted ? $"{Words.Of(verdict.Refusal)}: {verdict.Detail}"
        : verdict.Identity!.Profile != profile ? $"it is not a {Words.Of(profile)} certificate" : null;

    private static string Of(Rejection rejection) => $"{RejectReasons.Of(rejection.Reason).Name}: {rejection.Detail}";

    private static DateTimeOffset IssuedAt(string jws)
    {
        var parts = jws.Split('.');
        return parts.Length == 3 && System.Buffers.Text.Base64Url.IsValid(parts[1]) && CanonicalJson.TryParse(System.Buffers.Text.Base64Url.DecodeFromChars(parts[1]), out var claims, out _) && claims["iat"] is JsonValue value && value.TryGetValue<long>(out var seconds)
            ? DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(seconds, 0, WireLimits.UnixSeconds)) : DateTimeOffset.UnixEpoch;
    }

    /// <summary>What was checked so far.</summary>
    private sealed class Steps
    {
        private readonly List<string> _names = [];

        public void Begin(string name) => _names.Add(name);

        public ReceiptVerdict Refuse(string problem) => new(false, $"{_names[^1]}: {problem}", _names, null);

        public ReceiptVerdict Accept(ReceiptSummary summary) => new(true, "", _names, summary);
    }

    private sealed class At(DateTimeOffset time) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => time;
    }
}
