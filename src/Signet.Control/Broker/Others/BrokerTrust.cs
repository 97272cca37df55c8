using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Signet.Pki;
using Signet.Store;

namespace Signet.Control;

/// <summary>
/// Authorities and revocation lists for other people's programs: <c>ca.crt</c> (root and intermediate) and <c>crl.pem</c> (a list of each). The lists are verified before they take the
/// place of the old ones, because some programs (Mosquitto) accept everybody with a list that they cannot read.
/// </summary>
public static class BrokerTrust
{
    /// <returns>Whether anything is another now.</returns>
    /// <exception cref="PkiException">A list does not verify, or has ended; nothing was replaced.</exception>
    public static bool Write(string pki, string folder, TimeProvider time)
    {
        var (certificates, lists) = (new StringBuilder(), new StringBuilder());
        using var root = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(pki, "root.crt"));
        using var intermediate = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(pki, "intermediate.crt"));
        foreach (var (name, authority) in new[] { ("root", root), ("intermediate", intermediate) })
        {
            certificates.Append(authority.ExportCertificatePem()).Append('\n');
            var stored = File.ReadAllBytes(Path.Combine(pki, name + ".crl"));
            lists.Append(stored is [0x30, ..] ? new string(PemEncoding.Write("X509 CRL", stored)) : Encoding.ASCII.GetString(stored).Trim()).Append('\n');
        }

        var (authorities, crl) = (Encoding.ASCII.GetBytes(certificates.ToString()), Encoding.ASCII.GetBytes(lists.ToString()));
        var (authoritiesPath, crlPath) = (Path.Combine(folder, "ca.crt"), Path.Combine(folder, "crl.pem"));
        if (IsSame(authoritiesPath, authorities) && IsSame(crlPath, crl)) return false;
        var next = crlPath + ".verify";
        File.WriteAllBytes(next, crl);
        try
        {
            // The reader that other people's lists go through: signature, form, and not a single entry that is not understood.
            ForeignLists.Load(next, new TrustStore([root], [intermediate]), out var ends);
            if (ends <= time.GetUtcNow()) throw new PkiException($"the revocation lists in {pki} ended at {ends:u}, and with them everybody would be refused");
        }
        finally
        {
            File.Delete(next);
        }

        Replace(authoritiesPath, authorities);
        Replace(crlPath, crl);
        return true;
    }

    private static bool IsSame(string path, byte[] content) => File.Exists(path) && File.ReadAllBytes(path).AsSpan().SequenceEqual(content);

    private static void Replace(string path, byte[] content) => DurableFile.Replace(path, content, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
}
