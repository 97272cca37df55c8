using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Signet.Pki.Tests;

/// <summary>Requests of good senders are read from any tool; each way of asking for too much has its own name.</summary>
[Trait("row", "S0-6")]
public sealed class SigningRequestSpecs : IDisposable
{
    private static readonly CertificateRequestSpec Door = new(CertificateProfile.Device, "door-1");
    private readonly PkiHouse _house = new();

    [Theory]
    [InlineData("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")]
    [InlineData("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-sha384")]
    [InlineData("-newkey", "rsa:2048", "-nodes")]
    [InlineData("-newkey", "rsa:3072", "-nodes", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")]
    public void What_openssl_makes_is_issued_and_verifies(params string[] how)
    {
        _house.Openssl(["req", "-new", .. how, "-keyout", "door.key", "-out", "door.csr", "-subj", "/CN=door-1", "-addext", "subjectAltName=DNS:door-1,URI:urn:signet:device:door-1"]);
        SigningRequest.TryRead(File.ReadAllBytes(_house.In("door.csr")), out var request, out _, out var detail).ShouldBeTrue(detail);

        _house.Authority.Check(request!, Door, out detail).ShouldBe(RequestRefusal.None, detail);
        using var issued = _house.Authority.IssueFor(Door, request!.Key);

        _house.Openssl("verify", "-CAfile", Path.Combine(_house.Pki, "root.crt"), "-untrusted", Path.Combine(_house.Pki, "intermediate.crt"), _house.File("door.crt", issued.ChainPem)).ShouldContain("OK");
        _house.Openssl("x509", "-noout", "-pubkey", "-in", "door.crt").ShouldBe(_house.Openssl("pkey", "-pubout", "-in", "door.key"));
    }

    [Fact]
    public void DER_PEM_and_base64_are_the_same_request()
    {
        var der = Make("CN=door-1");
        foreach (var bytes in (byte[][])[der, Encoding.ASCII.GetBytes(PemEncoding.WriteString("CERTIFICATE REQUEST", der)), Encoding.ASCII.GetBytes(Convert.ToBase64String(der, Base64FormattingOptions.InsertLineBreaks))])
        {
            SigningRequest.TryRead(bytes, out var request, out _, out var detail).ShouldBeTrue(detail);
            request!.Der.ToArray().ShouldBe(der);
        }
    }

    [Theory]
    [InlineData("CN=door-2", RequestRefusal.ForeignSubject)]
    [InlineData("CN=door-1, OU=admins", RequestRefusal.ForeignSubject)]
    [InlineData("CN=door-1, O=Somebody", RequestRefusal.ForeignSubject)]
    [InlineData("CN=command_center", RequestRefusal.ForeignSubject)]
    [InlineData("CN=door-1, CN=door-1", RequestRefusal.Duplicate)]
    [InlineData("CN=\"door-1\u0000\"", RequestRefusal.EmbeddedNul)]
    [InlineData("CN=door-1000000000000000000000000000000000000000000000000000000000000000000000", RequestRefusal.TooLong)]
    [InlineData("CN=door-1, O=Signet", RequestRefusal.None)]
    [InlineData("CN=door-1", RequestRefusal.None)]
    [InlineData("", RequestRefusal.None)]
    public void A_subject_may_only_be_the_senders_own(string subject, RequestRefusal refusal) => Check(Make(subject)).ShouldBe(refusal);

    [Theory]
    [InlineData("urn:signet:device:door-2", RequestRefusal.ForeignName)]
    [InlineData("urn:signet:center:door-1", RequestRefusal.ForeignName)]
    [InlineData("dns:door-2", RequestRefusal.ForeignName)]
    [InlineData("dns:*.door-1", RequestRefusal.Wildcard)]
    [InlineData("dns:door-1\u0000.example", RequestRefusal.EmbeddedNul)]
    [InlineData("ip:10.0.0.1", RequestRefusal.ForeignName)]
    [InlineData("urn:signet:device:door-1", RequestRefusal.None)]
    [InlineData("dns:door-1", RequestRefusal.None)]
    public void An_alternative_name_may_only_be_the_senders_own(string name, RequestRefusal refusal)
    {
        var names = name.StartsWith("dns:", StringComparison.Ordinal) ? new AlternativeNames([name[4..]], [], [])
            : name.StartsWith("ip:", StringComparison.Ordinal) ? new([], [System.Net.IPAddress.Parse(name[3..])], []) : new AlternativeNames([], [], [name]);
        Check(Make("CN=door-1", names.Encode())).ShouldBe(refusal);
    }

    [Fact]
    public void An_over_long_alternative_name_is_refused()
        => Check(Make("CN=door-1", new AlternativeNames([new string('a', 300)], [], []).Encode())).ShouldBe(RequestRefusal.TooLong);

    [Fact]
    public void A_mail_address_in_the_alternative_names_is_refused()
    {
        var builder = new SubjectAlternativeNameBuilder();
        builder.AddEmailAddress("root@example.org");
        Check(Make("CN=door-1", builder.Build())).ShouldBe(RequestRefusal.ForeignName);
    }

    [Fact]
    public void A_server_may_ask_for_the_hosts_it_was_admitted_for_and_no_others()
    {
        CertificateRequestSpec broker = new(CertificateProfile.Broker, "b1", ["mqtt.example.org", "10.0.0.1"]);
        Check(Make("CN=b1", new AlternativeNames(["mqtt.example.org"], [System.Net.IPAddress.Parse("10.0.0.1")], []).Encode()), broker).ShouldBe(RequestRefusal.None);
        Check(Make("CN=b1", new AlternativeNames(["console.example.org"], [], []).Encode()), broker).ShouldBe(RequestRefusal.ForeignName);
    }

    [Fact]
    public void Whoever_asks_for_powers_is_refused()
    {
        Check(Make("CN=door-1", X509BasicConstraintsExtension.CreateForCertificateAuthority(0))).ShouldBe(RequestRefusal.ForbiddenExtension);
        Check(Make("CN=door-1", new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true))).ShouldBe(RequestRefusal.ForbiddenExtension);
        Check(Make("CN=door-1", new X509EnhancedKeyUsageExtension([new Oid(Oids.ServerAuth)], false))).ShouldBe(RequestRefusal.ForbiddenExtension);
        Check(Make("CN=door-1", new X509Extension("1.2.3.4", [5, 0], false))).ShouldBe(RequestRefusal.ForbiddenExtension);
        Check(Make("CN=door-1", new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, true))).ShouldBe(RequestRefusal.None);
        Check(Make("CN=door-1", new X509EnhancedKeyUsageExtension([new Oid(Oids.ClientAuth)], false))).ShouldBe(RequestRefusal.None);
    }

