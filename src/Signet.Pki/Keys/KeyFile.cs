using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Signet.Pki;

/// <summary>Private keys in files: PKCS#8 PEM without a password, or a PKCS#11 URI; mode 0600, replaced in one step.</summary>
public static class KeyFile
{
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    public static void Save(string path, AsymmetricAlgorithm key)
    {
        var pem = Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n");
        try
        {
            AtomicFile.Write(path, pem, AtomicFile.Private);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pem);
        }
    }

    /// <summary>Writes a secret that is not a key object (a token, a key as text): mode 0600, replaced in one step.</summary>
    /// <exception cref="PkiException">It cannot be written.</exception>
    public static void WritePrivate(string path, ReadOnlySpan<byte> content) => AtomicFile.Write(path, content, AtomicFile.Private);

    /// <summary>A file that names a key in a token instead of holding one. Mode 0600 too: the URI may name the PIN's place.</summary>
    public static void SaveUri(string path, string uri) => AtomicFile.Write(path, Encoding.UTF8.GetBytes(uri + "\n"), AtomicFile.Private);

    /// <summary>A key from wherever a user says: a PKCS#11 URI, or the path of a file.</summary>
    /// <exception cref="PkiException">As <see cref="Load"/> and <see cref="Pkcs11Key.Open"/>.</exception>
    public static AsymmetricAlgorithm Open(string pathOrUri) => Pkcs11Key.IsUri(pathOrUri) ? Pkcs11Key.Open(pathOrUri) : Load(pathOrUri);

    /// <summary>An RSA or elliptic-curve key; the file holds it, or names one in a token by a PKCS#11 URI.</summary>
    /// <exception cref="PkiException">Not there, readable by others, or not a private key.</exception>
    public static AsymmetricAlgorithm Load(string path)
    {
        RequirePrivate(path);
        string pem;
        try
        {
            pem = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PkiException($"cannot read {path}: {e.Message}", e);
        }

        if (Pkcs11Key.IsUri(pem)) return Pkcs11Key.Open(pem.Trim());
        return (AsymmetricAlgorithm?)TryImport(ECDsa.Create, pem) ?? TryImport(RSA.Create, pem)
            ?? throw new PkiException($"{path} holds no usable private key (expected an unencrypted RSA or P-256/P-384 key in PEM)");
    }

    /// <summary>Refuses a key file that others on this machine may read or write.</summary>
    /// <exception cref="PkiException">Says how to mend it.</exception>
    public static void RequirePrivate(string path)
    {
        if (!File.Exists(path)) throw new PkiException($"{path} is missing");
        if (OperatingSystem.IsWindows()) return;
        if ((File.GetUnixFileMode(path) & Others) != UnixFileMode.None)
            throw new PkiException($"{path} can be read or changed by other users of this machine; mend it with: chmod 600 {path}");
    }

    /// <summary>A copy of its private key; whoever asks disposes it.</summary>
    /// <exception cref="PkiException">It has none of a kind this house uses.</exception>
    public static AsymmetricAlgorithm PrivateKeyOf(X509Certificate2 certificate)
        => (AsymmetricAlgorithm?)certificate.GetECDsaPrivateKey() ?? (AsymmetricAlgorithm?)certificate.GetRSAPrivateKey()
            ?? (AsymmetricAlgorithm?)certificate.GetECDiffieHellmanPrivateKey() ?? throw new PkiException("the certificate has no private key of a kind this house uses");

    internal static X509Certificate2 Join(X509Certificate2 certificate, AsymmetricAlgorithm key, string keyPath)
    {
        try
        {
            return key switch
            {
                ECDsa ec when MaySign(certificate) => certificate.CopyWithPrivateKey(ec),
                ECDsa ec => JoinForAgreement(certificate, ec),
                RSA rsa => certificate.CopyWithPrivateKey(rsa),
                _ => throw new ArgumentException("only RSA and elliptic-curve keys", nameof(key)),
            };
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException or InvalidOperationException)
        {
            throw new PkiException($"{keyPath} is not the key of certificate {CertificateFacts.Serial(certificate)}", e);
        }
    }

    private static bool MaySign(X509Certificate2 certificate)
        => certificate.Extensions.OfType<X509KeyUsageExtension>().All(e => (e.KeyUsages & (X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign)) != X509KeyUsageFlags.None);

    // The platform joins a certificate that may only agree on keys with nothing but a key of that type.
    private static X509Certificate2 JoinForAgreement(X509Certificate2 certificate, ECDsa key)
    {
        using var agreement = ECDiffieHellman.Create(key.ExportParameters(includePrivateParameters: true));
        return certificate.CopyWithPrivateKey(agreement);
    }

    private static T? TryImport<T>(Func<T> create, string pem) where T : AsymmetricAlgorithm
    {
        var key = create();
        try
        {
            key.ImportFromPem(pem);
            return key;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            key.Dispose();
            return null;
        }
    }
}
