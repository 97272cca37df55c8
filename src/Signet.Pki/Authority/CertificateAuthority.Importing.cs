using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>An authority that other tools made.</summary>
/// <param name="RootKey">Null: it stays offline; then there must be an intermediate with its key.</param>
/// <param name="Intermediate">Null: one is made under the root.</param>
/// <param name="RevocationLists">Files with its revocation lists; what they name stays revoked, and their numbers go on.</param>
public sealed record ForeignAuthority(X509Certificate2 Root, AsymmetricAlgorithm? RootKey, X509Certificate2? Intermediate = null, AsymmetricAlgorithm? IntermediateKey = null, IReadOnlyList<string>? RevocationLists = null);

/// <content>Taking over other people's authorities, and an intermediate whose root stays offline.</content>
public sealed partial class CertificateAuthority
{
    private const string PendingKey = "pending.key";

    /// <summary>Takes over an existing authority; its certificates stay good. Nothing is written before everything was checked.</summary>
    /// <exception cref="PkiException">It cannot be one, and why.</exception>
    public static CertificateAuthority Import(string directory, AuthorityOptions options, ForeignAuthority foreign, TimeProvider time, RandomNumberGenerator random)
    {
        var files = new AuthorityFiles(directory);
        var now = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds());
        if (!AuthorityFiles.IsSelfSigned(foreign.Root)) throw new PkiException("the root is not signed by itself; give the root, not an intermediate");
        RequireAuthority(foreign.Root, foreign.Root, foreign.RootKey, now);
        var root = new SigningAuthority(foreign.Root, foreign.RootKey);
        SigningAuthority intermediate;
        AsymmetricAlgorithm intermediateKey;
        if (foreign.Intermediate is { } given)
        {
            intermediateKey = foreign.IntermediateKey ?? throw new PkiException("the key of the intermediate is missing; it signs every day");
            RequireAuthority(given, foreign.Root, intermediateKey, now);
            intermediate = new(given, intermediateKey);
        }
        else
        {
            if (foreign.RootKey is null) throw new PkiException("without an intermediate the root's key is needed to make one");
            (intermediate, intermediateKey) = NewAuthority(root, $"{options.Organization} Intermediate CA", options, now, random);
        }

        RequireUsable(root, intermediate, options, now, random);
        var revoked = (foreign.RevocationLists ?? []).Select(path => ForeignLists.Load(path, new([foreign.Root], [intermediate.Certificate]), out _)).SelectMany(s => s.All).ToList();
        var numbers = (foreign.RevocationLists ?? []).SelectMany(ForeignLists.NumbersOf).ToList();

