using System.Text.RegularExpressions;

namespace Signet.Pki.Tests;

/// <summary>Every field that a profile promises, as the real openssl reads it from the DER.</summary>
[Trait("row", "S0-2")]
[Trait("row", "S0-4")]
public sealed class CertificateBytesSpecs : IDisposable
{
    private const string SignetArc = @"1\.2\.840\.113556\.1\.8000\.2554(\.\d{1,7}){7}";
    private readonly PkiHouse _house = new(new() { PublicUrl = new("http://pki.example.org:8080") });

    public static TheoryData<CertificateProfile, string, string, string, string, int> Leaves => new()
    {
        { CertificateProfile.Broker, "mqtt_broker", "Digital Signature", "TLS Web Server Authentication", @"DNS:mqtt_broker, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, URI:urn:signet:broker:mqtt_broker", 90 },
        { CertificateProfile.Center, "command_center", "Digital Signature", "TLS Web Server Authentication, TLS Web Client Authentication", @"DNS:command_center, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, URI:urn:signet:center:command_center", 90 },
        { CertificateProfile.CenterSign, "center_sign", "Digital Signature", SignetArc + @"\.1", "URI:urn:signet:center-sign:center_sign", 90 },
        { CertificateProfile.Device, "device_001", "Digital Signature", "TLS Web Client Authentication", "URI:urn:signet:device:device_001", 30 },
        { CertificateProfile.DeviceSealing, "device_001", "Key Agreement", SignetArc + @"\.3", "URI:urn:signet:device-sealing:device_001", 30 },
        { CertificateProfile.User, "Ana@example.org", "Digital Signature", "TLS Web Client Authentication", "URI:urn:signet:user:Ana%40example.org", 90 },
        { CertificateProfile.CheckpointSigner, "checkpoints", "Digital Signature", SignetArc + @"\.2", "URI:urn:signet:checkpoint-signer:checkpoints", 90 },
        { CertificateProfile.Proxy, "nginx", "Digital Signature", "TLS Web Server Authentication, TLS Web Client Authentication", @"DNS:nginx, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, URI:urn:signet:proxy:nginx", 90 },
        { CertificateProfile.OcspSigner, "ocsp", "Digital Signature", "OCSP Signing", "URI:urn:signet:ocsp-signer:ocsp", 90 },
    };

    [Theory]
    [MemberData(nameof(Leaves))]
    public void A_leaf_says_exactly_what_its_profile_promises(CertificateProfile profile, string name, string usage, string extended, string alternative, int days)
    {
        using var issued = _house.Issue(profile, name);

        var text = Text(issued.ChainPem);

        text.ShouldContain("Version: 3 (0x2)");
        text.ShouldMatch(@"Issuer: O = Signet, CN = Signet Intermediate CA\n");
        text.ShouldContain($"Subject: O = Signet, CN = {name}\n");
        Extension(text, "X509v3 Basic Constraints: critical").ShouldBe("CA:FALSE");
        Extension(text, "X509v3 Key Usage: critical").ShouldBe(usage);
        Extension(text, "X509v3 Extended Key Usage:").ShouldMatch($"^{extended}$");
        Extension(text, "X509v3 Subject Alternative Name:").ShouldBe(alternative);
        Extension(text, "X509v3 Subject Key Identifier:").Length.ShouldBe(59);
        Extension(text, "X509v3 Authority Key Identifier:").ShouldBe(Extension(Text(_house.Authority.Intermediate.ExportCertificatePem()), "X509v3 Subject Key Identifier:"));
        text.ShouldMatch(@"X509v3 CRL Distribution Points: \n\s+Full Name:\n\s+URI:http://pki\.example\.org:8080/crl/[0-9a-f]{16}\.crl");
        text.ShouldMatch(@"Authority Information Access: \n\s+OCSP - URI:http://pki\.example\.org:8080/ocsp\n\s+CA Issuers - URI:http://pki\.example\.org:8080/ca/[0-9a-f]{16}\.crt");
        text.Contains("OCSP No Check", StringComparison.Ordinal).ShouldBe(profile == CertificateProfile.OcspSigner);
        Regex.Count(text, @"\n +X509v3 [A-Z]|\n +Authority Information Access|\n +OCSP No Check").ShouldBe(profile == CertificateProfile.OcspSigner ? 9 : 8, "and no other extension");
        text.ShouldContain("Signature Algorithm: ecdsa-with-SHA256");
        (issued.Certificate.NotAfter.ToUniversalTime() - _house.Clock.Now.UtcDateTime).TotalDays.ShouldBe(days, 0.001);
        (_house.Clock.Now.UtcDateTime - issued.Certificate.NotBefore.ToUniversalTime()).TotalMinutes.ShouldBe(5, 0.02);
    }

    [Fact]
    public void Commands_are_signed_with_an_RSA_key_and_everything_else_is_P256()
    {
        using var sign = _house.Issue(CertificateProfile.CenterSign, "center_sign");
        using var device = _house.Issue(CertificateProfile.Device, "door-1");

        Text(sign.ChainPem).ShouldContain("Public-Key: (2048 bit)");
        Text(device.ChainPem).ShouldContain("ASN1 OID: prime256v1");
    }

