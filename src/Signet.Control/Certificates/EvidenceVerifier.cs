using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Pki;
using Signet.Wire;

namespace Signet.Control;

/// <summary>What was found in a revocation's evidence.</summary>
/// <param name="Problem">One line; empty when it is genuine and whole.</param>
/// <param name="Parts">The parts in order; empty when it is not genuine.</param>
public sealed record EvidenceVerdict(string Problem, IReadOnlyList<RevocationClaims> Parts)
{
    public bool IsGenuine => Problem.Length == 0 && Parts.Count > 0;
}

/// <summary>Checks evidence of a revocation with nothing but trusted roots: no center, no network, no clock.</summary>
public static class EvidenceVerifier
{
    /// <summary>Bytes of evidence that are looked at. Chosen: a fleet of 10,000 in one act has about 15 MB.</summary>
    public const int MaximumBytes = 64 << 20;

    /// <summary>Never throws on any bytes.</summary>
    /// <param name="evidence">Compact JWS, one a line.</param>
    /// <param name="roots">Self-signed certificates the caller trusts.</param>
    public static EvidenceVerdict Verify(ReadOnlySpan<byte> evidence, IReadOnlyCollection<X509Certificate2> roots)
    {
        if (evidence.Length > MaximumBytes) return Refuse($"more than {MaximumBytes} bytes");
        var parts = new List<RevocationClaims>();
        foreach (var line in evidence.ToArray().AsSpan().TrimEnd((byte)'\n').Split((byte)'\n'))
        {
            var number = parts.Count + 1;
            try
            {
                if (WhyNot(evidence[line], roots, out var claims) is { } why) return Refuse($"part {number}: {why}");
                if (parts.Count > 0 && (claims!.Act, claims.Version, claims.Parts) != (parts[0].Act, parts[0].Version, parts[0].Parts)) return Refuse($"part {number} belongs to another record");
                if (claims!.Part != number) return Refuse($"part {number} is missing or out of order");
                parts.Add(claims);
            }
            catch (Exception e) when (e is CryptographicException or ArgumentException)
            {
                return Refuse($"part {number}: {e.Message.ReplaceLineEndings(" ")}");
            }
        }

        return parts.Count == parts[0].Parts ? new("", parts) : Refuse($"{parts.Count} of {parts[0].Parts} parts are there");
    }

    private static string? WhyNot(ReadOnlySpan<byte> message, IReadOnlyCollection<X509Certificate2> roots, out RevocationClaims? claims)
    {
        claims = null;
        var chain = RevocationMessage.PeekChain(message);
        if (chain.Count == 0) return "it is not evidence of a revocation";
        using var leaf = X509CertificateLoader.LoadCertificate(chain[0].Span);
        var above = new X509Certificate2Collection();
        foreach (var der in chain.Skip(1)) above.Add(X509CertificateLoader.LoadCertificate(der.Span));
        using var key = PinnedKey.FromCertificate(leaf, Actor.Center.Name, Suite.Ps256.Algorithm);
        if (!RevocationMessage.TryVerify(message, new() { Keys = KeyRing.Empty.With(key), Topic = "", Now = default, HasClock = false }, out var verified, out var rejection))
            return $"{RejectReasons.Of(rejection.Reason).Name}: {rejection.Detail}";
        // Judged at the moment it was signed, which its signature covers.
        var verdict = new CertificateJudge(() => new(roots), () => RevocationState.Empty, new Moment(verified.Claims.IssuedAt)).Judge(leaf, above, CertificatePurpose.CommandSigning);
        if (!verdict.Accepted) return $"the certificate it was signed with is refused: {verdict.Detail}";
        if (verdict.Identity!.Profile != CertificateProfile.CenterSign) return "it was not signed by a command center";
        claims = verified.Claims;
        return null;
    }

    private static EvidenceVerdict Refuse(string problem) => new(problem, []);

    private sealed class Moment(DateTimeOffset time) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => time;
    }
}