    [Theory]
    [InlineData(Oids.SubjectAltName)]
    [InlineData("2.5.29.15")]
    [InlineData("2.5.29.19")]
    [InlineData("2.5.29.37")]
    public void An_extension_with_garbage_inside_is_malformed(string oid) => Check(Make("CN=door-1", new X509Extension(oid, [0xff, 0xff, 0x01], false))).ShouldBe(RequestRefusal.Malformed);

    [Fact]
    public void An_extension_or_attribute_that_stands_twice_is_refused()
    {
        var san = new AlternativeNames(["door-1"], [], []).Encode();
        Read(MakeWith("CN=door-1", ExtensionRequest(san, san))).ShouldBe(RequestRefusal.Duplicate);
        Read(MakeWith("CN=door-1", ExtensionRequest(san), ExtensionRequest(san))).ShouldBe(RequestRefusal.Duplicate);
    }

    [Fact]
    public void A_flipped_bit_anywhere_is_never_accepted_and_never_throws()
    {
        var der = Make("CN=door-1", new AlternativeNames(["door-1"], [], []).Encode());
        var seen = new HashSet<RequestRefusal>();
        for (var bit = 0; bit < der.Length * 8; bit++)
        {
            var broken = (byte[])der.Clone();
            broken[bit / 8] ^= (byte)(1 << bit % 8);
            SigningRequest.TryRead(broken, out _, out var refusal, out _).ShouldBeFalse($"bit {bit}");
            seen.Add(refusal);
        }

        seen.ShouldContain(RequestRefusal.BadSignature);
        seen.ShouldContain(RequestRefusal.Malformed);
    }

    [Fact]
    public void Random_bytes_and_cut_off_requests_are_malformed()
    {
        var random = new Random(3);
        var der = Make("CN=door-1");
        for (var i = 0; i < der.Length; i++) SigningRequest.TryRead(der.AsSpan(0, i), out _, out _, out _).ShouldBeFalse();
        for (var i = 0; i < 2_000; i++)
        {
            var bytes = new byte[random.Next(200)];
            random.NextBytes(bytes);
            if (i % 2 == 0 && bytes.Length > 0) bytes[0] = 0x30;
            Read(bytes).ShouldBe(RequestRefusal.Malformed);
        }

        Read([.. der, 0]).ShouldBe(RequestRefusal.Malformed);
        Read(new byte[20_000]).ShouldBe(RequestRefusal.TooLarge);
    }

