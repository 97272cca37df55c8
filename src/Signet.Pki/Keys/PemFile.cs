using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>Certificates in PEM files, written whole or not at all.</summary>
public static class PemFile
{
    /// <summary>Replaces the file in one step: after a crash there is the old one or the new one.</summary>
    public static void Write(string path, string pem) => AtomicFile.Write(path, System.Text.Encoding.ASCII.GetBytes(pem), AtomicFile.Public);

    public static string Encode(X509Certificate2 certificate) => certificate.ExportCertificatePem() + "\n";

    /// <summary>Every certificate of a PEM file, in order; the first of a leaf's file is the leaf.</summary>
    /// <exception cref="PkiException">Not there, not readable, or no certificate inside.</exception>
    public static X509Certificate2Collection Read(string path)
    {
        var found = new X509Certificate2Collection();
        try
        {
            found.ImportFromPemFile(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new PkiException($"cannot read {path}: {e.Message}", e);
        }
        catch (CryptographicException e)
        {
            throw new PkiException($"{path} holds a certificate that cannot be read: {e.Message}", e);
        }

        return found.Count > 0 ? found : throw new PkiException($"{path} holds no certificate (expected PEM, \"BEGIN CERTIFICATE\")");
    }

    /// <summary>A certificate together with its private key from <c>NAME.crt</c> and <c>NAME.key</c>.</summary>
    /// <exception cref="PkiException">As <see cref="Read"/> and <see cref="KeyFile.Load"/>; or the two do not belong together.</exception>
    public static X509Certificate2 ReadWithKey(string certificatePath, string keyPath)
    {
        var all = Read(certificatePath);
        for (var i = 1; i < all.Count; i++) all[i].Dispose();
        using var leaf = all[0];
        using var key = KeyFile.Load(keyPath);
        return KeyFile.Join(leaf, key, keyPath);
    }
}
