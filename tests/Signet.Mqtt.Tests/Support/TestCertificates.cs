using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Signet.Mqtt.Tests.Support;

/// <summary>A small certificate authority in memory, and PEM files for clients that want files.</summary>
public sealed class TestCertificates : IDisposable
{
    private readonly X509Certificate2 root;

    public TestCertificates()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=test root {RandomNumberGenerator.GetHexString(8)}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(30));
        Directory = System.IO.Directory.CreateTempSubdirectory("mqtt-certs").FullName;
        File.WriteAllText(Path.Combine(Directory, "ca.crt"), root.ExportCertificatePem());
    }

    public X509Certificate2 Root => root;

    public string Directory { get; }

    public X509Certificate2 Issue(string name, int startDays = -1, int endDays = 10)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var san = new SubjectAlternativeNameBuilder();
        san.AddDnsName("localhost");
        san.AddIpAddress(System.Net.IPAddress.Loopback);
        request.CertificateExtensions.Add(san.Build());
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        var serial = RandomNumberGenerator.GetBytes(8);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        using var bare = request.Create(root, DateTimeOffset.UtcNow.AddDays(startDays), DateTimeOffset.UtcNow.AddDays(endDays), serial);
        using var whole = bare.CopyWithPrivateKey(key);
        File.WriteAllText(Path.Combine(Directory, name + ".crt"), whole.ExportCertificatePem());
        File.WriteAllText(Path.Combine(Directory, name + ".key"), key.ExportPkcs8PrivateKeyPem());
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }

    public string FileOf(string name) => Path.Combine(Directory, name);

    /// <summary>What a listener's validator would say, in words.</summary>
    public string? Judge(X509Certificate2? leaf)
    {
        if (leaf is null) return "no certificate was sent";
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(leaf) ? null : string.Join(", ", chain.ChainStatus.Select(s => s.Status));
    }

    public void Dispose()
    {
        root.Dispose();
        System.IO.Directory.Delete(Directory, true);
    }
}
