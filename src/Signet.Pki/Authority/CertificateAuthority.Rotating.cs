using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <content>
/// Rotation with overlap. A new root does not replace the old one at once: both are relied on, and the new intermediate has a certificate from each (the same
/// name and key), so a peer that knows only the old root and one that knows only the new both find a path. Servers send the old root's until it is retired.
/// The roots do not sign each other: a root's path length of 1 leaves no room for a third authority, and no peer needs it.
/// </content>
public sealed partial class CertificateAuthority
{
    /// <summary>A new intermediate issues from now on. Certificates of the former one stay good until they expire, and its list goes on being published.</summary>
    /// <exception cref="PkiException">The key of a root that is relied on is not here.</exception>
    public void RotateIntermediate()
    {
        lock (_lock)
        {
            RequireKeys(_held.Roots);
            var rotation = new RotationFiles(_files);
            rotation.Begin();
            Adopt(rotation, _held.Roots, NewIntermediate(_held.Roots, out var key), key);
        }
    }

    /// <summary>A new root and a new intermediate. The former root is relied on beside it until <see cref="RetireRoot"/>; hand <see cref="TrustBundlePem"/> to every peer meanwhile.</summary>
    /// <exception cref="PkiException">The key of a root that is relied on is not here.</exception>
    public void RotateRoot()
    {
        lock (_lock)
        {
            RequireKeys(_held.Roots);
            var (root, key) = NewAuthority(null, Numbered("Root CA", CertificateProfile.Root), _options, Now(), _random);
            var rotation = new RotationFiles(_files);
            rotation.Begin();
            rotation.StageCopy(_files.RootCertificate, FormerPlace(Root, ".crt"), AtomicFile.Public);
            rotation.StageCopy(_files.RootKey, FormerPlace(Root, ".key"), AtomicFile.Private);
            rotation.Stage("root.crt", root.Certificate);
            rotation.Stage("root.key", key);
            Record(root.Certificate, root.Id, CertificateProfile.Root, CommonNameOf(root.Certificate));
            SigningAuthority[] roots = [root, .. _held.Roots];
            Adopt(rotation, roots, NewIntermediate(roots, out var below), below);
        }
    }

    /// <summary>Ends an overlap: this former root is no longer relied on. Peers that know only it find no path any more.</summary>
    /// <returns>False when it is no former root that is relied on (the present one cannot be retired).</returns>
    public bool RetireRoot(string serial)
    {
        lock (_lock)
        {
            if (_held.Roots.Skip(1).FirstOrDefault(r => CertificateFacts.Serial(r.Certificate) == serial) is not { } root) return false;
            var line = new LedgerLine(LedgerLine.Retired, Now(), root.Id) { Serial = serial };
            _file.Append(line);
            _ledger.Apply(line);
            Swap(_held with
            {
                Roots = [.. _held.Roots.Where(r => r != root)],
                Crossed = [.. _held.Crossed.Where(c => DistinguishedNames.Id(c.IssuerName) != root.Id)],
                RetiredRoots = [root, .. _held.RetiredRoots],
            });
            return true;
        }
    }

    private List<X509Certificate2> NewIntermediate(IReadOnlyList<SigningAuthority> roots, out AsymmetricAlgorithm key)
    {
        (var intermediate, key) = NewAuthority(roots[0], Numbered("Intermediate CA", CertificateProfile.Intermediate), _options, Now(), _random);
        return [intermediate.Certificate, .. roots.Skip(1).Select(root => SignAgain(intermediate.Certificate, root))];
    }

    // Everything is in the ledger and staged before the one step that makes it count. One certificate from each root, in the roots' order.
    private void Adopt(RotationFiles rotation, IReadOnlyList<SigningAuthority> roots, List<X509Certificate2> certificates, AsymmetricAlgorithm key)
    {
        var intermediate = new SigningAuthority(certificates[0], key);
        var crossed = certificates[1..];
        rotation.StageCopy(_files.IntermediateCertificate, FormerPlace(Intermediate, ".crt"), AtomicFile.Public);
        rotation.StageCopy(_files.IntermediateKey, FormerPlace(Intermediate, ".key"), AtomicFile.Private);
        rotation.Stage("intermediate.crt", intermediate.Certificate);
        rotation.Stage("intermediate.key", key);
        foreach (var certificate in certificates)
        {
            Record(certificate, DistinguishedNames.Id(certificate.IssuerName), CertificateProfile.Intermediate, CommonNameOf(certificate));
        }

        foreach (var certificate in crossed) rotation.Stage(FormerPlace(certificate, $"-from-{DistinguishedNames.Id(certificate.IssuerName)[..16]}.crt"), certificate);
        rotation.Commit();

        var known = _lists;
        Swap(new([.. roots], [intermediate, .. _held.Intermediates], crossed, _held.RetiredRoots));
        // The former authorities' lists move to their own files; numbers go on.
        PublishLists(a => a == _held.Root || a == _held.Intermediate || known.ContainsKey(a.Id), asBase: true);
    }

    private X509Certificate2 SignAgain(X509Certificate2 intermediate, SigningAuthority root)
    {
        var extensions = CertificateExtensions.ForAuthority(intermediate.PublicKey, root, 0, _options.Constraints, _options.Organization, _addresses);
        var notAfter = CertificateFacts.NotAfter(intermediate) < CertificateFacts.NotAfter(root.Certificate) ? CertificateFacts.NotAfter(intermediate) : CertificateFacts.NotAfter(root.Certificate);
        return root.Sign(intermediate.SubjectName, intermediate.PublicKey, extensions, CertificateFacts.NotBefore(intermediate), notAfter, NewSerial(_random));
    }

    private void Swap(HeldAuthorities held)
    {
        _held = held;
        _trust = held.Trust();
    }

    private string Numbered(string kind, CertificateProfile profile) => $"{_options.Organization} {kind} {_ledger.Generations(profile) + 1}";

    private static string FormerPlace(X509Certificate2 certificate, string end) => "former%" + PublicAddresses.FileNameOf(certificate) + end;

    private static void RequireKeys(IEnumerable<SigningAuthority> roots)
    {
        if (roots.FirstOrDefault(r => !r.CanSign) is { } missing)
            throw new PkiException($"the key of \"{CommonNameOf(missing.Certificate)}\" is not here (kept offline); bring it back to rotate, or retire that root first");
    }
}
