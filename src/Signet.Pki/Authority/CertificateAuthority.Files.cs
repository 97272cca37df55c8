using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <content>Making an authority and opening one.</content>
public sealed partial class CertificateAuthority
{
    /// <summary>Makes a new authority in an empty or missing directory. The ledger is written last: a directory without it is half made and is refused by <see cref="Open"/>.</summary>
    /// <exception cref="PkiException">The directory holds an authority already, or cannot be written.</exception>
    public static CertificateAuthority Create(string directory, AuthorityOptions options, TimeProvider time, RandomNumberGenerator random)
    {
        var files = new AuthorityFiles(directory);
        files.Prepare();
        var now = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds());
        var root = NewAuthority(null, $"{options.Organization} Root CA", options, now, random, options.RootKeyUri);
        var intermediate = NewAuthority(root.Authority, $"{options.Organization} Intermediate CA", options, now, random, options.IntermediateKeyUri);
        SaveKey(files.RootKey, root.Key, options.RootKeyUri);
        PemFile.Write(files.RootCertificate, PemFile.Encode(root.Authority.Certificate));
        SaveKey(files.IntermediateKey, intermediate.Key, options.IntermediateKeyUri);
        PemFile.Write(files.IntermediateCertificate, PemFile.Encode(intermediate.Authority.Certificate));

        var held = new HeldAuthorities([root.Authority], [intermediate.Authority], [], []);
        var made = new CertificateAuthority(files, options, time, random, held, LedgerFile.Create(files.Ledger));
        made.Record(made.Root, held.Root.Id, CertificateProfile.Root, CommonNameOf(made.Root));
        made.Record(made.Intermediate, held.Root.Id, CertificateProfile.Intermediate, CommonNameOf(made.Intermediate));
        made.PublishLists(_ => true, asBase: true);
        return made;
    }

    /// <summary>Opens what <see cref="Create"/> made. Without <c>root.key</c> (kept offline) everything works but a new root list and a new intermediate.</summary>
    /// <exception cref="PkiException">Files are missing, contradict each other or are readable by others; one clear line.</exception>
    public static CertificateAuthority Open(string directory, AuthorityOptions options, TimeProvider time, RandomNumberGenerator random)
    {
        var files = new AuthorityFiles(directory);
        new RotationFiles(files).Recover();
        files.RequireComplete();
        var file = LedgerFile.Open(files.Ledger, out var lines);
        try
        {
            var retired = lines.Where(l => l.Event == LedgerLine.Retired).Select(l => l.Serial).ToHashSet(StringComparer.Ordinal);
            var opened = new CertificateAuthority(files, options, time, random, files.Load(root => retired.Contains(CertificateFacts.Serial(root))), file);
            opened.Recover(lines);
            return opened;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static (SigningAuthority Authority, AsymmetricAlgorithm Key) NewAuthority(
        SigningAuthority? issuer, string commonName, AuthorityOptions options, DateTimeOffset now, RandomNumberGenerator random, string? keyUri = null)
    {
        var key = keyUri is null ? KeyKinds.Create(options.AuthorityKey) : Pkcs11Key.Open(keyUri);
        var publicKey = KeyKinds.PublicOf(key);
        var subject = DistinguishedNames.Subject(options.Organization, commonName);
        var notBefore = now - PkiLimits.Backdate;
        var addresses = options.PublicUrl is { } url ? new PublicAddresses(url) : null;
        var certificate = issuer is not null
            ? issuer.Sign(subject, publicKey, CertificateExtensions.ForAuthority(publicKey, issuer, 0, options.Constraints, options.Organization, addresses),
                notBefore, now + PkiLimits.IntermediateLifetime, NewSerial(random))
            : SigningAuthority.SelfSign(subject, key, CertificateExtensions.ForAuthority(publicKey, null, 1, NameConstraints.None, options.Organization, null),
                notBefore, now + PkiLimits.RootLifetime, NewSerial(random));
        return (new(certificate, key), key);
    }

    private static void SaveKey(string path, AsymmetricAlgorithm key, string? uri)
    {
        if (uri is null) KeyFile.Save(path, key);
        else KeyFile.SaveUri(path, uri);
    }

    // What a crash can have left: ledger lines whose list was never written. The list is then written now.
    private void Recover(List<LedgerLine> lines)
    {
        _ledger.Apply([.. lines]);
        _revocations = _ledger.Revocations;
        if (!_ledger.Knows(DistinguishedNames.Id(Intermediate.IssuerName), CertificateFacts.Serial(Intermediate)))
            throw new PkiException($"{_files.Ledger} does not know {_files.IntermediateCertificate}: it belongs to another authority or is older; restore the whole directory from one backup");

        foreach (var (authority, name) in Named())
        {
            if (_files.LoadCrl(name) is not { } list || list.Issuer != authority.Id) continue;
            if (list.Number > _ledger.CrlNumber(authority.Id))
                throw new PkiException($"{_files.Ledger} is older than {_files.Crl(name)} (list {list.Number}): revocations may be missing from it; restore the newer ledger");
            if (list.Number != _ledger.CrlNumber(authority.Id)) continue;
            _lists = _lists.SetItem(authority.Id, list);
            if (_files.LoadCrl(AuthorityFiles.DeltaOf(name)) is { } delta && delta.Issuer == list.Issuer && delta.Number == list.Number) _deltas = _deltas.SetItem(authority.Id, delta);
        }

        PublishLists(authority => !_lists.ContainsKey(authority.Id), asBase: true);
    }

    private static string CommonNameOf(X509Certificate2 certificate) => certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
}