    [Theory]
    [InlineData(RequestRefusal.WeakKey, "-newkey", "rsa:1024")]
    [InlineData(RequestRefusal.WeakKey, "-newkey", "rsa:2056")]
    [InlineData(RequestRefusal.WeakKey, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1")]
    [InlineData(RequestRefusal.WeakKey, "-newkey", "ed25519")]
    [InlineData(RequestRefusal.WeakSignature, "-newkey", "rsa:2048", "-sha1")]
    [InlineData(RequestRefusal.WeakSignature, "-newkey", "rsa:2048", "-md5")]
    public void Weak_keys_and_signatures_are_refused(RequestRefusal refusal, params string[] how)
    {
        _house.Openssl(["req", "-new", .. how, "-nodes", "-keyout", "x.key", "-out", "x.csr", "-subj", "/CN=door-1"]);
        Read(File.ReadAllBytes(_house.In("x.csr"))).ShouldBe(refusal);
    }

    [Fact]
    public void A_key_revoked_because_it_was_compromised_never_comes_back()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        SigningRequest.TryRead(Make("CN=door-1", key), out var request, out _, out _).ShouldBeTrue();
        using var issued = _house.Authority.IssueFor(Door, request!.Key);
        _house.Authority.Check(request, Door, out _).ShouldBe(RequestRefusal.None, "renewing with one's own key is allowed");
        _house.Authority.Revoke(issued.Serial, RevocationReason.KeyCompromise);

        _house.Reopen().Check(request, Door, out var detail).ShouldBe(RequestRefusal.CompromisedKey);

        detail.ShouldContain(issued.Serial);
    }

    [Fact]
    public void One_key_never_stands_for_two_names_or_two_purposes()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        SigningRequest.TryRead(Make("CN=door-1", key), out var request, out _, out _).ShouldBeTrue();
        SigningRequest.TryRead(Make("CN=door-2", key), out var other, out _, out _).ShouldBeTrue();
        using var issued = _house.Authority.IssueFor(Door, request!.Key);
        _house.Authority.Check(other!, new(CertificateProfile.Device, "door-2"), out _).ShouldBe(RequestRefusal.ForeignKey);
        _house.Authority.Check(request, new(CertificateProfile.DeviceSealing, "door-1"), out _).ShouldBe(RequestRefusal.ForeignKey);
    }

    public void Dispose() => _house.Dispose();

    private static RequestRefusal Read(byte[] bytes)
    {
        SigningRequest.TryRead(bytes, out _, out var refusal, out var detail);
        (refusal == RequestRefusal.None).ShouldBe(detail.Length == 0);
        return refusal;
    }

    private RequestRefusal Check(byte[] der, CertificateRequestSpec? admitted = null)
    {
        SigningRequest.TryRead(der, out var request, out var refusal, out var detail).ShouldBeTrue($"{refusal} {detail}");
        refusal = _house.Authority.Check(request!, admitted ?? Door, out detail);
        (refusal == RequestRefusal.None).ShouldBe(detail.Length == 0);
        return refusal;
    }

    private static byte[] Make(string subject, params X509Extension[] extensions)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Make(subject, key, extensions);
    }

    private static byte[] Make(string subject, ECDsa key, params X509Extension[] extensions)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        foreach (var extension in extensions) request.CertificateExtensions.Add(extension);
        return request.CreateSigningRequest();
    }

    // By hand: the platform's own builder would not make these.
    private static byte[] MakeWith(string subject, params byte[][] extensionRequests)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var info = new AsnWriter(AsnEncodingRules.DER);
        using (info.PushSequence())
        {
            info.WriteInteger(0);
            info.WriteEncodedValue(new X500DistinguishedName(subject).RawData);
            info.WriteEncodedValue(key.ExportSubjectPublicKeyInfo());
            using (info.PushSetOf(new Asn1Tag(TagClass.ContextSpecific, 0, true)))
            {
                foreach (var value in extensionRequests)
                {
                    using (info.PushSequence())
                    {
                        info.WriteObjectIdentifier("1.2.840.113549.1.9.14");
                        using (info.PushSetOf()) info.WriteEncodedValue(value);
                    }
                }
            }
        }

        var whole = new AsnWriter(AsnEncodingRules.DER);
        using (whole.PushSequence())
        {
            whole.WriteEncodedValue(info.Encode());
            using (whole.PushSequence()) whole.WriteObjectIdentifier("1.2.840.10045.4.3.2");
            whole.WriteBitString(key.SignData(info.Encode(), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
        }

        return whole.Encode();
    }

    private static byte[] ExtensionRequest(params X509Extension[] extensions)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (var extension in extensions)
            {
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier(extension.Oid!.Value!);
                    writer.WriteOctetString(extension.RawData);
                }
            }
        }

        return writer.Encode();
    }
}
