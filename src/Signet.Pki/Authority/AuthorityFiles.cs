using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>Layout of the PKI directory (docs/spec/pki.md, "Files"), and the words for what is wrong with one.</summary>
internal sealed class AuthorityFiles(string directory)
{
    private const UnixFileMode DirectoryMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public string Directory { get; } = Path.GetFullPath(directory);

    public string RootCertificate => In("root.crt");

    public string RootKey => In("root.key");

    public string IntermediateCertificate => In("intermediate.crt");

    public string IntermediateKey => In("intermediate.key");

    public string Ledger => In("ledger.ndjson");

    /// <summary>Former authorities and cross-signed certificates, <c>NAME.crt</c> and, where there is one, <c>NAME.key</c>.</summary>
    public string Former => In("former");

    public string Issued(string serial) => Path.Combine(In("issued"), serial + ".crt");

    public string Crl(string name) => In(name + ".crl");

    public static string DeltaOf(string name) => name + "-delta";

    public string In(string name) => Path.Combine(Directory, name);

    /// <summary>Makes the directory; refuses one that already holds an authority, whole or in part.</summary>
    public void Prepare()
    {
        foreach (var path in (string[])[RootCertificate, RootKey, IntermediateCertificate, IntermediateKey, Ledger])
        {
            if (File.Exists(path)) throw new PkiException($"{Directory} already holds {Path.GetFileName(path)}; an authority is never made over another one");
        }

        try
        {
            Make(Directory);
            Make(In("issued"));
            Make(Former);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PkiException($"cannot make {Directory}: {e.Message}", e);
        }
    }

    /// <summary>Names what is missing from a half-copied directory, and refuses one that others may write to.</summary>
    public void RequireComplete()
    {
        if (!System.IO.Directory.Exists(Directory)) throw new PkiException($"{Directory} is missing; make an authority first");
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(Directory) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != UnixFileMode.None)
            throw new PkiException($"{Directory} can be changed by other users of this machine; mend it with: chmod 700 {Directory}");

        string[] needed = [RootCertificate, IntermediateCertificate, IntermediateKey, Ledger];
        var missing = needed.Where(path => !File.Exists(path)).Append(System.IO.Directory.Exists(In("issued")) ? null : "issued").OfType<string>().Select(Path.GetFileName).ToArray();
        if (missing.Length > 0) throw new PkiException($"{Directory} is only half there, it lacks {string.Join(", ", missing)}; copy the whole directory again or restore it from a backup");
    }

    /// <summary>Everything after any number of rotations.</summary>
    /// <param name="isRetired">Asked for each root beside the present one.</param>
    public HeldAuthorities Load(Func<X509Certificate2, bool> isRetired)
    {
        var root = LoadRoot();
        var former = FormerCertificates();
        var others = former.Where(f => IsSelfSigned(f.Certificate)).Select(f => Held(f.Path, f.Certificate)).OrderByDescending(r => r.Certificate.NotBefore).ToList();
        var intermediate = LoadIntermediate([root, .. others]);
        var below = former.Where(f => !IsSelfSigned(f.Certificate)).ToList();
        var present = below.Where(f => IsSameAuthority(f.Certificate, intermediate.Certificate)).Select(f => f.Certificate).ToList();
        List<SigningAuthority> active = [root, .. others.Where(r => !isRetired(r.Certificate))];
        return new(active,
            [intermediate, .. below.Where(f => !IsSameAuthority(f.Certificate, intermediate.Certificate)).GroupBy(f => DistinguishedNames.Id(f.Certificate.SubjectName), StringComparer.Ordinal)
                .Select(g => g.OrderBy(f => f.Path, StringComparer.Ordinal).First()).Select(f => Held(f.Path, f.Certificate)).OrderByDescending(i => i.Certificate.NotBefore)],
            [.. active.Skip(1).Select(r => present.Find(c => c.IssuerName.RawData.AsSpan().SequenceEqual(r.Certificate.SubjectName.RawData))).OfType<X509Certificate2>()],
            [.. others.Where(r => isRetired(r.Certificate))]);
    }

    /// <summary>The list on the disk; null when there is none that can be read.</summary>
    public RevocationList? LoadCrl(string name)
    {
        try
        {
            var pem = File.ReadAllText(Crl(name));
            return PemEncoding.TryFind(pem, out var fields) && pem[fields.Label] == "X509 CRL" ? RevocationList.TryRead(Convert.FromBase64String(pem[fields.Base64Data])) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Null: there is none (any more).</summary>
    public void WriteCrl(string name, RevocationList? list)
    {
        if (list is null) File.Delete(Crl(name));
        else AtomicFile.Write(Crl(name), System.Text.Encoding.ASCII.GetBytes(list.Pem), AtomicFile.Public);
    }

    internal static bool IsSelfSigned(X509Certificate2 certificate) => certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);

    internal static AsymmetricAlgorithm LoadKey(string path, X509Certificate2 certificate)
    {
        var key = KeyFile.Load(path);
        if (KeyKinds.PublicOf(key).ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(certificate.PublicKey.ExportSubjectPublicKeyInfo())) return key;
        key.Dispose();
        throw new PkiException($"{path} is not the key of the certificate beside it; the directory is a mixture of two, restore it from a backup");
    }

    internal static bool IsSignedBy(X509Certificate2 certificate, X509Certificate2 issuer)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(issuer);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        return chain.Build(certificate);
    }

    // The root; without its key when that is kept offline.
    private SigningAuthority LoadRoot()
    {
        var certificate = PemFile.Read(RootCertificate)[0];
        if (!IsSelfSigned(certificate) || !IsSignedBy(certificate, certificate)) throw new PkiException($"{RootCertificate} is not a root: it is not signed by itself");
        return new(certificate, File.Exists(RootKey) ? LoadKey(RootKey, certificate) : null);
    }

    private SigningAuthority LoadIntermediate(IEnumerable<SigningAuthority> roots)
    {
        var certificate = PemFile.Read(IntermediateCertificate)[0];
        if (!roots.Any(r => IsSignedBy(certificate, r.Certificate)))
            throw new PkiException($"{IntermediateCertificate} was not signed by {RootCertificate}; the directory is a mixture of two, restore it from a backup");
        return new(certificate, LoadKey(IntermediateKey, certificate));
    }

    private List<(string Path, X509Certificate2 Certificate)> FormerCertificates() => System.IO.Directory.Exists(Former)
        ? [.. System.IO.Directory.GetFiles(Former, "*.crt").Order(StringComparer.Ordinal).Select(p => (p, PemFile.Read(p)[0]))] : [];

    private static SigningAuthority Held(string path, X509Certificate2 certificate)
    {
        var key = Path.ChangeExtension(path, ".key");
        return new(certificate, File.Exists(key) ? LoadKey(key, certificate) : null);
    }

    private static bool IsSameAuthority(X509Certificate2 a, X509Certificate2 b) => a.SubjectName.RawData.AsSpan().SequenceEqual(b.SubjectName.RawData);

    private static void Make(string path)
    {
        if (OperatingSystem.IsWindows()) System.IO.Directory.CreateDirectory(path);
        else System.IO.Directory.CreateDirectory(path, DirectoryMode);
    }

    /// <summary>What a restore left in <c>crl.floor</c>: lists with lower numbers may have been published by the authority that is gone. 0 without the file.</summary>
    public long LeastCrlNumber() => In("crl.floor") is var file && File.Exists(file)
        && long.TryParse(File.ReadAllText(file), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number) ? number : 0;
}