    [Fact]
    public void The_root_may_have_one_authority_below_it_and_the_intermediate_none()
    {
        var root = Text(_house.Authority.Root.ExportCertificatePem());
        Extension(root, "X509v3 Basic Constraints: critical").ShouldBe("CA:TRUE, pathlen:1");
        Extension(root, "X509v3 Key Usage: critical").ShouldBe("Certificate Sign, CRL Sign");
        root.ShouldContain("Subject: O = Signet, CN = Signet Root CA\n");
        root.ShouldContain("ASN1 OID: prime256v1");

        var intermediate = Text(_house.Authority.Intermediate.ExportCertificatePem());
        Extension(intermediate, "X509v3 Basic Constraints: critical").ShouldBe("CA:TRUE, pathlen:0");
        Extension(intermediate, "X509v3 Key Usage: critical").ShouldBe("Certificate Sign, CRL Sign");
        intermediate.ShouldMatch(@"X509v3 Name Constraints: critical\n\s+Permitted:\n\s+DirName:\s?O = Signet\n");
        intermediate.ShouldMatch(@"CRL Distribution Points");
    }

    [Fact]
    public void Serials_are_minimal_positive_integers_with_128_random_bits_and_never_repeat()
    {
        var seen = new HashSet<string>();
        for (var i = 0; i < 50; i++)
        {
            using var issued = _house.Issue(CertificateProfile.Device, "door-1");
            issued.Serial.ShouldMatch("^[4-7][0-9a-f]{33}$");
            seen.Add(issued.Serial).ShouldBeTrue();
            var asn = _house.Openssl("asn1parse", "-in", _house.File("leaf.crt", issued.ChainPem));
            asn.ShouldContain($"l=  17 prim: INTEGER           :{issued.Serial.ToUpperInvariant()}");
        }
    }

    [Fact]
    public void Without_a_public_address_no_certificate_points_anywhere()
    {
        using var house = new PkiHouse();
        using var issued = house.Issue(CertificateProfile.Device, "door-1");
        var text = house.Openssl("x509", "-noout", "-text", "-in", house.File("leaf.crt", issued.ChainPem));
        text.ShouldNotContain("CRL Distribution Points");
        text.ShouldNotContain("Authority Information Access");
    }

    [Theory]
    [InlineData(KeyKind.P384, "ASN1 OID: secp384r1")]
    [InlineData(KeyKind.Rsa2048, "Public-Key: (2048 bit)")]
    [InlineData(KeyKind.Rsa3072, "Public-Key: (3072 bit)")]
    public void Every_kind_of_key_is_issued_and_verifies(KeyKind kind, string shown)
    {
        using var issued = _house.Authority.Issue(new(CertificateProfile.Device, "door-1", Key: kind));
        Text(issued.ChainPem).ShouldContain(shown);
        Verify(issued.ChainPem);
    }

    [Fact]
    public void A_server_certificate_names_exactly_the_hosts_that_were_asked_for()
    {
        using var issued = _house.Issue(CertificateProfile.Broker, "broker.mosquitto", "broker.mosquitto", "192.168.122.154", "127.0.0.1", "BÜCHER.example", "fe80::1%3");
        Extension(Text(issued.ChainPem), "X509v3 Subject Alternative Name:")
            .ShouldBe("DNS:broker.mosquitto, DNS:xn--bcher-kva.example, IP Address:192.168.122.154, IP Address:127.0.0.1, IP Address:FE80:0:0:0:0:0:0:1, URI:urn:signet:broker:broker.mosquitto");
        Verify(issued.ChainPem, "-verify_hostname", "broker.mosquitto");
        Verify(issued.ChainPem, "-verify_ip", "192.168.122.154");
    }

    [Fact]
    public void Every_profile_verifies_with_openssl_under_strict_rules()
    {
        foreach (var row in Leaves)
        {
            using var issued = _house.Issue(row.Data.Item1, row.Data.Item2);
            Verify(issued.ChainPem, "-x509_strict");
        }
    }

    [Fact]
    public void Python_reads_every_extension_of_every_profile()
    {
        foreach (var row in Leaves)
        {
            using var issued = _house.Issue(row.Data.Item1, row.Data.Item2);
            var read = _house.Run("/usr/bin/python3", "-c", "import sys; from cryptography import x509; print(len(list(x509.load_pem_x509_certificate(open(sys.argv[1], 'rb').read()).extensions)))", _house.File("read.crt", issued.ChainPem));
            read.Trim().ShouldBe(row.Data.Item1 == CertificateProfile.OcspSigner ? "9" : "8", row.Data.Item1.ToString());
        }
    }

    [Fact]
    public void A_usage_as_it_was_written_formerly_still_counts()
        => Oids.Present("2.25.84982487939965880188292412488649685737.1").ShouldBe(Oids.CommandSigning);

    public void Dispose() => _house.Dispose();

    private string Text(string pem) => _house.Openssl("x509", "-noout", "-text", "-in", _house.File("shown.crt", pem));

    private void Verify(string pem, params string[] more)
        => _house.Openssl(["verify", "-CAfile", Path.Combine(_house.Pki, "root.crt"), "-untrusted", Path.Combine(_house.Pki, "intermediate.crt"), .. more, _house.File("verified.crt", pem)])
            .ShouldContain(": OK");

    private static string Extension(string text, string title)
    {
        var at = text.IndexOf(title, StringComparison.Ordinal);
        at.ShouldBeGreaterThan(0, $"{title} in\n{text}");
        return text[at..].Split('\n')[1].Trim();
    }
}
