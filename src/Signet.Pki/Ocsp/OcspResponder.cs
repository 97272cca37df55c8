using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>
/// Answers OCSP questions (RFC 6960) from the authority's own ledger, so a revocation is in the very next answer. Leaves are answered for by a delegated
/// responder with a short-lived certificate of its own, authorities by the root itself. A serial that was never issued here is unknown, which is not good.
/// Safe for any number of threads.
/// </summary>
public sealed class OcspResponder(CertificateAuthority authority, TimeProvider time) : IDisposable
{
    private readonly Lock _lock = new();
    private (SigningAuthority Key, X509Certificate2 Issuer, DateTimeOffset RenewAt)? _delegated;

    /// <param name="request">DER as posted; any bytes.</param>
    public OcspResponse Respond(ReadOnlyMemory<byte> request)
    {
        if (OcspRequest.TryRead(request) is not { } question) return Error(OcspStatus.MalformedRequest);
        // One answer has one signer, and a signer speaks for one issuer: the first question chooses, others than its issuer's are unknown.
        if (question.Certificates.Select(IssuerOf).FirstOrDefault(i => i is not null) is not { } issuer) return Error(OcspStatus.Unauthorized);

        var revocations = authority.Revocations;
        var answers = question.Certificates.Select(id => Answer(id, issuer, revocations)).ToList();
        var now = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds());
        var nextUpdate = now + PkiLimits.OcspLifetime;
        lock (_lock)
        {
            var (signer, certificate) = SignerFor(issuer, now);
            if (signer is null) return Error(OcspStatus.Unauthorized);
            var der = OcspAnswer.Sign(signer, certificate, answers, question.Nonce, now, nextUpdate);
            return new(OcspStatus.Successful, der, question.Nonce is null ? nextUpdate : null);
        }
    }

    /// <summary>The request inside a GET (RFC 6960, appendix A.1): base64 of the DER, percent-encoded, after <c>/ocsp/</c>. Null when it is none.</summary>
    public static byte[]? TryDecodeGet(string path)
    {
        if (path.Length > PkiLimits.MaximumOcspRequestBytes * 2) return null;
        var base64 = Uri.UnescapeDataString(path);
        var der = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, der, out var written) ? der[..written] : null;
    }

    public void Dispose()
    {
        lock (_lock) _delegated?.Key.Dispose();
    }

    private static OcspResponse Error(OcspStatus status) => new(status, OcspAnswer.Error(status), null);

    private OcspAnswer.Single Answer(OcspCertificateId id, X509Certificate2 issuer, RevocationState revocations)
    {
        if (!ReferenceEquals(IssuerOf(id), issuer)) return new(id.Encoded, Known: false, null);
        var issuerId = DistinguishedNames.Id(issuer.SubjectName);
        var revoked = revocations.TryFind(issuerId, id.Serial, out var entry) ? entry : null;
        return new(id.Encoded, revoked is not null || authority.Find(id.Serial)?.Issuer == issuerId, revoked);
    }

    private X509Certificate2? IssuerOf(OcspCertificateId id) => authority.Authorities.FirstOrDefault(a => id.Hash is { } hash
        && Hash(hash, a.SubjectName.RawData).AsSpan().SequenceEqual(id.IssuerNameHash.Span)
        && Hash(hash, a.PublicKey.EncodedKeyValue.RawData).AsSpan().SequenceEqual(id.IssuerKeyHash.Span));

    private (SigningAuthority? Signer, X509Certificate2? Certificate) SignerFor(X509Certificate2 issuer, DateTimeOffset now)
    {
        if (!ReferenceEquals(issuer, authority.Intermediate)) return (authority.SignerOf(issuer), null);
        if (_delegated is not { } present || present.RenewAt <= now || !ReferenceEquals(present.Issuer, issuer)) _delegated = present = NewDelegate(issuer, now);
        return (present.Key, present.Key.Certificate);
    }

    private (SigningAuthority Key, X509Certificate2 Issuer, DateTimeOffset RenewAt) NewDelegate(X509Certificate2 issuer, DateTimeOffset now)
    {
        _delegated?.Key.Dispose();
        var key = KeyKinds.Create(KeyKind.P256);
        var issued = authority.IssueFor(new(CertificateProfile.OcspSigner, "ocsp_signer", Lifetime: PkiLimits.OcspSignerLifetime), KeyKinds.PublicOf(key));
        return (new(issued.Certificate, key), issuer, now + PkiLimits.OcspSignerLifetime * 2 / 3);
    }

    // The questioner chooses how it names the issuer; nothing is decided by the strength of that hash.
    private static byte[] Hash(HashAlgorithmName hash, byte[] data) => CryptographicOperations.HashData(hash, data);
}
