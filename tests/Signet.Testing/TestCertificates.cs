using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Signet.Pki;

namespace Signet.Testing;

/// <summary>Certificates as strangers and careless owners have them.</summary>
public static class TestCertificates
{
    /// <summary>For the same name, from an authority nobody here trusts.</summary>
    public static X509Certificate2 Foreign(string name)
    {
        using var directory = new TempDirectory();
        using var random = RandomNumberGenerator.Create();
        using var authority = CertificateAuthority.Create(directory.File("pki"), new AuthorityOptions(), TimeProvider.System, random);
        using var issued = authority.Issue(new(CertificateProfile.Device, name));
        return Portable(issued.Certificate);
    }

    /// <summary>A copy that TLS takes and that outlives its origin.</summary>
    public static X509Certificate2 Portable(X509Certificate2 certificate)
    {
        var pfx = certificate.Export(X509ContentType.Pkcs12);
        return X509CertificateLoader.LoadPkcs12(pfx, null, X509KeyStorageFlags.Exportable);
    }
}
