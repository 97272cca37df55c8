using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>A root or an intermediate: its certificate and, unless it is kept offline, its key. Not safe for threads by itself; the authority's lock guards it.</summary>
internal sealed class SigningAuthority : IDisposable
{
    private readonly AsymmetricAlgorithm? _key;
    private readonly X509SignatureGenerator? _generator;

    public SigningAuthority(X509Certificate2 certificate, AsymmetricAlgorithm? key)
    {
        Certificate = certificate;
        _key = key;
        _generator = key is null ? null : GeneratorOf(key);
        Id = DistinguishedNames.Id(certificate.SubjectName);
        Name = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        FileName = PublicAddresses.FileNameOf(certificate);
        Kind = KeyKinds.Of(certificate.PublicKey);
        SubjectKeyIdentifier = certificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>().FirstOrDefault()?.SubjectKeyIdentifierBytes.ToArray()
            ?? SHA1OfKey(certificate);
        Hash = HashOf(Kind);
    }

    public X509Certificate2 Certificate { get; }

    /// <summary>Key of this issuer in ledger and revocation state.</summary>
    public string Id { get; }

    /// <summary>Common name. It, the file's name and the key's kind are read from the certificate once: lists of authorities ask often.</summary>
    public string Name { get; }

    /// <summary>Under which the PKI endpoint publishes it.</summary>
    public string FileName { get; }

    public KeyKind? Kind { get; }

    public byte[] SubjectKeyIdentifier { get; }

    public bool CanSign => _generator is not null;

    private HashAlgorithmName Hash { get; }

    public X509Certificate2 Sign(X500DistinguishedName subject, PublicKey key, IEnumerable<X509Extension> extensions, DateTimeOffset notBefore, DateTimeOffset notAfter, byte[] serial)
    {
        var request = new CertificateRequest(subject, key, Hash, RSASignaturePadding.Pkcs1);
        foreach (var extension in extensions) request.CertificateExtensions.Add(extension);
        return request.Create(Certificate.SubjectName, Generator, notBefore, notAfter, serial);
    }

    public static X509Certificate2 SelfSign(X500DistinguishedName subject, AsymmetricAlgorithm key, IEnumerable<X509Extension> extensions, DateTimeOffset notBefore, DateTimeOffset notAfter, byte[] serial)
    {
        var publicKey = KeyKinds.PublicOf(key);
        var request = new CertificateRequest(subject, publicKey, HashOf(KeyKinds.Of(publicKey)), RSASignaturePadding.Pkcs1);
        foreach (var extension in extensions) request.CertificateExtensions.Add(extension);
        return request.Create(subject, GeneratorOf(key), notBefore, notAfter, serial);
    }

    /// <summary>DER of the AlgorithmIdentifier that stands beside signatures of <see cref="SignBytes"/>.</summary>
    public byte[] SignatureAlgorithm() => Generator.GetSignatureAlgorithmIdentifier(Hash);

    public byte[] SignBytes(byte[] toBeSigned) => Generator.SignData(toBeSigned, Hash);

    public void Dispose()
    {
        _key?.Dispose();
        Certificate.Dispose();
    }

    private X509SignatureGenerator Generator => _generator
        ?? throw new PkiException($"the key of \"{Name}\" is not here (kept offline); bring it back to sign with it");

    private static X509SignatureGenerator GeneratorOf(AsymmetricAlgorithm key) => key switch
    {
        ECDsa ec => X509SignatureGenerator.CreateForECDsa(ec),
        RSA rsa => X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1),
        _ => throw new ArgumentException("only RSA and elliptic-curve keys", nameof(key)),
    };

    // A hash as strong as the curve; RSA-4096 stays with SHA-256, which every client knows.
    private static HashAlgorithmName HashOf(KeyKind? kind) => kind == KeyKind.P384 ? HashAlgorithmName.SHA384 : HashAlgorithmName.SHA256;

    // Not a security decision: the identifier only helps to find a path, and SHA-1 of the key is what other authorities' tools wrote (RFC 5280, section 4.2.1.2).
#pragma warning disable CA5350
    private static byte[] SHA1OfKey(X509Certificate2 certificate) => SHA1.HashData(certificate.PublicKey.EncodedKeyValue.RawData);
#pragma warning restore CA5350
}
