using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>PKCS#12 (RFC 7292): certificate, key and intermediates in one sealed file, as browsers, phones and mail programs take them.</summary>
public static class Pkcs12File
{
    /// <param name="chainPem">Leaf, then intermediates.</param>
    /// <param name="keyPem">PKCS#8 of the leaf's key.</param>
    /// <param name="password">Whoever has file and password has the key.</param>
    public static byte[] Make(string chainPem, string keyPem, string password)
    {
        using var leaf = X509Certificate2.CreateFromPem(chainPem, keyPem);
        var all = new X509Certificate2Collection();
        all.ImportFromPem(chainPem);
        all[0].Dispose();
        all[0] = leaf;
        return all.Export(X509ContentType.Pkcs12, password)!;
    }

    /// <summary>Reads one of other people's: the certificate with the key first, then the others.</summary>
    /// <exception cref="PkiException">Not PKCS#12, another password, no key inside, or more than one.</exception>
    public static X509Certificate2Collection Read(string path, string password)
    {
        try
        {
            if (new FileInfo(path).Length > PkiLimits.Pkcs12Bytes) throw new PkiException($"{path} is larger than {PkiLimits.Pkcs12Bytes} bytes");
            var all = X509CertificateLoader.LoadPkcs12CollectionFromFile(path, password, X509KeyStorageFlags.Exportable);
            var owners = all.Where(c => c.HasPrivateKey).ToList();
            return owners.Count == 1 ? [owners[0], .. all.Where(c => !c.HasPrivateKey)] : throw new PkiException($"{path} holds {owners.Count} private keys; one is expected");
        }
        catch (System.Security.Cryptography.CryptographicException e)
        {
            throw new PkiException($"{path} cannot be read: another password, or no PKCS#12 file ({e.Message})", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PkiException($"cannot read {path}: {e.Message}", e);
        }
    }
}
