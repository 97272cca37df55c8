using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>A genuine path from a leaf to one of our roots, and what must be looked at again on every judgement.</summary>
internal sealed class JudgedPath
{
    // More than any honest peer sends; each costs a parse and a place in the search.
    private const int MaximumSent = 8;

    private readonly Link[] _links;
    private readonly HashSet<string>? _usages;
    private readonly bool _signs;
    private readonly string _wrongName;
    private readonly CertificateIdentity _identity;

    private JudgedPath(TrustStore trust, Link[] links, X509Certificate2 leaf)
    {
        Trust = trust;
        _links = links;
        EndOfAuthorities = links.Skip(1).Select(l => l.NotAfter).DefaultIfEmpty(DateTimeOffset.MaxValue).Min();
        _usages = UsagesOf(leaf);
        _signs = leaf.Extensions.OfType<X509KeyUsageExtension>().All(e => (e.KeyUsages & X509KeyUsageFlags.DigitalSignature) != X509KeyUsageFlags.None)
            && !leaf.Extensions.OfType<X509BasicConstraintsExtension>().Any(e => e.CertificateAuthority);
        (_identity, _wrongName) = PathIdentity.Of(leaf);
    }

    /// <summary>The store the path was built on; another store means another path.</summary>
    public TrustStore Trust { get; }

    /// <summary>When the first authority on the path expires: another path may exist then.</summary>
    public DateTimeOffset EndOfAuthorities { get; }

    /// <param name="absence">How long after its end the leaf is still taken.</param>
    public CertificateVerdict Judge(CertificatePurpose purpose, RevocationState revocations, DateTimeOffset now, TimeSpan absence)
    {
        for (var i = 0; i < _links.Length; i++)
        {
            if (revocations.TryFind(_links[i].Issuer, _links[i].Serial, out var revoked))
                return Refuse(CertificateRefusal.Revoked, $"{Which(i)} was revoked on {revoked.At:u} ({revoked.Reason})");
        }

        for (var i = 0; i < _links.Length; i++)
        {
            if (now > _links[i].NotAfter + (i == 0 ? absence : TimeSpan.Zero)) return Refuse(CertificateRefusal.Expired, $"{Which(i)} expired on {_links[i].NotAfter:u}");
            if (now < _links[i].NotBefore) return Refuse(CertificateRefusal.NotYetValid, $"{Which(i)} is not valid before {_links[i].NotBefore:u}");
        }

        var required = ProfileRules.RequiredUsage(purpose);
        if (!(_usages?.Contains(required) ?? purpose is CertificatePurpose.TlsServer or CertificatePurpose.TlsClient)) return Refuse(CertificateRefusal.WrongUsage, $"the certificate's extended key usage does not cover {purpose}");
        if (purpose != CertificatePurpose.Sealing && !_signs) return Refuse(CertificateRefusal.WrongUsage, "the certificate's key may not sign");
        return _wrongName.Length > 0 ? Refuse(CertificateRefusal.WrongName, _wrongName) : new(CertificateRefusal.None, "", _identity);
    }

    /// <summary>Null when there is no genuine path; <paramref name="why"/> then says what is wrong.</summary>
    public static JudgedPath? Build(X509Certificate2 leaf, X509Certificate2Collection? sent, TrustStore trust, DateTimeOffset now, out string why)
    {
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.DisableCertificateDownloads = true;
        // Time is our own look, every time; here it only chooses between several paths.
        policy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        policy.VerificationTime = now.UtcDateTime;
        policy.VerificationTimeIgnored = false;
        foreach (var root in trust.Roots) policy.CustomTrustStore.Add(root);
        foreach (var intermediate in trust.Intermediates) policy.ExtraStore.Add(intermediate);
        foreach (var other in (sent ?? []).Take(MaximumSent)) policy.ExtraStore.Add(other);
        try
        {
            if (!chain.Build(leaf))
            {
                why = Describe(chain);
                return null;
            }

            var elements = chain.ChainElements.Select(e => e.Certificate).ToList();
            if (elements.FirstOrDefault(c => Oids.BrokenSignatures.Contains(c.SignatureAlgorithm.Value ?? "")) is { } weak)
            {
                why = $"a certificate on the path is signed with a broken hash ({weak.SignatureAlgorithm.FriendlyName})";
                return null;
            }

            why = "";
            return new(trust, [.. elements.Select(Link.Of)], leaf);
        }
        catch (CryptographicException e)
        {
            why = $"the certificate cannot be read: {e.Message}";
            return null;
        }
        finally
        {
            foreach (var element in chain.ChainElements) element.Certificate.Dispose();
        }
    }

    // Null when the extension is absent: other authorities' tools often leave it out, and for TLS that means "any" (RFC 5280, section 4.2.1.12).
    private static HashSet<string>? UsagesOf(X509Certificate2 leaf)
    {
        HashSet<string>? usages = null;
        foreach (var extension in leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>())
        {
            usages ??= new(StringComparer.Ordinal);
            foreach (var usage in extension.EnhancedKeyUsages) usages.Add(Oids.Present(usage.Value ?? ""));
        }

        return usages;
    }

    private static string Describe(X509Chain chain)
    {
        var worst = chain.ChainStatus.Select(s => s.Status).Where(s => s != X509ChainStatusFlags.NotTimeValid).ToList();
        return worst switch
        {
            _ when worst.Contains(X509ChainStatusFlags.PartialChain) || worst.Contains(X509ChainStatusFlags.UntrustedRoot) => "no path to an authority trusted here",
            _ when worst.Contains(X509ChainStatusFlags.NotSignatureValid) => "a signature on the path is wrong",
            _ => $"the path is not valid: {string.Join(", ", worst.Distinct())}",
        };
    }

    private static string Which(int link) => link == 0 ? "the certificate" : "an authority on its path";

    private CertificateVerdict Refuse(CertificateRefusal refusal, string detail) => new(refusal, detail, _identity);

    private readonly record struct Link(string Issuer, string Serial, DateTimeOffset NotBefore, DateTimeOffset NotAfter)
    {
        public static Link Of(X509Certificate2 certificate) => new(DistinguishedNames.Id(certificate.IssuerName), CertificateFacts.Serial(certificate),
            CertificateFacts.NotBefore(certificate), CertificateFacts.NotAfter(certificate));
    }
}