        files.Prepare();
        if (foreign.RootKey is { } rootKey) KeyFile.Save(files.RootKey, rootKey);
        PemFile.Write(files.RootCertificate, PemFile.Encode(foreign.Root));
        KeyFile.Save(files.IntermediateKey, intermediateKey);
        PemFile.Write(files.IntermediateCertificate, PemFile.Encode(intermediate.Certificate));
        var made = new CertificateAuthority(files, options, time, random, new([root], [intermediate], [], []), LedgerFile.Create(files.Ledger));
        made.Record(made.Root, root.Id, CertificateProfile.Root, CommonNameOf(made.Root));
        made.Record(made.Intermediate, root.Id, CertificateProfile.Intermediate, CommonNameOf(made.Intermediate));
        LedgerLine[] lines =
        [
            .. revoked.Select(r => new LedgerLine(LedgerLine.Revoked, r.At, r.Issuer) { Serial = r.Serial, Reason = r.Reason }),
            .. numbers.Select(n => new LedgerLine(LedgerLine.Crl, now, n.Issuer) { Number = n.Number }),
        ];
        if (lines.Length > 0) made._file.Append(lines);
        made._ledger.Apply(lines);
        made._revocations = made._ledger.Revocations;
        made.PublishLists(_ => true, asBase: true);
        return made;
    }

    /// <summary>First step with an offline root: makes the next intermediate's key, which stays here, and gives the request to carry to the root (PEM).</summary>
    public string BeginIntermediate()
    {
        lock (_lock)
        {
            using var key = KeyKinds.Create(_options.AuthorityKey);
            KeyFile.Save(_files.In(PendingKey), key);
            var subject = DistinguishedNames.Subject(_options.Organization, Numbered("Intermediate CA", CertificateProfile.Intermediate));
            return key is ECDsa ec
                ? new CertificateRequest(subject, ec, HashAlgorithmName.SHA256).CreateSigningRequestPem() + "\n"
                : new CertificateRequest(subject, (RSA)key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequestPem() + "\n";
        }
    }

    /// <summary>Second step, where the root's key is: signs the request as an intermediate. The contents are this house's own; the request gives name and key.</summary>
    /// <exception cref="PkiException">The request is not good.</exception>
    public static string SignIntermediate(X509Certificate2 root, AsymmetricAlgorithm rootKey, ReadOnlySpan<byte> request, AuthorityOptions options, TimeProvider time, RandomNumberGenerator random)
    {
        if (!SigningRequest.TryRead(request, out var read, out _, out var why)) throw new PkiException($"the request is refused: {why}");
        var now = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds());
        RequireAuthority(root, root, rootKey, now);
        var name = read.Subject.FirstOrDefault(p => p.Type == Oids.CommonName).Value ?? throw new PkiException("the request is refused: it names nobody");
        var issuer = new SigningAuthority(root, rootKey);
        var extensions = CertificateExtensions.ForAuthority(read.Key, issuer, 0, options.Constraints, options.Organization, options.PublicUrl is { } url ? new PublicAddresses(url) : null);
        using var certificate = issuer.Sign(DistinguishedNames.Subject(options.Organization, name), read.Key, extensions, now - PkiLimits.Backdate, now + PkiLimits.IntermediateLifetime, NewSerial(random));
        return PemFile.Encode(certificate);
    }

    /// <summary>Third step: takes the root's answer and issues with it from now on.</summary>
    /// <param name="answer">One certificate from each root that is relied on.</param>
    /// <exception cref="PkiException">It is not the answer to the request, or was not signed by the roots.</exception>
    public void CompleteIntermediate(X509Certificate2Collection answer)
    {
        lock (_lock)
        {
            var path = _files.In(PendingKey);
            if (!File.Exists(path)) throw new PkiException("no request is waiting for an answer; begin with one");
            var certificates = _held.Roots.Select(r => answer.FirstOrDefault(c => AuthorityFiles.IsSignedBy(c, r.Certificate))
                ?? throw new PkiException($"the answer holds no certificate signed by \"{CommonNameOf(r.Certificate)}\"")).ToList();
            var key = AuthorityFiles.LoadKey(path, certificates[0]);
            foreach (var (certificate, root) in certificates.Zip(_held.Roots)) RequireAuthority(certificate, root.Certificate, key, Now());
            if (_ledger.Knows(DistinguishedNames.Id(certificates[0].IssuerName), CertificateFacts.Serial(certificates[0]))) throw new PkiException("this answer was taken before");

            var rotation = new RotationFiles(_files);
            rotation.Begin();
            Adopt(rotation, _held.Roots, certificates, key);
            File.Delete(path);
        }
    }

    private static void RequireAuthority(X509Certificate2 certificate, X509Certificate2 issuer, AsymmetricAlgorithm? key, DateTimeOffset now)
    {
        var name = CommonNameOf(certificate);
        if (!AuthorityFiles.IsSignedBy(certificate, issuer)) throw new PkiException($"\"{name}\" was not signed by \"{CommonNameOf(issuer)}\"");
        if (!certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(e => e.CertificateAuthority)) throw new PkiException($"\"{name}\" is not an authority (basic constraints)");
        const X509KeyUsageFlags Needed = X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign;
        if (certificate.Extensions.OfType<X509KeyUsageExtension>().Any(e => (e.KeyUsages & Needed) != Needed)) throw new PkiException($"\"{name}\" may not sign both certificates and revocation lists (key usage)");
        if (Oids.BrokenSignatures.Contains(certificate.SignatureAlgorithm.Value ?? "")) throw new PkiException($"\"{name}\" is signed with a broken hash ({certificate.SignatureAlgorithm.FriendlyName})");
        if (now > CertificateFacts.NotAfter(certificate)) throw new PkiException($"\"{name}\" expired on {CertificateFacts.NotAfter(certificate):u}");
        if (KeyKinds.Of(certificate.PublicKey) is null) throw new PkiException($"the key of \"{name}\" is of no kind this house takes: P-256, P-384, RSA 2048, 3072 or 4096");
        if (key is not null && !KeyKinds.PublicOf(key).ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(certificate.PublicKey.ExportSubjectPublicKeyInfo()))
            throw new PkiException($"the key given for \"{name}\" is not its key");
    }

    // Path length, name constraints and usages of other people's authorities say "no" in many ways: a trial certificate finds out before anything is written.
    private static void RequireUsable(SigningAuthority root, SigningAuthority intermediate, AuthorityOptions options, DateTimeOffset now, RandomNumberGenerator random)
    {
        using var key = KeyKinds.Create(KeyKind.P256);
        var draft = LeafDraft.From(new(CertificateProfile.Device, "trial"), KeyKinds.PublicOf(key), NameConstraints.None);
        var extensions = CertificateExtensions.ForLeaf(draft.Rules, draft.Key, draft.Kind, draft.Names, intermediate, null);
        using var trial = intermediate.Sign(DistinguishedNames.Subject(options.Organization, draft.Name), draft.Key, extensions, now - PkiLimits.Backdate, now + TimeSpan.FromHours(1), NewSerial(random));
        if (JudgedPath.Build(trial, null, new([root.Certificate], [intermediate.Certificate]), now, out var why) is null)
            throw new PkiException($"what \"{CommonNameOf(intermediate.Certificate)}\" signs would not be accepted: {why}");
    }
}
