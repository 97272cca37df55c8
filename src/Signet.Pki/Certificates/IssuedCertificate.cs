using System.Security.Cryptography.X509Certificates;

namespace Signet.Pki;

/// <summary>A certificate this authority has just made and written to its ledger.</summary>
public sealed class IssuedCertificate : IDisposable
{
    internal IssuedCertificate(X509Certificate2 certificate, CertificateProfile profile, string name, string chainPem)
    {
        Certificate = certificate;
        Profile = profile;
        Name = name;
        ChainPem = chainPem;
        Serial = CertificateFacts.Serial(certificate);
        Thumbprint = CertificateFacts.Thumbprint(certificate);
    }

    /// <summary>With its private key when the authority made the key; without when the key came from a request.</summary>
    public X509Certificate2 Certificate { get; }

    public CertificateProfile Profile { get; }

    public string Name { get; }

    /// <summary>PEM: the leaf, then the intermediate. Never the root: whoever trusts it has it.</summary>
    public string ChainPem { get; }

    /// <summary>PKCS#8 PEM of its key.</summary>
    /// <exception cref="InvalidOperationException">The key came from a request and is not here.</exception>
    public string KeyPem
    {
        get
        {
            if (!Certificate.HasPrivateKey) throw new InvalidOperationException($"the key of {Name} is with its owner");
            using var key = KeyFile.PrivateKeyOf(Certificate);
            return key.ExportPkcs8PrivateKeyPem();
        }
    }

    /// <summary>Lower-case hexadecimal, two digits a byte.</summary>
    public string Serial { get; }

    /// <summary>SHA-256 of the DER, base64url: the <c>kid</c> of messages signed with this key.</summary>
    public string Thumbprint { get; }

    /// <summary>Writes <c>NAME.crt</c> (leaf + intermediate) and, when there is a private key, <c>NAME.key</c> (PKCS#8, mode 0600). Key first: a certificate file means both are there.</summary>
    public void Save(string directory, string? fileName = null)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, fileName ?? Name);
        if (Certificate.HasPrivateKey)
        {
            using var key = KeyFile.PrivateKeyOf(Certificate);
            KeyFile.Save(path + ".key", key);
        }

        PemFile.Write(path + ".crt", ChainPem);
    }

    public void Dispose() => Certificate.Dispose();
}
